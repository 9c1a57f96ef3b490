//! From a pipeline and the items of a job to a plan.
pub(crate) mod files;
mod graph;
pub(crate) mod memory;
pub(crate) mod needs;
mod parts;
mod passes;
mod pixels;

use crate::stages::{Stages, half_needs};
use crate::{
    Half, HalfPlan, JobRange, MemoryPlan, Models, Pipeline, PixelSource, Plan, PlanError, PlannedModel, Provider,
    Sampling, StepPlan,
};
use files::{GivenFile, PlannedFile};
use framefleet_frames::frame::BATCH_FRAMES;
use framefleet_frames::{Item, ItemKind, made};
use graph::{Node, Wires};
use needs::{Draft, check_joins, check_needs_tables, providers};
use passes::{Schedule, StepPasses};
use serde_json::{Map, Value};

/// Bytes of a step's settings as JSON, at most: they travel with each of its tasks.
const MAX_SETTINGS: usize = 8 << 10;

/// Frames that a task may look at, at most: it names each of them. Twenty batches of the longest.
const MAX_WINDOW: u64 = 640;

/// What is to be planned.
#[derive(Clone, Debug)]
pub struct PlanRequest<'a> {
    /// The pipeline.
    pub pipeline: &'a Pipeline,
    /// What headers say of the items.
    pub items: &'a [Item],
    /// Which part of every item is done.
    pub range: JobRange,
    /// The files that settings of its steps name.
    pub files: &'a [GivenFile],
    /// Complete settings of the ingest stage, and its version.
    pub ingest: (Map<String, Value>, u32),
    /// Execution class of all that is no model.
    pub class: String,
    /// Seed for whatever is random.
    pub seed: u64,
    /// Bytes that frames in flight may occupy.
    pub memory_budget: u64,
}

/// Makes the plan of a job: steps with complete settings, providers before users; passes and why each exists; the memory
/// needed. Refuses, naming both ends: unknown stages and settings, files that were not read, needs that nobody or several meet,
/// cycles, frames that would have to outlive their pass, and jobs that do not fit into memory.
pub fn plan(request: &PlanRequest, stages: &dyn Stages, models: &dyn Models) -> Result<Plan, PlanError> {
    let pipeline = request.pipeline;
    pipeline.check()?;
    request.range.check()?;
    let drafts = drafts(pipeline, stages)?;
    let chosen = drafts.iter().map(|draft| chosen_models(draft, models)).collect::<Result<Vec<_>, _>>()?;
    let files = drafts.iter().map(|draft| files::planned(draft, request.files)).collect::<Result<Vec<_>, _>>()?;
    check_items(&drafts, request.items, stages)?;
    check_sampling(&drafts, request.items)?;
    check_needs_tables(&drafts)?;
    check_joins(&drafts, stages)?;
    let wires = (0..drafts.len()).map(|step| wires(&drafts, step, stages)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&str> = pipeline.steps.iter().map(|step| step.name.as_str()).collect();
    let order = graph::order(&wires, &names)?;
    let samplings: Vec<Sampling> = pipeline.steps.iter().map(|step| step.frames).collect();
    let schedule = Schedule { wires: &wires, order: &order, names: &names, samplings: &samplings };
    let passes = schedule.passes()?;
    let places = Places::of(&order, drafts.len());
    let mut plan = Plan {
        pipeline: pipeline.name.clone(),
        ingest: request.ingest.0.clone(),
        ingest_version: request.ingest.1,
        class: request.class.clone(),
        steps: places
            .order
            .iter()
            .map(|&step| {
                let given = (chosen[step].clone(), files[step].clone());
                step_plan(&drafts[step], given, &wires[step], passes[step], &places)
            })
            .collect(),
        passes: schedule.plans(&passes),
        range: request.range,
        seed: request.seed,
        memory: MemoryPlan::default(),
    };
    for pass in &mut plan.passes {
        pass.process.iter_mut().chain(&mut pass.finish).for_each(|step| *step = places.of_step[*step]);
    }
    check_made(&plan, request.items)?;
    plan.memory = memory::needed(&plan, request.items, request.memory_budget)?;
    Ok(plan)
}

/// Asks the stages of all steps.
pub(crate) fn drafts<'a>(pipeline: &'a Pipeline, stages: &dyn Stages) -> Result<Vec<Draft<'a>>, PlanError> {
    let draft = |step: &'a crate::Step| match stages.resolve(&step.stage, step.profile.as_deref(), &step.settings) {
        Ok(resolved) => check_size(Draft { step, resolved }),
        Err(source) => Err(PlanError::Settings { step: step.name.clone(), source }),
    };
    pipeline.steps.iter().map(draft).collect()
}

/// Refuses what no task could name: tasks travel in messages.
fn check_size(draft: Draft) -> Result<Draft, PlanError> {
    let (step, needs) = (draft.step.name.clone(), &draft.resolved.needs);
    let bytes = Value::Object(draft.resolved.settings.clone()).to_string().len();
    if bytes > MAX_SETTINGS {
        return Err(PlanError::LongSettings { step, bytes, max: MAX_SETTINGS });
    }
    let batches = needs.group.max(1).saturating_mul(BATCH_FRAMES);
    let frames = batches.saturating_add(needs.halo.before).saturating_add(needs.halo.after);
    if frames > MAX_WINDOW {
        return Err(PlanError::WideWindow { step, frames, max: MAX_WINDOW });
    }
    Ok(draft)
}

