//! The memory that a job may occupy with volatile frames and with the encoders that read them, and the least it needs.
//!
//! Frames are reserved when batches are admitted; encoders have a part of the budget of their own, as many run at a time as fit
//! into it.
use crate::planner::parts::gcd;
use crate::{Half, PixelSource, Plan, PlanError, StepPlan};
use framefleet_frames::frame::{batch_frames, byte_length, full_format, largest_frames};
use framefleet_frames::item::largest_proxy;
use framefleet_frames::made::Shape;
use framefleet_frames::{Item, PixelFormat, Rendition};
use framefleet_stage::Halo;
use serde::Serialize;

/// Bytes of volatile frames and encoders: what is allowed and what is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryPlan {
    /// What batches in flight and encoders may occupy together.
    pub budget: u64,
    /// The least with which every pass goes through, by pass: the most, over its batches, of the bytes of the batches (and of
    /// the slices of frames made in parts) that a task's window overlaps, halos summed along the worst path, and no less than one
    /// group; beside them one more batch and slice, or one encoder, whichever is larger.
    pub needed: Vec<u64>,
    /// By pass, the part of the budget that encoders at work have. What is more than needed is divided as one encoder and the
    /// frames of its task are, so that neither waits for the other.
    pub encoders: Vec<u64>,
}

impl MemoryPlan {
    /// What frames in flight may occupy in a pass.
    pub fn frames(&self, pass: usize) -> u64 {
        self.budget.saturating_sub(self.encoders(pass))
    }

    /// What encoders at work may occupy in a pass.
    pub fn encoders(&self, pass: usize) -> u64 {
        self.encoders.get(pass).copied().unwrap_or_default()
    }
}

/// Bytes that a whole batch of an item occupies in a pass: its renditions that steps of the pass read, and the frames that
/// steps of the pass make of whole batches. Sampling lessens it only where it is certain by how much (`every N`).
pub fn batch_bytes(plan: &Plan, pass: usize, item: &Item) -> u64 {
    let (length, largest) = (batch_frames(item), largest_frames(item));
    let steps = || steps_of(plan, pass).map(|step| &plan.steps[step]);
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
    let makers = steps_of(plan, pass).filter(|step| plan.part_frames(*step, item) == length);
    makers.map(|step| made_bytes(plan, step, item, largest)).fold(proxies.saturating_add(full), u64::saturating_add)
}

/// Bytes of the frames that steps of a pass make in parts of batches, of one slice ([`Plan::slice_frames`]) of an item and one
/// frame more; 0 when there are no such steps.
pub fn slice_bytes(plan: &Plan, pass: usize, item: &Item) -> u64 {
    let (length, slice) = (batch_frames(item), plan.slice_frames(pass, item));
    let makers = steps_of(plan, pass).filter(|step| plan.part_frames(*step, item) < length);
    // The frame that is being made lies beside the place of those that are.
    let bytes = |step| made_bytes(plan, step, item, slice.min(largest_frames(item)).saturating_add(1));
    makers.map(bytes).fold(0, u64::saturating_add)
}

/// Bytes that the encoder of one task of a step takes beside the task's frames; 0 when the step encodes nothing.
pub fn encoder_bytes(plan: &Plan, step: usize, item: &Item) -> u64 {
    let encodes = plan.steps[step].encodes;
    encodes.map_or(0, |encoding| encoding.memory(item, &plan.makers(step), plan.task_frames(step, item)))
}

/// Steps whose process half runs in a pass.
fn steps_of(plan: &Plan, pass: usize) -> impl Iterator<Item = usize> {
    plan.passes.get(pass).into_iter().flat_map(|pass| &pass.process).copied()
}

/// Bytes of the frames that a step makes of so many frames of an item.
fn made_bytes(plan: &Plan, step: usize, item: &Item, length: u64) -> u64 {
    let frame = plan.made_shape(step, item).map_or(0, Shape::bytes);
    plan.steps[step].sampling.most_of(length, 1).saturating_mul(frame)
}

/// Frames before and after a task of `step` that its pass must have reached for the task to run: halos summed along the worst
/// path of process halves of the same pass, through annotations and made frames alike. Tasks begin and end on the grid, so a
/// provider's task may reach up to a batch (or group) further than these sums. Nothing for stills.
pub fn expand(plan: &Plan, step: usize, item: &Item) -> Halo {
    let sums = sums(plan, item, &|_, _, _| 0);
    sums.get(step).copied().unwrap_or_default()
}

