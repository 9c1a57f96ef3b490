//! Tasks that may have killed a process: in-flight markers, and dry runs in processes of their own.
use crate::rig::{FRAMES, Rig, options, parts};
use crate::stage::FakeSettings;
use framefleet_bus::{MemoryBlobs, MemoryBus};
use framefleet_ledger::{Ledgers, Output};
use framefleet_proto::v1::{DryRun, FailureKind, Task, event::Kind as EventKind};
use framefleet_runner::{IsolatedProcess, Runner};
use framefleet_stage::Host;
use prost::Message as _;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A rig whose output other processes can join.
async fn rig_on_disk() -> (Rig, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::parse(folder.path().to_str().unwrap()).unwrap();
    let bus = MemoryBus::new(Duration::from_secs(30));
    (Rig::over(output, bus, MemoryBlobs::new(u64::MAX)).await, folder)
}

/// A child that survives every dry run and leaves a file behind.
fn surviving(witness: &Path) -> IsolatedProcess {
    let script = format!("cat > /dev/null; touch '{}'", witness.display());
    IsolatedProcess { program: "/bin/sh".into(), arguments: ["-c", &script].map(Into::into).to_vec() }
}

/// A runner that ends in the middle of a task: whatever it had in hand is gone but for what lies in the output.
async fn lose_a_process(rig: &mut Rig) {
    let process = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stop = CancellationToken::new();
    process.spawn(rig.runner().run(stop));
    let call = rig.waiting.recv().await.unwrap();
    process.shutdown_background();
    // The thread of a process that is gone never comes back.
    rig.lost.push(call);
}

fn waiting() -> FakeSettings {
    FakeSettings { waits: true, on: vec![100], ..FakeSettings::default() }
}

/// Runs a task, letting every call of its stage go on.
async fn run(rig: &mut Rig, task: &Task) -> EventKind {
    let (_, empty) = tokio::sync::mpsc::unbounded_channel();
    let mut calls = std::mem::replace(&mut rig.waiting, empty);
    let releasing = tokio::spawn(async move {
        while let Some(call) = calls.recv().await {
            let _ = call.send(true);
        }
    });
    let running = rig.start();
    let event = rig.event().await;
    running.stop().await;
    releasing.abort();
    assert_eq!(rig.left(&task.stage).await, 0);
    event.kind.unwrap()
}

#[tokio::test]
async fn a_task_that_lost_a_process_runs_in_a_child_first() {
    let (mut rig, _folder) = rig_on_disk().await;
    let witness = rig.scratch.path().join("witness");
    rig.isolation = Some(surviving(&witness));
    let task = rig.process("a", &waiting());
    rig.publish(&task).await;
    lose_a_process(&mut rig).await;
    assert!(!witness.exists(), "the first run needs no child");
    let EventKind::Done(done) = run(&mut rig, &task).await else { panic!("not done") };
    assert_eq!(done.frames_done, 8);
    assert!(witness.exists(), "the task was not tried in a child");
}

#[tokio::test]
async fn a_task_that_comes_to_its_end_leaves_no_marker() {
    let (mut rig, _folder) = rig_on_disk().await;
    let witness = rig.scratch.path().join("witness");
    rig.isolation = Some(surviving(&witness));
    let failing = FakeSettings { fails: "retry".to_owned(), ..FakeSettings::default() };
    let task = rig.process("a", &failing);
    for _ in 0..2 {
        let EventKind::Failed(failed) = rig.run(&task).await else { panic!("not failed") };
        assert_eq!(failed.code, "retry");
    }
    assert!(!witness.exists());
}

#[tokio::test]
async fn a_task_that_ends_process_after_process_is_given_up() {
    let (mut rig, _folder) = rig_on_disk().await;
    rig.isolation = Some(surviving(&rig.scratch.path().join("witness")));
    let task = rig.process("a", &waiting());
    rig.publish(&task).await;
    for _ in 0..10 {
        lose_a_process(&mut rig).await;
    }
    let EventKind::Failed(failed) = run(&mut rig, &task).await else { panic!("not failed") };
    assert_eq!(failed.kind(), FailureKind::Crashed);
    assert!(failed.reason.contains("10 processes ended"), "{}", failed.reason);
}

#[tokio::test]
async fn a_frame_that_kills_processes_is_found_by_children() {
    let (mut rig, _folder) = rig_on_disk().await;
    let child = ["isolation::dry_run_in_a_child", "--exact", "--ignored"];
    let program = std::env::current_exe().unwrap();
    rig.isolation = Some(IsolatedProcess { program, arguments: child.map(Into::into).to_vec() });
    let deadly = FakeSettings { waits: true, fails: "abort".to_owned(), on: vec![5], ..FakeSettings::default() };
    let task = rig.process("a", &deadly);
    rig.publish(&task).await;
    lose_a_process(&mut rig).await;
    let EventKind::Done(done) = run(&mut rig, &task).await else { panic!("not done") };
    assert_eq!((done.frames_done, done.frames_failed), (FRAMES.end - 1, 1));
    let failed = rig.entry(&task).await.unwrap().outcomes.clone().unwrap().failed;
    assert_eq!((failed[0].frame, failed[0].code.as_str()), (5, "crash"));
    assert!(failed[0].reason.contains("signal 6"), "{}", failed[0].reason);
}

/// The child of the test above: what a worker does that is started for a dry run.
#[tokio::test]
#[ignore = "a child process of another test"]
async fn dry_run_in_a_child() {
    let mut request = Vec::new();
    std::io::stdin().lock().read_to_end(&mut request).unwrap();
    let request = DryRun::decode(request.as_slice()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (bus, blobs) = (MemoryBus::new(Duration::from_secs(30)), MemoryBlobs::new(u64::MAX));
    let parts = parts(Arc::new(bus), Arc::new(blobs), Ledgers::joining("test"), Host::default());
    Runner::dry_run(parts, options(scratch.path(), 1, None), &request).await;
}