/// The models of a step, in order of role.
fn chosen_models(draft: &Draft, models: &dyn Models) -> Result<Vec<PlannedModel>, PlanError> {
    let Draft { step, resolved } = draft;
    let profile = step.profile.as_deref().unwrap_or("balanced");
    let choose = |need| models.choose(&step.stage, profile, need);
    let chosen = resolved.needs.models.iter().map(choose).collect::<Result<Vec<_>, _>>();
    let mut chosen = chosen.map_err(|problem| PlanError::Model { step: step.name.clone(), problem })?;
    chosen.sort_by(|a, b| a.role.cmp(&b.role));
    Ok(chosen)
}

/// Refuses settings that ask for what items do not have.
fn check_items(drafts: &[Draft], items: &[Item], stages: &dyn Stages) -> Result<(), PlanError> {
    for Draft { step, resolved } in drafts {
        let checked = stages.check_items(&step.stage, &resolved.settings, items);
        checked.map_err(|source| PlanError::Settings { step: step.name.clone(), source })?;
    }
    Ok(())
}

/// Refuses samplings that would silently mean nothing.
fn check_sampling(drafts: &[Draft], items: &[Item]) -> Result<(), PlanError> {
    for Draft { step, resolved } in drafts {
        let refuse = |problem: String| {
            Err(PlanError::Frames { step: step.name.clone(), frames: step.frames.to_string(), problem })
        };
        if resolved.needs.finish_only && step.frames != Sampling::All {
            return refuse(format!("stage {} looks at no frames, it works on the results of other steps", step.stage));
        }
        let still = items.iter().find(|item| item.kind() == ItemKind::Stills);
        if let (Sampling::PerSecond(_), Some(item)) = (step.frames, still) {
            return refuse(format!(
                "{} is a folder of stills, which have no times; use \"all\" or \"every N\"",
                item.name
            ));
        }
    }
    Ok(())
}

/// Refuses steps that make frames as no frame can be.
fn check_made(plan: &Plan, items: &[Item]) -> Result<(), PlanError> {
    for (step, planned) in plan.steps.iter().enumerate() {
        let refuse = |problem: String| PlanError::Made { step: planned.name.clone(), problem };
        planned.made.as_ref().map_or(Ok(()), made::check).map_err(refuse)?;
        if planned.encodes.is_some() && planned.made.is_some() {
            return Err(refuse("a step that encodes frames makes none for others".to_owned()));
        }
        if planned.encodes.is_some_and(|encoding| !encoding.keeps_alpha()) && made::adds_alpha(&plan.makers(step)) {
            return Err(PlanError::NoAlpha { step: planned.name.clone() });
        }
        for item in items {
            let checked = plan.made_shape(step, item).map_or(Ok(()), made::check_size);
            checked.map_err(|problem| refuse(format!("{}: {problem}", item.name)))?;
        }
    }
    Ok(())
}

/// What one step reads and makes.
fn wires(drafts: &[Draft], step: usize, stages: &dyn Stages) -> Result<Wires, PlanError> {
    let half_plan = |half| -> Result<Option<HalfPlan>, PlanError> {
        let Some(needs) = half_needs(&drafts[step].resolved.needs, half) else { return Ok(None) };
        let mut makes = needs.makes.clone();
        makes.sort();
        makes.dedup();
        Ok(Some(HalfPlan { providers: providers(drafts, step, half, stages)?, makes, side_inputs: needs.side_inputs }))
    };
    Ok(Wires {
        process: half_plan(Half::Process)?,
        finish: half_plan(Half::Finish)?.unwrap_or_default(),
        pixels: pixels::inputs(drafts, step)?,
    })
}

/// Where steps of the pipeline stand in the plan.
struct Places {
    /// Steps of the pipeline in the plan's order.
    order: Vec<usize>,
    /// Index in the plan of a step of the pipeline.
    of_step: Vec<usize>,
}

impl Places {
    /// In the order of the steps' first halves.
    fn of(halves: &[Node], steps: usize) -> Self {
        let mut order = Vec::with_capacity(steps);
        let mut of_step = vec![usize::MAX; steps];
        for &(step, _) in halves {
            if of_step[step] == usize::MAX {
                of_step[step] = order.len();
                order.push(step);
            }
        }
        Self { order, of_step }
    }

    fn half(&self, half: &HalfPlan) -> HalfPlan {
        let moved = |provider: &Provider| Provider { step: self.of_step[provider.step], ..provider.clone() };
        HalfPlan {
            providers: half.providers.iter().map(moved).collect(),
            makes: half.makes.clone(),
            side_inputs: half.side_inputs,
        }
    }
}

fn step_plan(
    draft: &Draft,
    (models, files): (Vec<PlannedModel>, Vec<PlannedFile>),
    wires: &Wires,
    passes: StepPasses,
    places: &Places,
) -> StepPlan {
    let Draft { step, resolved } = draft;
    let moved = |input: &crate::PixelInput| match input.source {
        PixelSource::Ingest => *input,
        PixelSource::Step(maker) => crate::PixelInput { source: PixelSource::Step(places.of_step[maker]), ..*input },
    };
    StepPlan {
        name: step.name.clone(),
        stage: step.stage.clone(),
        version: resolved.version,
        settings: files::with_digests(resolved.settings.clone(), &files),
        finish_settings: resolved.finish_settings.clone(),
        files,
        models,
        sampling: step.frames,
        process: wires.process.as_ref().map(|half| places.half(half)),
        finish: places.half(&wires.finish),
        pixels: wires.pixels.iter().map(moved).collect(),
        halo: resolved.needs.halo,
        group: resolved.needs.group.max(1),
        made: resolved.needs.made.clone().filter(|_| wires.process.is_some()),
        encodes: resolved.needs.encodes.filter(|_| wires.process.is_some()),
        pass: passes.process,
        finish_pass: passes.finish,
    }
}
