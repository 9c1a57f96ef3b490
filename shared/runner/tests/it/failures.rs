//! Every kind of failure: what is reported, what is committed, and that the task is off the queue.
use crate::rig::{FRAMES, Rig};
use crate::stage::FakeSettings;
use framefleet_bus::{MemoryBlobs, MemoryBus};
use framefleet_frames::{BatchInfo, FrameFailure};
use framefleet_ledger::Output;
use framefleet_proto::v1::{
    BlobRef, FailureKind, FinishWork, IngestWork, Pixels, Task, TaskKind, event::Kind as EventKind, task::Work,
};
use std::time::Duration;

fn failing(fails: &str, on: &[u64]) -> FakeSettings {
    FakeSettings { fails: fails.to_owned(), on: on.to_vec(), ..FakeSettings::default() }
}

/// Runs a task that fails; kind, code and reason as reported.
async fn failure(rig: &mut Rig, task: &Task) -> (FailureKind, String, String) {
    match rig.run(task).await {
        EventKind::Failed(failed) => (failed.kind(), failed.code.clone(), failed.reason),
        other => panic!("{other:?}"),
    }
}

/// Runs a process task that is done; the frames that failed, by its entry.
async fn blamed(rig: &mut Rig, task: &Task) -> Vec<FrameFailure> {
    match rig.run(task).await {
        EventKind::Done(done) => {
            let failed = rig.entry(task).await.unwrap().outcomes.clone().unwrap().failed;
            assert_eq!((done.frames_done + done.frames_failed, done.frames_failed), (8, failed.len() as u64));
            failed
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_fails_a_task_is_reported_by_kind_and_commits_nothing() {
    let mut rig = Rig::new().await;
    let process = |settings: &FakeSettings| rig.process("a", settings);
    let works = process(&failing("", &[100]));
    let mut stale = works.clone();
    if let Some(Work::Process(work)) = &mut stale.work {
        let blob = BlobRef { store: "memory".to_owned(), key: "gone".to_owned(), ..BlobRef::default() };
        work.pixels.push(Pixels { blob: Some(blob), ..Pixels::default() });
    }
    let cases = [
        (process(&failing("retry", &[])), FailureKind::Retry, "retry", "busy"),
        (process(&failing("fatal", &[])), FailureKind::Fatal, "fatal", "the device is gone"),
        (
            process(&FakeSettings { unloadable: true, ..FakeSettings::default() }),
            FailureKind::Fatal,
            "setup",
            "there is no such device",
        ),
        (Task { version: 2, ..works.clone() }, FailureKind::Fatal, "release", "version 2 of stage fake"),
        (
            Task { stage: "unknown".to_owned(), ..works.clone() },
            FailureKind::Fatal,
            "malformed-task",
            "known stages: fake",
        ),
        (Task { settings: "no JSON".to_owned(), ..works.clone() }, FailureKind::Fatal, "malformed-task", "settings"),
        (Task { work: None, ..works.clone() }, FailureKind::Fatal, "malformed-task", "work"),
        (stale, FailureKind::Stale, "stale", "gone"),
    ];
    for (task, kind, code, reason) in cases {
        let (found_kind, found_code, found_reason) = failure(&mut rig, &task).await;
        assert_eq!((found_kind, found_code.as_str()), (kind, code), "{found_reason}");
        assert!(found_reason.contains(reason), "{found_reason}");
        assert!(rig.entry(&task).await.is_none(), "{code} committed something");
    }
}

#[tokio::test]
async fn bad_input_and_panics_fail_the_frames_to_blame() {
    let mut rig = Rig::new().await;
    for (fails, code, reason) in [("bad-input", "bad-input", "cannot read this"), ("panic", "crash", "out of bounds")] {
        let task = rig.process(fails, &failing(fails, &[2, 5]));
        let failed = blamed(&mut rig, &task).await;
        assert_eq!(failed.iter().map(|of| of.frame).collect::<Vec<_>>(), [2, 5]);
        assert!(failed.iter().all(|of| of.code == code && of.reason.contains(reason)), "{failed:?}");
    }
}

#[tokio::test]
async fn a_stage_that_fails_on_any_input_fails_every_frame() {
    let mut rig = Rig::new().await;
    let task = rig.process("all", &failing("bad-input", &[]));
    let failed = blamed(&mut rig, &task).await;
    assert_eq!(failed.iter().map(|of| of.frame).collect::<Vec<_>>(), (FRAMES.start..FRAMES.end).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_finish_that_panics_is_a_crash() {
    let mut rig = Rig::new().await;
    let work = Some(Work::Finish(FinishWork::default()));
    let settings = serde_json::to_string(&failing("panic", &[])).unwrap();
    let task = Task { settings, ..rig.task("finish", "fake", TaskKind::Finish, work) };
    let (kind, code, reason) = failure(&mut rig, &task).await;
    assert_eq!((kind, code.as_str(), reason.as_str()), (FailureKind::Crashed, "crash", "index out of bounds"));
}

#[tokio::test]
async fn frames_without_room_are_tried_again() {
    let bus = MemoryBus::new(Duration::from_secs(30));
    let mut rig = Rig::over(Output::in_memory(), bus, MemoryBlobs::new(10)).await;
    let work = IngestWork { batch: Some(BatchInfo::default()), proxy: (0..8).collect(), full: Vec::new() };
    let task = rig.task("ingest", "ingest", TaskKind::Ingest, Some(Work::Ingest(work)));
    let (kind, code, _) = failure(&mut rig, &task).await;
    assert_eq!((kind, code.as_str(), rig.blobs.used()), (FailureKind::Retry, "no-room", 0));
}

#[tokio::test]
async fn a_result_that_no_message_carries_is_a_failure_and_releases_its_frames() {
    let mut rig = Rig::new().await;
    let frames = 80_000;
    let work = IngestWork { batch: Some(BatchInfo::default()), proxy: (0..frames).collect(), full: Vec::new() };
    let mut task = rig.task("ingest", "ingest", TaskKind::Ingest, Some(Work::Ingest(work)));
    let range = task.id.as_mut().and_then(|id| id.range.as_mut()).unwrap();
    range.end = frames;
    let (kind, code, reason) = failure(&mut rig, &task).await;
    assert_eq!((kind, code.as_str()), (FailureKind::Fatal, "bus"));
    assert!(reason.contains("does not fit: 1048576 are allowed"), "{reason}");
    assert_eq!(rig.blobs.used(), 0, "frames that nobody knows of are still there");
}

#[tokio::test]
async fn what_is_no_task_is_dropped_and_the_next_task_runs() {
    let mut rig = Rig::new().await;
    rig.publish_bytes("fake", vec![0xff; 7]).await;
    let task = rig.process("a", &failing("", &[100]));
    let EventKind::Done(_) = rig.run(&task).await else { panic!("not done") };
}
