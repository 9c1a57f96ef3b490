//! One step of a job, on this thread.
use crate::made::files;
use crate::records::UPSTREAM;
use crate::settings::of_process;
use crate::sound::NotAsked;
use crate::soundtracks::Soundtracks;
use crate::{Film, Finished, Kept, Processed, Silence, StepError};
use framefleet_frames::annotation::{kind_name, slice};
use framefleet_frames::{Annotation, Edit, FrameRange, Item, Kind, Outcome, Outcomes, ScopedAnnotation};
use framefleet_stage::{Batch, HalfNeeds, Host, Job, Needs, Outputs, SetupError, Stage, check_made, full_frame};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A loaded stage, and the corrections of what it made.
pub struct Step<S> {
    /// The stage as process has it: with the defaults of the settings that finish alone reads.
    pub stage: S,
    /// The stage as finish has it.
    for_finish: S,
    /// What it needs.
    pub needs: Needs,
    /// The user's corrections.
    pub edits: Vec<Edit>,
}

/// The job around a task of a step, without sound, corrections and other steps' results.
pub fn job(step: &str, items: Vec<Item>, scratch: &Path) -> Job {
    Job {
        step: step.to_owned(),
        items,
        seed: 7,
        scoped: Vec::new(),
        edits: Vec::new(),
        makers: Vec::new(),
        audio: Arc::new(Silence),
        scratch: scratch.to_owned(),
    }
}

impl<S: Stage> Step<S> {
    /// Loads the stage for each half.
    pub fn load(host: &Host, settings: &S::Settings) -> Result<Self, SetupError> {
        Self::loaded(host, &of_process::<S>(settings)?, settings)
    }

    /// Loads the stage with all settings for both halves.
    pub(crate) fn load_unsplit(host: &Host, settings: &S::Settings) -> Result<Self, SetupError> {
        Self::loaded(host, settings, settings)
    }

    fn loaded(host: &Host, of_process: &S::Settings, settings: &S::Settings) -> Result<Self, SetupError> {
        let (stage, for_finish) = (S::load(host, of_process)?, S::load(host, settings)?);
        Ok(Self { stage, for_finish, needs: S::needs(settings), edits: Vec::new() })
    }

    /// Both halves.
    pub fn run(&self, films: &[Film]) -> Result<(Processed, Finished), StepError> {
        let processed = self.process(films)?;
        let finished = self.finish(films, &processed.records)?;
        Ok((processed, finished))
    }

    /// The process half over all batches.
    pub fn process(&self, films: &[Film]) -> Result<Processed, StepError> {
        framefleet_vision::use_one_thread()?;
        let mut processed = Processed::default();
        for film in films {
            for batch in film.batches(&self.needs) {
                self.process_batch(film, &batch?, &mut processed)?;
            }
        }
        Ok(processed)
    }

    /// The finish half over what process made of these films, or of others that had the same items.
    pub fn finish(&self, films: &[Film], records: &Kept) -> Result<Finished, StepError> {
        framefleet_vision::use_one_thread()?;
        let scratch = tempfile::tempdir()?;
        let everything = FrameRange { start: 0, end: u64::MAX };
        let told = |film: &Film| shown(&self.needs.finish, &film.scoped, film, &everything);
        let job = Job {
            scoped: films.iter().flat_map(told).collect(),
            edits: self.edits.clone(),
            audio: if self.needs.finish.side_inputs.audio {
                Arc::new(Soundtracks::of(films))
            } else {
                Arc::new(NotAsked)
            },
            ..job(S::NAME, films.iter().map(|film| film.item.clone()).collect(), scratch.path())
        };
        let mut out = Outputs::new(scratch.path());
        self.for_finish.finish(&job, records, &mut out)?;
        let finished = Finished::of(out)?;
        declared("finish", &self.needs.finish, finished.scoped.iter().filter_map(|of| of.annotation.as_ref()))?;
        Ok(finished)
    }

    /// The job around a task that is shown a batch.
    pub fn job(&self, film: &Film, batch: &Batch, scratch: &Path) -> Job {
        Job {
            scoped: shown(&self.needs.process, &film.scoped, film, batch.window()),
            audio: if self.needs.process.side_inputs.audio { Arc::clone(&film.audio) } else { Arc::new(NotAsked) },
            ..job(S::NAME, vec![film.item.clone()], scratch)
        }
    }

    /// The process half over one batch, added to what was made of others.
    pub fn process_batch(&self, film: &Film, batch: &Batch, processed: &mut Processed) -> Result<(), StepError> {
        let scratch = tempfile::tempdir()?;
        let mut out = Outputs::new(scratch.path());
        let job = self.job(film, batch, scratch.path());
        self.stage.process(&job, batch, &mut out)?;
        let made = out.into_output();
        for frame in &made.frames {
            let rule = self.needs.made.as_ref().ok_or(StepError::Frames)?;
            check_made(&job.step, rule, full_frame(&job, batch, frame.number), frame).map_err(StepError::Made)?;
        }
        let mut annotations: BTreeMap<u64, Vec<Annotation>> =
            made.annotations.frames.into_iter().map(|of| (of.frame, of.annotations)).collect();
        declared("process", &self.needs.process, annotations.values().flatten())?;
        let mut outcomes = outcomes(film, batch, made.outcomes);
        for frame in film.sampled(batch.range()) {
            let outcome = outcomes.remove(&frame).unwrap_or(Outcome::Result);
            let annotations = annotations.remove(&frame).filter(|_| outcome == Outcome::Result).unwrap_or_default();
            processed.records.add(&film.item.name, frame, film.pts_ns(frame), outcome, annotations);
        }
        processed.frames.extend(made.frames);
        processed.artifacts.extend(files(&made.artifacts, &film.item)?);
        let attached = made.attachments.iter();
        let attached = attached.map(|of| (film.item.name.clone(), of.name().to_owned(), of.path().to_owned()));
        processed.records.attachments.extend(attached);
        processed.records.folders.push(scratch);
        Ok(())
    }
}

/// What became of the frames of a batch that have no result.
fn outcomes(film: &Film, batch: &Batch, made: Outcomes) -> BTreeMap<u64, Outcome> {
    let absent = film.sampled(batch.range()).into_iter().filter(|frame| !batch.frames().contains(frame));
    let absent = absent.map(|frame| (frame, Outcome::Skipped { rule: UPSTREAM.to_owned() }));
    let skipped = made.skipped.into_iter().filter_map(|of| Some((of.range?, of.rule)));
    let skipped = skipped
        .flat_map(|(range, rule)| (range.start..range.end).map(move |n| (n, Outcome::Skipped { rule: rule.clone() })));
    let failed = made.failed.into_iter().map(|of| (of.frame, Outcome::Failed { code: of.code, reason: of.reason }));
    absent.chain(skipped).chain(failed).collect()
}

/// What a half is given of frames of a film.
fn shown(half: &HalfNeeds, scoped: &[ScopedAnnotation], film: &Film, window: &FrameRange) -> Vec<ScopedAnnotation> {
    let kinds: Vec<Kind> = half.required.iter().chain(&half.optional).cloned().collect();
    slice(scoped, &film.item.name, window, &kinds).into_iter().cloned().collect()
}

/// Refuses what a half may not make.
fn declared<'a>(
    half: &'static str,
    needs: &HalfNeeds,
    made: impl Iterator<Item = &'a Annotation>,
) -> Result<(), StepError> {
    match made.map(kind_name).find(|kind| !needs.makes.iter().any(|known| known.as_str() == *kind)) {
        Some(kind) => Err(StepError::Undeclared { half, kind: kind.to_owned() }),
        None => Ok(()),
    }
}
