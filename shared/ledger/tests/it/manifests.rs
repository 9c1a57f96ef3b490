//! Manifests: of any length, read as a stream, and looked up by frame.
use framefleet_frames::times::Times;
use framefleet_frames::{FrameRange, ImageFile, Item};
use framefleet_ledger::{Ledger, Output, StepManifest};
use framefleet_proto::v1::{FrameTimes, TaskResult};
use framefleet_testkit_ledger::open;
use futures::TryStreamExt;

/// Frames of a task.
const BATCH: u64 = 4;
/// Tasks of an item: those of one item fill several chunks.
const TASKS: u64 = 3_000;

fn task(item: u32, number: u64) -> TaskResult {
    let range = FrameRange { start: number * BATCH, end: (number + 1) * BATCH };
    let pts_ns: Vec<i64> = (range.start..range.end).map(|frame| frame as i64 * 40_000_000).collect();
    let file = |frame| ImageFile { frame, name: format!("{}{frame}.png", "long ".repeat(8)), ..ImageFile::default() };
    TaskResult {
        key: vec![item as u8; 32].into(),
        range: Some(range),
        times: Some(FrameTimes::from(&Times::new(&pts_ns))),
        files: (range.start..range.end).map(file).collect(),
        item,
    }
}

/// Items "0", "1", …, the second without tasks, the third with a gap.
async fn written(ledger: &Ledger) -> (StepManifest, Vec<TaskResult>) {
    let (mut writer, mut all) = (ledger.write_manifest(), Vec::new());
    for (item, tasks) in [(0, 0..TASKS), (1, 0..0), (2, 100..TASKS), (3, 0..1)] {
        let files = vec![ImageFile::default()];
        writer.item(&Item { name: item.to_string(), files, ..Item::default() }).await.unwrap();
        for task in tasks.filter(|number| item != 2 || *number != 200).map(|number| task(item, number)) {
            writer.task(task.clone()).await.unwrap();
            all.push(task);
        }
    }
    (writer.finish(StepManifest { step: "x".to_owned(), ..StepManifest::default() }).await.unwrap(), all)
}

#[tokio::test]
async fn a_manifest_says_what_was_written_and_its_items_what_is_covered() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    let (manifest, all) = written(&ledger).await;
    let tasks: Vec<TaskResult> = ledger.tasks(&manifest).try_collect().await.unwrap();
    assert_eq!(tasks, all);
    let manifest = ledger.open_manifest(manifest).await.unwrap();
    let covered: Vec<_> =
        manifest.covered().iter().map(|of| (of.frames.map(|frames| (frames.start, frames.end)), of.count)).collect();
    let end = TASKS * BATCH;
    assert_eq!(covered, [(Some((0, end)), end), (None, 0), (Some((400, end)), end - 404), (Some((0, 4)), 4)]);
    assert!(manifest.items().all(|item| item.files.is_empty()), "files are those of the tasks");
    assert_eq!(manifest.item_name(&all[TASKS as usize]), "2");
}

#[tokio::test]
async fn the_task_of_any_frame_is_found_in_any_order() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    let (manifest, all) = written(&ledger).await;
    let mut lookup = ledger.task_lookup(&manifest);
    for place in (0..all.len()).chain((0..all.len()).rev().step_by(97)) {
        let task = &all[place];
        let frame = task.range.unwrap().start + place as u64 % BATCH;
        assert_eq!(lookup.task_of(task.item, frame).await.unwrap().as_ref(), Some(task));
    }
    for (item, frame) in [(0, TASKS * BATCH), (1, 0), (2, 399), (2, 801), (3, 4), (4, 0)] {
        assert_eq!(lookup.task_of(item, frame).await.unwrap(), None, "item {item} frame {frame}");
    }
    assert_eq!(ledger.task_lookup(&StepManifest::default()).task_of(0, 0).await.unwrap(), None);
}
