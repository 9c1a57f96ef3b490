//! The finish half: categories of embeddings, by words, by vote and by the user. Items are worked on one after the other; of one item the
//! probabilities of all instances are in memory, 8 bytes for each category.
pub(crate) mod corrections;
pub(crate) mod decision;
pub(crate) mod scorer;
pub(crate) mod statistics;
pub(crate) mod tracks;
use crate::finish::corrections::{Corrections, Verdict};
use crate::finish::decision::{Decision, mean};
use crate::finish::scorer::Scorer;
use crate::finish::statistics::Statistics;
use crate::finish::tracks::{Track, Tracks};
use crate::settings::{CONFIDENT, CategorizerSettings, DROPPED, UNCERTAIN};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Amendment, Annotation, Category, CategoryScore, FrameRange, ScopedAnnotation};
use framefleet_perception::by_item;
use framefleet_stage::{Job, Outputs, Records, StageError};
use serde_json::{Value as Json, json};

/// An instance, or a frame, with what is known of it.
struct Scored {
    frame: u64,
    instance: u32,
    probabilities: Vec<f64>,
    verdict: Option<Verdict>,
}

/// What an instance is called, and by whom.
struct Called<'a> {
    category: &'a str,
    status: &'static str,
    by: &'static str,
}

/// What finish works with beside records.
pub struct Categorizing<'a> {
    /// The settings.
    pub settings: &'a CategorizerSettings,
    /// What gives categories their probabilities.
    pub scorer: &'a Scorer,
    /// Id of the model.
    pub model: &'a str,
}

