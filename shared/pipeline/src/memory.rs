//! The memory a job may occupy with volatile frames, and the least it needs.
use crate::{Half, PixelSource, Plan, PlanError, StepPlan};
use framefleet_media::frame::{batch_frames, byte_length, full_format, largest_frames};
use framefleet_media::item::largest_proxy;
use framefleet_media::{Item, PixelFormat, Rendition};
use framefleet_stage::Halo;
use serde::Serialize;

/// Bytes of volatile frames: what is allowed and what is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryPlan {
    /// What batches in flight may occupy together.
    pub budget: u64,
    /// The least with which every pass goes through, by pass: the most, over its batches, of the bytes of the batches that
    /// a task's window overlaps (halos summed along the worst path), plus one batch, and no less than one group.
    pub needed: Vec<u64>,
}

/// Bytes that a whole batch of an item occupies in a pass: its renditions that steps of the pass read, and the frames that
/// steps of the pass make of it. Sampling lessens it only where it is certain by how much (`every N`).
pub fn batch_bytes(plan: &Plan, pass: usize, item: &Item) -> u64 {
    let (length, largest) = (batch_frames(item), largest_frames(item));
    let steps = || plan.passes.get(pass).into_iter().flat_map(|pass| &pass.process).map(|step| &plan.steps[*step]);
    let rendition_bytes = |rendition: Rendition, frame: u64, frames: u64| {
        let reads =
            |step: &&StepPlan| step.pixels.iter().any(|p| p.rendition == rendition && p.source == PixelSource::Ingest);
        let looked_at = |step: &StepPlan| {
            let halo = step.halo_for(item);
            step.sampling.most_of(length, halo.before.saturating_add(halo.after).saturating_add(1))
        };
        steps().filter(reads).map(looked_at).fold(0, u64::saturating_add).min(frames).saturating_mul(frame)
    };
    // Of stills the item says the largest width, height and depth there are: no frame takes more, whatever its own size.
    let (width, height) = largest_proxy(item);
    let proxies = rendition_bytes(Rendition::Proxy, byte_length(PixelFormat::Rgb8, width, height) as u64, length);
    let full = byte_length(full_format(item), item.width, item.height) as u64;
    let full = rendition_bytes(Rendition::Full, full, largest);
    steps().map(|step| made_bytes(step, item, largest)).fold(proxies.saturating_add(full), u64::saturating_add)
}

/// Bytes of the frames that a step makes of a batch.
fn made_bytes(step: &StepPlan, item: &Item, length: u64) -> u64 {
    let Some(made) = &step.made else { return 0 };
    let (width, height, format) = (made.size)(item);
    step.sampling.most_of(length, 1).saturating_mul(byte_length(format, width, height) as u64)
}

/// Frames before and after a task of `step` that its pass must have reached for the task to run: halos summed along the worst
/// path of process halves of the same pass, through annotations and made frames alike. Tasks begin and end on the grid, so a
/// provider's task may reach up to a batch (or group) further than these sums. Nothing for stills.
pub fn expand(plan: &Plan, step: usize, item: &Item) -> Halo {
    let sums = sums(plan, item, &|_, _, _| 0);
    sums.get(step).copied().unwrap_or_default()
}

/// Halos summed along the worst path, per step. `misaligned(reader, provider group, reach)` is how far the task of a provider
/// may reach beyond the frames that its reader looks at.
fn sums(plan: &Plan, item: &Item, misaligned: &dyn Fn(&StepPlan, u64, u64) -> u64) -> Vec<Halo> {
    let mut sums: Vec<Halo> = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let own = step.halo_for(item);
        let reach = |own: u64, provider: usize, beyond: u64| {
            own.saturating_add(misaligned(step, plan.steps[provider].group_for(item), own)).saturating_add(beyond)
        };
        // The footage itself comes in batches, as if made by a step with groups of one.
        let mut sum = Halo {
            before: own.before.saturating_add(misaligned(step, 1, own.before)),
            after: own.after.saturating_add(misaligned(step, 1, own.after)),
        };
        // Steps are in the order of their process halves, so those of providers are summed already.
        for provider in providers_in_pass(plan, step).filter(|provider| *provider < sums.len()) {
            sum.before = sum.before.max(reach(own.before, provider, sums[provider].before));
            sum.after = sum.after.max(reach(own.after, provider, sums[provider].after));
        }
        sums.push(sum);
    }
    sums
}

