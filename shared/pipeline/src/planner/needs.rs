//! Who makes what a half needs.
use crate::stages::{Stages, half_needs, makers_of, makes};
use crate::{Half, PlanError, Provider, Sampling, Step};
use framefleet_frames::Kind;
use framefleet_stage::Resolved;
use std::collections::BTreeMap;

/// A step of the pipeline with its stage's answer.
pub(crate) struct Draft<'a> {
    pub step: &'a Step,
    pub resolved: Resolved,
}

/// One need of a half.
#[derive(Clone, Copy, Default)]
pub(crate) struct Need {
    /// Whether some step must make it.
    pub required: bool,
    /// Whether it must be made over all frames.
    pub job_scoped: bool,
    /// Whether sampling asks for it, not the stage.
    pub sampling: bool,
}

/// The kind that `per-shot N` needs.
fn shot() -> Kind {
    Kind::new("shot")
}

impl Draft<'_> {
    /// The needs of a half, by kind: what the stage asks for, and shots when frames are sampled by shot.
    pub(crate) fn needs(&self, half: Half) -> BTreeMap<Kind, Need> {
        let Some(declared) = half_needs(&self.resolved.needs, half) else { return BTreeMap::new() };
        let job_scoped = half == Half::Finish;
        let mut needs = BTreeMap::new();
        for (kinds, required) in [(&declared.optional, false), (&declared.required, true)] {
            needs.extend(kinds.iter().map(|kind| (kind.clone(), Need { required, job_scoped, sampling: false })));
        }
        if half == Half::Process && matches!(self.step.frames, Sampling::PerShot(_)) {
            let asked = needs.contains_key(&shot());
            needs.insert(shot(), Need { required: true, job_scoped: true, sampling: !asked });
        }
        needs
    }

    fn makes(&self, half: Half, kind: &Kind) -> bool {
        makes(&self.resolved.needs, half, kind)
    }
}

impl Need {
    /// The halves that may provide it. Finish is given what others make over all frames, process both.
    pub(crate) fn halves(self) -> &'static [Half] {
        if self.job_scoped { &[Half::Finish] } else { &[Half::Process, Half::Finish] }
    }
}

/// Providers of the needs of one half, in order of kind. Optional needs that no step meets have none, and neither have kinds
/// that a finish half finds in its own step's records.
pub(crate) fn providers(
    drafts: &[Draft],
    user: usize,
    half: Half,
    stages: &dyn Stages,
) -> Result<Vec<Provider>, PlanError> {
    let mut providers = Vec::new();
    for (kind, need) in drafts[user].needs(half) {
        let chosen = Choice { drafts, user, half, kind: &kind, need }.provider(stages)?;
        providers.extend(chosen.map(|(step, half)| Provider { kind, step, half, required: need.required }));
    }
    Ok(providers)
}

/// One need that is to be met.
struct Choice<'a> {
    drafts: &'a [Draft<'a>],
    user: usize,
    half: Half,
    kind: &'a Kind,
    need: Need,
}