impl Categorizing<'_> {
    /// Categorizes the embeddings of all items.
    pub fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        let mut corrections = Corrections::of(&job.edits);
        let mut statistics = Statistics::of(self.settings, self.model, self.scorer);
        let mut items = by_item(records, job);
        while let Some(mut results) = items.next_item()? {
            let item = results.item().name.as_str();
            let mut scored = Vec::new();
            for frame in results.by_ref() {
                let record = frame?.record;
                let before = scored.len();
                for annotation in record.annotations {
                    if let Some(Value::Embedding(embedding)) = annotation.value {
                        let verdict = corrections.take(item, record.frame, annotation.instance);
                        let probabilities = self.scorer.probabilities(&embedding)?;
                        scored.push(Scored {
                            frame: record.frame,
                            instance: annotation.instance,
                            probabilities,
                            verdict,
                        });
                    }
                }
                statistics.add_frame(scored.len() > before);
            }
            self.publish(job, item, &scored, &mut statistics, out)?;
        }
        statistics.lost_targets = corrections.left();
        if let Ok(Json::Object(statistics)) = serde_json::to_value(&statistics) {
            out.statistics(&statistics);
        }
        Ok(())
    }

    /// Writes what an item's instances are called, and its tracks or shots.
    fn publish(
        &self,
        job: &Job,
        item: &str,
        scored: &[Scored],
        statistics: &mut Statistics,
        out: &mut Outputs,
    ) -> Result<(), StageError> {
        let tracks = Tracks::of(job, item, self.settings.of);
        let mut members: Vec<Vec<&Scored>> = vec![Vec::new(); tracks.list().len()];
        let is_dropped = |one: &Scored| matches!(one.verdict, Some(Verdict::Dropped));
        for one in scored.iter().filter(|one| !is_dropped(one)) {
            if let Some(track) = tracks.of_instance(one.frame, one.instance) {
                members[track].push(one);
            }
        }
        let votes: Vec<Option<Vote<'_>>> =
            tracks.list().iter().zip(&members).map(|(_, members)| self.vote(members)).collect();
        for (number, (track, vote)) in (0..).zip(tracks.list().iter().zip(&votes)) {
            let Some(vote) = vote else { continue };
            statistics.add_vote(track);
            out.annotate_scope(self.scoped(item, number, track, vote));
        }
        for one in scored {
            let track = tracks
                .of_instance(one.frame, one.instance)
                .filter(|at| self.settings.vote && tracks.list()[*at].is_one());
            let vote = track.and_then(|at| votes[at].as_ref());
            let decision = self.decide(&one.probabilities);
            let called = self.called(one, decision.as_ref(), vote);
            statistics.add(called.status, called.category, called.by);
            let json = self.fields(one, decision.as_ref(), &called).to_string();
            let (item, kind) = (item.to_owned(), "embedding".to_owned());
            out.amend(Amendment { item, frame: one.frame, instance: one.instance, kind, json });
        }
        Ok(())
    }

    fn decide(&self, probabilities: &[f64]) -> Option<Decision> {
        Decision::of(probabilities, self.settings.threshold, self.settings.margin)
    }

    fn name(&self, category: usize) -> &str {
        &self.scorer.names()[category]
    }

    /// The vote of a track's members; `None` when nobody votes.
    fn vote<'s>(&'s self, members: &[&'s Scored]) -> Option<Vote<'s>> {
        let decision = self.decide(&mean(members.iter().map(|one| one.probabilities.as_slice()))?)?;
        let own = members.iter().filter_map(|one| self.decide(&one.probabilities));
        let agree = own.filter(|own| own.raw == decision.raw).count();
        let by_user = members.iter().filter_map(|one| match &one.verdict {
            Some(Verdict::Assigned { category, edit }) => Some((*edit, category.as_str())),
            _ => None,
        });
        let assigned = by_user.max_by_key(|(edit, _)| *edit).map(|(_, category)| category);
        let share = agree as f64 / members.len() as f64;
        Some(Vote { decision, assigned, votes: members.len() as u64, share })
    }

    fn called<'s>(&'s self, one: &'s Scored, decision: Option<&Decision>, vote: Option<&'s Vote<'s>>) -> Called<'s> {
        let raw = decision.map_or(UNCERTAIN, |decision| self.name(decision.raw));
        match &one.verdict {
            Some(Verdict::Dropped) => return Called { category: "", status: DROPPED, by: "user" },
            Some(Verdict::Assigned { category, .. }) => return Called { category, status: CONFIDENT, by: "user" },
            Some(Verdict::Kept) => return Called { category: raw, status: CONFIDENT, by: "user" },
            None => {}
        }
        match vote.and_then(|vote| vote.category(self)) {
            Some(category) => Called { category, status: CONFIDENT, by: "vote" },
            None if decision.is_some_and(|decision| decision.is_confident) => {
                Called { category: raw, status: CONFIDENT, by: self.scorer.by() }
            }
            None => Called { category: UNCERTAIN, status: UNCERTAIN, by: self.scorer.by() },
        }
    }

    /// What is added to an instance's row.
    fn fields(&self, one: &Scored, decision: Option<&Decision>, called: &Called<'_>) -> Json {
        let scores = self.scorer.names().iter().zip(&one.probabilities);
        let scores = scores.map(|(category, probability)| CategoryScore {
            category: category.clone(),
            probability: short(*probability),
        });
        let mut fields = json!({
            "category": called.category,
            "status": called.status,
            "by": called.by,
            "scores": scores.collect::<Vec<_>>(),
        });
        if let Some(Decision { raw, runner_up, p1, p2, .. }) = decision {
            fields["raw"] = self.name(*raw).into();
            fields["p1"] = short(*p1).into();
            fields["p2"] = short(*p2).into();
            fields["margin"] = short(p1 - p2).into();
            fields["runner_up"] = runner_up.map_or("", |at| self.name(at)).into();
        }
        fields
    }

    fn scoped(&self, item: &str, number: u32, track: &Track, vote: &Vote<'_>) -> ScopedAnnotation {
        let Decision { raw, runner_up, p1, p2, .. } = vote.decision;
        let category = vote.category(self);
        let category = Category {
            category: category.unwrap_or(UNCERTAIN).to_owned(),
            raw: self.name(raw).to_owned(),
            status: if category.is_some() { CONFIDENT } else { UNCERTAIN }.to_owned(),
            p1: short(p1),
            p2: short(p2),
            margin: short(p1 - p2),
            runner_up: runner_up.map_or("", |at| self.name(at)).to_owned(),
            by: if vote.assigned.is_some() { "user" } else { "vote" }.to_owned(),
            votes: vote.votes,
            share: short(vote.share),
            voters: track.voters.to_owned(),
            track: track.number,
        };
        let range = Some(FrameRange { start: track.frames.start, end: track.frames.end });
        let annotation = Some(Annotation { instance: number, value: Some(Value::Category(category)) });
        ScopedAnnotation { item: item.to_owned(), range, annotation }
    }
}

/// What the members of a track say together.
struct Vote<'a> {
    decision: Decision,
    /// What the user called one of them, the last word counting.
    assigned: Option<&'a str>,
    votes: u64,
    share: f64,
}

impl Vote<'_> {
    /// The category of all of them; `None` when it is not sure.
    fn category<'s>(&'s self, of: &'s Categorizing<'_>) -> Option<&'s str> {
        let own = || self.decision.is_confident.then(|| of.name(self.decision.raw));
        self.assigned.or_else(own)
    }
}

/// Six digits: no model says more.
fn short(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