/// Steps whose process halves a process half waits for within its pass.
fn providers_in_pass<'a>(plan: &'a Plan, step: &'a StepPlan) -> impl Iterator<Item = usize> + 'a {
    let kinds = step.process.iter().flat_map(|half| &half.providers);
    let kinds = kinds.filter(|provider| provider.half == Half::Process).map(|provider| provider.step);
    let frames = step.pixels.iter().filter_map(|input| match input.source {
        PixelSource::Step(maker) => Some(maker),
        PixelSource::Ingest => None,
    });
    kinds.chain(frames).filter(|provider| plan.steps[*provider].pass == step.pass)
}

/// Batches of an item that must be in flight together for a task of each step to run, per step: the task's own and those
/// that it waits for on both sides.
fn batches_spanned(plan: &Plan, item: &Item) -> Vec<u64> {
    let frames = batch_frames(item);
    // A window's edge lies `reach` before a multiple of the reader's group. Cutting it down to the provider's group loses
    // most when the edge is the last of the places that it can have: those are `divisor` apart.
    let misaligned = |reader: &StepPlan, group: u64, reach: u64| {
        let group = group.saturating_mul(frames);
        let divisor = gcd(reader.group_for(item).saturating_mul(frames), group);
        (group - divisor).saturating_add((divisor - reach % divisor) % divisor)
    };
    let sums = sums(plan, item, &misaligned);
    let span = |(step, sum): (&StepPlan, Halo)| {
        step.group_for(item)
            .saturating_add((sum.before / frames).saturating_add(sum.after / frames))
            .min(batches_at_most(item, frames))
    };
    plan.steps.iter().zip(sums).map(span).collect()
}

/// Batches of an item, where its headers say exactly: images are counted, frames of a video are only estimated.
fn batches_at_most(item: &Item, frames: u64) -> u64 {
    if item.files.is_empty() { u64::MAX } else { (item.files.len() as u64).div_ceil(frames) }
}

/// Greatest common divisor of two positive numbers.
fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The widest need of a pass.
struct Widest {
    step: usize,
    item: usize,
    batches: u64,
    batch_bytes: u64,
}

impl Widest {
    /// One batch more than the window: the next is prepared while tasks run.
    fn bytes(&self) -> u64 {
        self.batch_bytes.saturating_mul(self.batches.saturating_add(1))
    }
}

/// What every pass needs; refused with the numbers when that is more than the budget.
pub(crate) fn needed(plan: &Plan, items: &[Item], budget: u64) -> Result<MemoryPlan, PlanError> {
    let spans: Vec<Vec<u64>> = items.iter().map(|item| batches_spanned(plan, item)).collect();
    let mut needed = Vec::with_capacity(plan.passes.len());
    for (pass, steps) in plan.passes.iter().enumerate() {
        let widest = (0..items.len()).flat_map(|item| steps.process.iter().map(move |step| (item, *step))).map(
            |(item, step)| Widest {
                step,
                item,
                batches: spans[item][step],
                batch_bytes: batch_bytes(plan, pass, &items[item]),
            },
        );
        let Some(widest) = widest.max_by_key(Widest::bytes) else {
            needed.push(0);
            continue;
        };
        if widest.bytes() > budget {
            return Err(PlanError::Memory {
                pass,
                step: plan.steps[widest.step].name.clone(),
                item: items[widest.item].name.clone(),
                batches: widest.batches,
                batch_bytes: widest.batch_bytes,
                needed: widest.bytes(),
                budget,
            });
        }
        needed.push(widest.bytes());
    }
    Ok(MemoryPlan { budget, needed })
}