impl Choice<'_> {
    /// The one step and half that make the kind for this need.
    fn provider(&self, stages: &dyn Stages) -> Result<Option<(usize, Half)>, PlanError> {
        let candidates: Vec<_> =
            (0..self.drafts.len()).filter_map(|step| self.half_of(step).map(|half| (step, half))).collect();
        if let Some(named) = self.user().step.needs.get(self.kind.as_str()) {
            return candidates
                .iter()
                .copied()
                .find(|(step, _)| self.name(*step) == named)
                .map(Some)
                .ok_or_else(|| self.misnamed(named));
        }
        match candidates.as_slice() {
            [] => self.unmet(stages).map(|()| None),
            [one] => Ok(Some(*one)),
            several => Err(PlanError::Ambiguous {
                step: self.user().step.name.clone(),
                half: self.half,
                kind: self.kind.clone(),
                makers: several.iter().map(|(step, _)| self.name(*step)).collect::<Vec<_>>().join(" and "),
            }),
        }
    }

    fn user(&self) -> &Draft<'_> {
        &self.drafts[self.user]
    }

    fn name(&self, step: usize) -> &str {
        &self.drafts[step].step.name
    }

    /// The half of another step that makes the kind: process before finish, since annotations of one batch are there sooner.
    fn half_of(&self, step: usize) -> Option<Half> {
        let makes = |half: &&Half| step != self.user && self.drafts[step].makes(**half, self.kind);
        self.need.halves().iter().find(makes).copied()
    }

    /// Nobody else makes it: fine when it is optional or in the step's own records, else refused with what to do.
    fn unmet(&self, stages: &dyn Stages) -> Result<(), PlanError> {
        let user = self.user();
        let own = [Half::Process, Half::Finish].into_iter().find(|half| user.makes(*half, self.kind));
        let per_batch = |draft: &&Draft| draft.makes(Half::Process, self.kind);
        let (step, kind) = (user.step.name.clone(), self.kind.clone());
        match (self.half, own) {
            _ if !self.need.required => Ok(()),
            (Half::Finish, Some(Half::Process)) => Ok(()),
            (Half::Process, Some(maker)) => Err(PlanError::OwnKind { step, kind, maker }),
            (Half::Finish, None) if self.drafts.iter().any(|draft| per_batch(&draft)) => {
                let maker = self.drafts.iter().find(per_batch).map(|draft| draft.step.name.clone()).unwrap_or_default();
                Err(PlanError::FinishNeedsBatch { step, kind, maker })
            }
            _ => Err(PlanError::Unmet {
                step,
                half: self.half,
                kind,
                reason: if self.need.sampling { " to sample frames per shot" } else { "" },
                scope: if self.need.job_scoped { " over all frames" } else { "" },
                fix: self.fix(stages),
            }),
        }
    }

    /// Which stage to add.
    fn fix(&self, stages: &dyn Stages) -> String {
        match makers_of(stages, self.kind, self.need.halves()).as_slice() {
            [] => "no stage makes it with its default settings".to_owned(),
            makers => format!("add a step of a stage that does: {}", makers.join(", ")),
        }
    }

    fn misnamed(&self, named: &str) -> PlanError {
        let makers: Vec<_> =
            (0..self.drafts.len()).filter(|step| self.half_of(*step).is_some()).map(|step| self.name(step)).collect();
        let problem = match makers.as_slice() {
            [] => format!("no other step makes {} as {}.{} needs it", self.kind, self.user().step.name, self.half),
            makers => format!("steps that make {}: {}", self.kind, makers.join(", ")),
        };
        PlanError::NeedsEntry {
            step: self.user().step.name.clone(),
            kind: self.kind.clone(),
            maker: named.to_owned(),
            problem,
        }
    }
}

/// How many kinds that a step joins are made by other steps.
pub(crate) fn joined(drafts: &[Draft], joins: &Draft) -> usize {
    let made = |kind: &&Kind| {
        let others = drafts.iter().filter(|other| other.step.name != joins.step.name);
        others.into_iter().any(|other| [Half::Process, Half::Finish].iter().any(|half| other.makes(*half, kind)))
    };
    joins.resolved.needs.process.optional.iter().filter(made).count()
}

/// Refuses steps that join what nobody makes.
pub(crate) fn check_joins(drafts: &[Draft], stages: &dyn Stages) -> Result<(), PlanError> {
    let Some(draft) = drafts.iter().find(|draft| draft.resolved.needs.joins && joined(drafts, draft) == 0) else {
        return Ok(());
    };
    let kinds = &draft.resolved.needs.process.optional;
    let makers = kinds.iter().flat_map(|kind| makers_of(stages, kind, &[Half::Process, Half::Finish]));
    Err(PlanError::NothingToJoin {
        step: draft.step.name.clone(),
        kinds: kinds.iter().map(Kind::as_str).collect::<Vec<_>>().join(", "),
        makers: makers.collect::<Vec<_>>().join(", "),
    })
}

/// Refuses entries of `needs` tables that name a kind the step does not need.
pub(crate) fn check_needs_tables(drafts: &[Draft]) -> Result<(), PlanError> {
    for draft in drafts {
        let mut known: Vec<Kind> =
            [Half::Process, Half::Finish].into_iter().flat_map(|half| draft.needs(half).into_keys()).collect();
        known.sort();
        known.dedup();
        if let Some((kind, maker)) =
            draft.step.needs.iter().find(|(kind, _)| !known.iter().any(|k| k.as_str() == kind.as_str()))
        {
            let known: Vec<_> = known.iter().map(Kind::as_str).collect();
            let problem = match known.as_slice() {
                [] => "the step needs no kind".to_owned(),
                known => format!("the step does not need it; it needs {}", known.join(", ")),
            };
            let (step, maker) = (draft.step.name.clone(), maker.clone());
            return Err(PlanError::NeedsEntry { step, kind: Kind::new(kind), maker, problem });
        }
    }
    Ok(())
}
