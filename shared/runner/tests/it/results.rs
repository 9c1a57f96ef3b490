//! What tasks commit and report.
use crate::rig::{FRAMES, Rig};
use crate::source::item;
use crate::stage::{FakeSettings, STOOD};
use framefleet_frames::times::Times;
use framefleet_frames::{BatchInfo, FrameRange, annotation};
use framefleet_ledger::TaskKey;
use framefleet_proto::v1::{
    FinishWork, FrameTimes, IngestWork, ManifestItem, ProcessWork, Task, TaskKind, TaskResult,
    event::Kind as EventKind, task::Work,
};
use std::sync::atomic::Ordering;

fn ingest(rig: &Rig, name: &str, proxy: Vec<u64>) -> Task {
    let batch = Some(BatchInfo::default());
    let work = IngestWork { batch, proxy, full: Vec::new() };
    Task { item: Some(item(name, FRAMES.end)), ..rig.task(name, "ingest", TaskKind::Ingest, Some(Work::Ingest(work))) }
}

#[tokio::test]
async fn a_result_is_in_the_ledger_before_it_is_reported() {
    let mut rig = Rig::new().await;
    let task = rig.process("a", &FakeSettings { on: vec![100], ..FakeSettings::default() });
    let running = rig.start();
    rig.publish(&task).await;
    let done = rig.done().await;
    let around = done.fetch_seconds + done.load_seconds + done.thread_seconds + done.commit_seconds;
    assert!((around + done.stage_seconds - done.total_seconds).abs() < 0.01, "every moment is somebody's: {done:?}");
    assert!(done.load_seconds > 0.0 && done.commit_seconds > 0.0 && done.peak_memory > 1 << 20, "{done:?}");
    let entry = rig.entry(&task).await.unwrap();
    assert_eq!((done.frames_done, done.frames_failed, entry.frames_done), (8, 0, 8));
    let block = rig.ledger.annotations(&TaskKey::from_bytes(&task.key).unwrap()).await.unwrap();
    let made: Vec<(u64, &str)> =
        block.frames.iter().map(|of| (of.frame, annotation::kind_name(&of.annotations[0]))).collect();
    assert_eq!(made, (0..8).map(|frame| (frame, STOOD)).collect::<Vec<_>>());
    running.stop().await;
    assert_eq!(rig.left("fake").await, 0);
}

#[tokio::test]
async fn a_task_without_frames_is_committed_without_its_stage() {
    let mut rig = Rig::new().await;
    let skipped = framefleet_frames::outcomes::skips(FRAMES.start..FRAMES.end, "upstream");
    let decided = framefleet_frames::Outcomes { failed: Vec::new(), skipped };
    let work = ProcessWork { decided: Some(decided), ..ProcessWork::default() };
    let task = rig.task("empty", "fake", TaskKind::Process, Some(Work::Process(work)));
    let EventKind::Done(done) = rig.run(&task).await else { panic!("not done") };
    assert_eq!((done.frames_done, done.frames_skipped), (0, 8));
    assert!(rig.entry(&task).await.is_some());
    assert_eq!(rig.probe.loads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn ingest_stores_frames_and_notes_those_that_were_not_asked_for() {
    let mut rig = Rig::new().await;
    let task = ingest(&rig, "clip", vec![0, 2, 3]);
    let EventKind::Done(done) = rig.run(&task).await else { panic!("not done") };
    assert_eq!((done.frames_done, done.frames_skipped), (3, 5));
    let frames: Vec<u64> = done.made.iter().flat_map(|pixels| &pixels.frames).map(|of| of.frame).collect();
    assert_eq!(frames, [0, 2, 3]);
    assert_eq!(rig.blobs.used(), 9);
    let outcomes = rig.entry(&task).await.unwrap().outcomes.clone().unwrap();
    let skipped: Vec<FrameRange> = outcomes.skipped.iter().filter_map(|skip| skip.range).collect();
    assert_eq!(skipped, [FrameRange { start: 1, end: 2 }, FrameRange { start: 4, end: 8 }]);
}

#[tokio::test]
async fn every_frame_of_an_unreadable_source_fails() {
    let mut rig = Rig::new().await;
    let task = ingest(&rig, "unreadable", vec![0, 2]);
    let EventKind::Done(done) = rig.run(&task).await else { panic!("not done") };
    assert_eq!((done.frames_done, done.frames_failed, done.frames_skipped), (0, 2, 6));
    let outcomes = rig.entry(&task).await.unwrap().outcomes.clone().unwrap();
    assert!(outcomes.failed.iter().all(|failure| failure.code == "bad-input" && failure.reason.contains("no frames")));
}

#[tokio::test]
async fn a_source_that_panics_is_a_crash_of_its_task() {
    let mut rig = Rig::new().await;
    let task = ingest(&rig, "crashing", vec![0]);
    let EventKind::Failed(failed) = rig.run(&task).await else { panic!("not failed") };
    assert_eq!(failed.code, "crash");
    assert!(rig.entry(&task).await.is_none());
}

#[tokio::test]
async fn finish_reads_the_records_of_process() {
    let mut rig = Rig::new().await;
    let settings = FakeSettings { on: vec![100], ..FakeSettings::default() };
    let process = rig.process("process", &settings);
    rig.run(&process).await;
    let mut items = rig.ledger.document();
    items.push(&ManifestItem { item: Some(item("clip", 8)), frames: Some(FRAMES), count: 8 }).await.unwrap();
    let mut tasks = rig.ledger.document();
    let times = Times::new(&(0..8).collect::<Vec<i64>>());
    let result = TaskResult {
        key: process.key.clone(),
        range: Some(FRAMES),
        times: Some(FrameTimes::from(&times)),
        ..TaskResult::default()
    };
    tasks.push(&result).await.unwrap();
    let (items, tasks) = (items.finish().await.unwrap(), tasks.finish().await.unwrap());
    let work = FinishWork { items, tasks, ..FinishWork::default() };
    let task = Task {
        settings: r#"{"finish_kind": "total"}"#.to_owned(),
        ..rig.task("finish", "fake", TaskKind::Finish, Some(Work::Finish(work)))
    };
    let EventKind::Done(done) = rig.run(&task).await else { panic!("not done") };
    assert_eq!(done.kinds, ["total"]);
    let block = rig.ledger.annotations(&TaskKey::from_bytes(&task.key).unwrap()).await.unwrap();
    let total = annotation::to_json(block.scoped[0].annotation.as_ref().unwrap()).unwrap();
    assert_eq!(total["stood"], 8);
}

#[tokio::test]
async fn tasks_of_the_same_settings_share_a_loaded_stage() {
    let mut rig = Rig::new().await;
    let settings = |on: u64| FakeSettings { on: vec![on], ..FakeSettings::default() };
    for (name, on) in [("a", 100), ("b", 100), ("c", 200), ("d", 100)] {
        rig.publish(&rig.process(name, &settings(on))).await;
    }
    let running = rig.start();
    for _ in 0..4 {
        rig.done().await;
    }
    running.stop().await;
    assert_eq!(rig.probe.loads.load(Ordering::Relaxed), 2);
}
