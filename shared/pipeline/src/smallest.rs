//! The smallest pipeline that satisfies some stages.
use crate::planner::drafts;
use crate::planner::needs::{Draft, joined};
use crate::stages::{Stages, makers_of, makes, makes_frames};
use crate::{Half, Pipeline, PlanError, Step};
use framefleet_frames::Kind;
use framefleet_stage::Input;
use std::collections::BTreeSet;

impl Pipeline {
    /// The smallest pipeline that satisfies these stages: one step for each, and for every kind that a step requires and
    /// none makes, a step of the stage that makes it by default, and so on; and a step of every stage that joins what two or more of them
    /// find. Steps that read the latest frames and make none
    /// come last. Fails when several stages make such a kind (name the one you want) or none does.
    pub fn of_stages(names: &[&str], stages: &dyn Stages) -> Result<Self, PlanError> {
        let mut pipeline = Self { name: names.join(","), ..Self::default() };
        for name in names {
            if !pipeline.steps.iter().any(|step| step.name == *name) {
                pipeline.steps.push(Step::of_stage(name));
            }
        }
        pipeline.add_providers(stages)?;
        pipeline.add_joins(stages)?;
        let last: BTreeSet<String> = sinks(&drafts(&pipeline, stages)?);
        pipeline.steps.sort_by_key(|step| last.contains(&step.name));
        Ok(pipeline)
    }

    /// Adds, above the step that needs it, a step for every kind that is required and that no step makes, as
    /// [`Pipeline::of_stages`] does. Settings may change what is required: call it after them.
    pub fn add_providers(&mut self, stages: &dyn Stages) -> Result<(), PlanError> {
        self.check()?;
        while let Some((place, stage)) = missing(&drafts(self, stages)?, stages)? {
            self.steps.insert(place, Step::of_stage(&stage));
            self.check()?;
        }
        Ok(())
    }

    /// Adds a step of every stage that joins two or more kinds that are made.
    fn add_joins(&mut self, stages: &dyn Stages) -> Result<(), PlanError> {
        for name in stages.names() {
            let mut with = self.clone();
            with.steps.push(Step::of_stage(&name));
            let there = self.steps.iter().any(|step| step.stage == name || step.name == name);
            if there || with.check().is_err() {
                continue;
            }
            let drafts = drafts(&with, stages)?;
            if drafts.last().is_some_and(|draft| draft.resolved.needs.joins && joined(&drafts, draft) > 1) {
                *self = with;
            }
        }
        Ok(())
    }
}

/// Steps that read the latest frames and make none.
fn sinks(drafts: &[Draft]) -> BTreeSet<String> {
    let is_sink = |draft: &&Draft| draft.resolved.needs.input == Input::Latest && !makes_frames(&draft.resolved.needs);
    drafts.iter().filter(is_sink).map(|draft| draft.step.name.clone()).collect()
}

/// The first step with a required kind that no step makes, and the stage to add. Kinds that no stage makes, or only the
/// step itself, are left to the planner, which says what is wrong with them.
fn missing(drafts: &[Draft], stages: &dyn Stages) -> Result<Option<(usize, String)>, PlanError> {
    for (place, draft) in drafts.iter().enumerate() {
        for half in [Half::Process, Half::Finish] {
            for (kind, need) in draft.needs(half) {
                let made = |draft: &Draft| need.halves().iter().any(|half| makes(&draft.resolved.needs, *half, &kind));
                let own = makes(&draft.resolved.needs, Half::Process, &kind)
                    || makes(&draft.resolved.needs, Half::Finish, &kind);
                if !need.required || own || drafts.iter().any(made) {
                    continue;
                }
                if let Some(stage) = the_maker(draft, &kind, need.halves(), stages)? {
                    return Ok(Some((place, stage)));
                }
            }
        }
    }
    Ok(None)
}

/// The one stage that makes a kind by default.
fn the_maker(user: &Draft, kind: &Kind, halves: &[Half], stages: &dyn Stages) -> Result<Option<String>, PlanError> {
    match makers_of(stages, kind, halves).as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        several => Err(PlanError::AmbiguousStage {
            step: user.step.name.clone(),
            kind: kind.clone(),
            makers: several.join(" and "),
        }),
    }
}
