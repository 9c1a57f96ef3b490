//! What a task is given, fetched by reference.
use crate::blobs;
use crate::failure::TaskFailure;
use framefleet_bus::Blobs;
use framefleet_frames::outcomes::without_result;
use framefleet_frames::times::Times;
use framefleet_frames::{Edit, Frame, Item, Kind, ScopedAnnotation, annotation, frame};
use framefleet_ledger::{Ledger, TaskKey};
use framefleet_proto::v1::{AnnotationsRef, FinishWork, FrameRange, ProcessWork, Task};
use framefleet_stage::{Audio, AudioSource, Batch};
use futures::TryStreamExt as _;
use std::ops::Range;
use std::sync::Arc;

/// The item of a task, with the files that the task reads.
pub(crate) async fn item(task: &Task, ledger: &Ledger) -> Result<Item, TaskFailure> {
    let mut item = task.item.clone().ok_or_else(|| TaskFailure::malformed("an item"))?;
    if !task.files.is_empty() {
        item.files = ledger.read_document(&task.files).try_collect().await?;
    }
    Ok(item)
}

/// The batch of a process task, with its pixels and annotations.
pub(crate) async fn batch(
    task: &Task,
    work: &ProcessWork,
    ledger: &Ledger,
    store: &dyn Blobs,
) -> Result<Batch, TaskFailure> {
    let item = item(task, ledger).await?;
    let range = task.id.as_ref().and_then(|id| id.range).ok_or_else(|| TaskFailure::malformed("a range"))?;
    let window = work.window.ok_or_else(|| TaskFailure::malformed("a window"))?;
    let times = work.window_times.as_ref().map(Times::from).unwrap_or_default();
    if times.len() as u64 != window.end.saturating_sub(window.start) {
        return Err(TaskFailure::malformed("the times of its window"));
    }
    let time = |number: u64| times.get(usize::try_from(number.checked_sub(window.start)?).ok()?);
    let mut batch = Batch::new(item, range, window, work.frames.clone(), times.iter().collect());
    for pixels in &work.pixels {
        for frame in blobs::fetch(store, pixels).await? {
            let pts_ns = time(frame.number).unwrap_or_default();
            batch.insert_frame(pixels.rendition(), Frame { pts_ns, ..frame });
        }
    }
    let visible = |number: &u64| work.visible.iter().any(|range| frame::contains(range, *number));
    for reference in &work.annotations {
        let key = key(reference)?;
        let entry = ledger.find(&key).await?.ok_or_else(|| TaskFailure::malformed("a task that is finished"))?;
        let done = entry.id.as_ref().and_then(|id| id.range).unwrap_or_default();
        let without = without_result(&entry.outcomes.clone().unwrap_or_default());
        for number in (done.start..done.end).filter(visible).filter(|number| !without.contains(number)) {
            reference.kinds.iter().for_each(|kind| batch.insert_result(&Kind::new(kind), number));
        }
        let block = ledger.annotations(&key).await?;
        for of in block.frames.iter().filter(|of| visible(&of.frame)) {
            for annotation in &of.annotations {
                if reference.kinds.iter().any(|kind| kind == annotation::kind_name(annotation)) {
                    batch.insert_annotation(&reference.step, of.frame, annotation.clone());
                }
            }
        }
    }
    Ok(batch)
}

/// The user's corrections that a finish is given.
pub(crate) async fn edits(work: &FinishWork, ledger: &Ledger) -> Result<Vec<Edit>, TaskFailure> {
    match work.edits.is_empty() {
        true => Ok(Vec::new()),
        false => Ok(ledger.read_document(&work.edits).try_collect().await?),
    }
}

/// The job-scoped annotations that a task is given: all of them in finish, those that touch its window in process.
pub(crate) async fn scoped(
    references: &[AnnotationsRef],
    touching: Option<(&Item, &FrameRange)>,
    ledger: &Ledger,
) -> Result<Vec<ScopedAnnotation>, TaskFailure> {
    let everything = FrameRange { start: 0, end: u64::MAX };
    let mut all = Vec::new();
    for reference in references {
        let block = ledger.annotations(&key(reference)?).await?;
        let kinds: Vec<Kind> = reference.kinds.iter().map(|kind| Kind::new(kind)).collect();
        match touching {
            Some((item, window)) => {
                all.extend(annotation::slice(&block.scoped, &item.name, window, &kinds).into_iter().cloned())
            }
            None => all.extend(
                block
                    .scoped
                    .iter()
                    .filter(|of| !annotation::slice([*of], &of.item, &everything, &kinds).is_empty())
                    .cloned(),
            ),
        }
    }
    Ok(all)
}

/// The key of a reference.
fn key(reference: &AnnotationsRef) -> Result<TaskKey, TaskFailure> {
    TaskKey::from_bytes(&reference.key).map_err(|_| TaskFailure::malformed("a key of 32 bytes"))
}

/// The audio of items, for tasks that have it in their key.
pub(crate) fn audio(allowed: bool) -> Arc<dyn AudioSource> {
    Arc::new(ItemAudio { allowed })
}

struct ItemAudio {
    allowed: bool,
}

impl AudioSource for ItemAudio {
    fn read(&self, item: &Item, track: Option<u32>, range_ns: Range<i64>, rate: u32) -> Result<Option<Audio>, String> {
        if !self.allowed {
            return Err(
                "this half of the step may not read audio: its needs do not say so (HalfNeeds::side_inputs.audio)"
                    .to_owned(),
            );
        }
        let samples =
            framefleet_decode::audio::audio(item, track, range_ns, rate).map_err(|error| error.to_string())?;
        Ok(samples.map(|samples| Audio { rate, samples }))
    }
}