/// Halos summed along the worst path, per step. `misaligned(reader, provider, reach)` is how far the task of a provider (of
/// the footage itself when `None`) may reach beyond the frames that its reader looks at.
fn sums(plan: &Plan, item: &Item, misaligned: &dyn Fn(usize, Option<usize>, u64) -> u64) -> Vec<Halo> {
    let mut sums: Vec<Halo> = Vec::with_capacity(plan.steps.len());
    for (index, step) in plan.steps.iter().enumerate() {
        let own = step.halo_for(item);
        let reach = |own: u64, provider: usize, beyond: u64| {
            own.saturating_add(misaligned(index, Some(provider), own)).saturating_add(beyond)
        };
        let mut sum = Halo {
            before: own.before.saturating_add(misaligned(index, None, own.before)),
            after: own.after.saturating_add(misaligned(index, None, own.after)),
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

/// Runs of `unit` frames (batches, slices) of an item that must be in flight together for a task of each step to run, per
/// step: those of the task's own frames and of what it waits for on both sides.
fn spanned(plan: &Plan, item: &Item, unit: u64) -> Vec<u64> {
    let lengths: Vec<u64> = (0..plan.steps.len()).map(|step| plan.task_frames(step, item)).collect();
    // A window's edge lies `reach` before a multiple of the reader's task. Cutting it down to the provider's tasks loses most
    // when the edge is the last of the places that it can have: those are `divisor` apart.
    let misaligned = |reader: usize, provider: Option<usize>, reach: u64| {
        let length = provider.map_or(unit, |provider| lengths[provider]);
        let divisor = gcd(lengths[reader], length);
        (length - divisor).saturating_add((divisor - reach % divisor) % divisor)
    };
    let sums = sums(plan, item, &misaligned);
    // What is spanned begins and ends at whole units: the two edges of shorter tasks do not both lose most.
    let span = |(length, sum): (&u64, Halo)| {
        let frames = length.saturating_add(sum.before).saturating_add(sum.after);
        (frames / unit).max(1).min(units_at_most(item, unit))
    };
    lengths.iter().zip(sums).map(span).collect()
}

/// Runs of `unit` frames of an item, where its headers say exactly: images are counted, frames of a video are only estimated.
fn units_at_most(item: &Item, unit: u64) -> u64 {
    item.files.last().map_or(u64::MAX, |last| (last.frame + 1).div_ceil(unit))
}

/// What a pass needs on an item.
struct Need {
    step: usize,
    item: usize,
    batches: u64,
    batch_bytes: u64,
    slices: u64,
    slice_bytes: u64,
    encoder_bytes: u64,
    /// Bytes of the frames of the task whose encoder is largest.
    encoded_bytes: u64,
}

impl Need {
    /// Of the frames that a task's window spans.
    fn window(&self) -> u64 {
        let of = |bytes: u64, units: u64| bytes.saturating_mul(units);
        of(self.batch_bytes, self.batches).saturating_add(of(self.slice_bytes, self.slices))
    }

    /// One batch and one slice more than the window (the next are prepared while tasks run), or one encoder.
    fn bytes(&self) -> u64 {
        self.window().saturating_add(self.batch_bytes.saturating_add(self.slice_bytes).max(self.encoder_bytes))
    }

    /// The part of a budget that encoders have: room for one, and their part of what is left over.
    fn share(&self, budget: u64) -> u64 {
        let (encoder, frames) = (u128::from(self.encoder_bytes), u128::from(self.encoded_bytes));
        let left = u128::from(budget.saturating_sub(self.bytes()));
        let share = encoder + left * encoder / (encoder + frames).max(1);
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

/// What a pass needs on an item. Batches are held for the step that spans most of them, slices for the one that spans most of
/// those.
fn need(plan: &Plan, pass: usize, (index, item): (usize, &Item)) -> Option<Need> {
    let (batch, slice) = (batch_frames(item), plan.slice_frames(pass, item));
    let (batches, slices) = (spanned(plan, item, batch), spanned(plan, item, slice));
    let (batch_bytes, slice_bytes) = (batch_bytes(plan, pass, item), slice_bytes(plan, pass, item));
    let step = steps_of(plan, pass).max_by_key(|step| (slices[*step], batches[*step]))?;
    let most = |spans: &[u64]| steps_of(plan, pass).map(|step| spans[step]).max().unwrap_or_default();
    let encoders = steps_of(plan, pass).map(|step| (encoder_bytes(plan, step, item), plan.task_frames(step, item)));
    let (encoder_bytes, encoded) = encoders.max().unwrap_or_default();
    let of_task = |unit: u64, bytes: u64| encoded.div_ceil(unit).saturating_mul(bytes);
    Some(Need {
        step,
        item: index,
        batches: most(&batches),
        batch_bytes,
        slices: most(&slices),
        slice_bytes,
        encoder_bytes,
        encoded_bytes: of_task(batch, batch_bytes).saturating_add(of_task(slice, slice_bytes)),
    })
}

/// What a pass needs on the item that needs most; the largest encoder may be that of another item.
fn widest(plan: &Plan, pass: usize, items: &[Item]) -> Option<Need> {
    let needs: Vec<Need> = items.iter().enumerate().filter_map(|item| need(plan, pass, item)).collect();
    let largest = needs.iter().max_by_key(|need| need.encoder_bytes)?;
    let (encoder_bytes, encoded_bytes) = (largest.encoder_bytes, largest.encoded_bytes);
    let with_largest = |need| Need { encoder_bytes, encoded_bytes, ..need };
    needs.into_iter().map(with_largest).max_by_key(Need::bytes)
}

/// What every pass needs; refused with the numbers when that is more than the budget.
pub(crate) fn needed(plan: &Plan, items: &[Item], budget: u64) -> Result<MemoryPlan, PlanError> {
    let mut memory = MemoryPlan { budget, ..MemoryPlan::default() };
    for pass in 0..plan.passes.len() {
        let widest = widest(plan, pass, items);
        if let Some(widest) = widest.as_ref().filter(|widest| widest.bytes() > budget) {
            return Err(PlanError::Memory {
                pass,
                step: plan.steps[widest.step].name.clone(),
                item: items[widest.item].name.clone(),
                batches: widest.batches,
                batch_bytes: widest.batch_bytes,
                slices: widest.slices,
                slice_bytes: widest.slice_bytes,
                encoder_bytes: widest.encoder_bytes,
                needed: widest.bytes(),
                budget,
            });
        }
        memory.needed.push(widest.as_ref().map_or(0, Need::bytes));
        memory.encoders.push(widest.as_ref().map_or(0, |widest| widest.share(budget)));
    }
    Ok(memory)
}
