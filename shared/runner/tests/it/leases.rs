//! What becomes of leases: when a runner drains, when one runs out, and when another owner has the output.
use crate::rig::{self, Rig, Running, open};
use crate::stage::FakeSettings;
use framefleet_bus::{MemoryBlobs, MemoryBus};
use framefleet_ledger::{Ledgers, Output};
use framefleet_proto::v1::{FailureKind, Task, TaskModel, event::Kind as EventKind};
use framefleet_runner::{HostProvider, Runner, RunnerOptions, RunnerParts};
use framefleet_stage::{Host, SetupError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn waiting() -> FakeSettings {
    FakeSettings { waits: true, on: vec![100], ..FakeSettings::default() }
}

#[tokio::test]
async fn a_runner_that_drains_ends_what_computes_and_hands_back_the_rest() {
    let mut rig = Rig::new().await;
    let tasks: Vec<Task> = (0..6).map(|number| rig.process(&format!("{number}"), &waiting())).collect();
    for task in &tasks {
        rig.publish(task).await;
    }
    let running = rig.start();
    let computing = rig.waiting.recv().await.unwrap();
    running.drain();
    computing.send(true).unwrap();
    let first = rig.event().await.key;
    running.stop().await;
    assert_eq!(rig.left("fake").await, 5);
    assert!(rig.waiting.is_empty(), "a task began although the runner was draining");
    let other = rig.start();
    let mut done = BTreeSet::from([first]);
    for _ in 0..5 {
        rig.waiting.recv().await.unwrap().send(true).unwrap();
        done.insert(rig.event().await.key);
    }
    other.stop().await;
    assert_eq!(done, tasks.iter().map(|task| task.key.clone()).collect());
    assert_eq!(rig.left("fake").await, 0);
}

#[tokio::test]
async fn a_task_whose_lease_runs_out_is_done_twice_and_committed_once() {
    // Shorter than the period in which leases are extended.
    let bus = MemoryBus::new(Duration::from_millis(50));
    let mut rig = Rig::over(Output::in_memory(), bus, MemoryBlobs::new(u64::MAX)).await;
    let task = rig.process("a", &waiting());
    rig.publish(&task).await;
    let running = [rig.start(), rig.start()];
    let calls = [rig.waiting.recv().await.unwrap(), rig.waiting.recv().await.unwrap()];
    for call in &calls {
        call.send(true).unwrap();
    }
    let reports = [rig.done().await, rig.done().await];
    assert!(reports.iter().all(|done| done.frames_done == 8));
    running.iter().for_each(Running::drain);
    // Either may have leased it once more by then.
    let mut waiting = rig.waiting;
    tokio::spawn(async move {
        while let Some(call) = waiting.recv().await {
            let _ = call.send(true);
        }
    });
    for running in running {
        running.stop().await;
    }
    assert_eq!(rig.ledger.len(), 2, "the upstream step's entry and one of the task");
}

#[tokio::test]
async fn a_result_for_an_earlier_owner_of_the_output_is_neither_committed_nor_reported() {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::parse(folder.path().to_str().unwrap()).unwrap();
    let bus = MemoryBus::new(Duration::from_secs(30));
    let mut rig = Rig::over(output.clone(), bus, MemoryBlobs::new(u64::MAX)).await;
    let running = Running::start(rig.runner_with(1, Ledgers::joining("test")));
    let early = rig.process("early", &waiting());
    rig.publish(&early).await;
    let computing = rig.waiting.recv().await.unwrap();
    rig.ledger.clone().close().await.unwrap();
    rig.ledger = open(output).await;
    computing.send(true).unwrap();
    let late = rig.process("late", &FakeSettings { waits: false, ..waiting() });
    rig.publish(&late).await;
    assert_eq!(rig.event().await.key, late.key);
    running.stop().await;
    assert_eq!(rig.left("fake").await, 0);
    assert!(rig.entry(&early).await.is_none());
}

/// A machine whose device can be lost.
struct Losing {
    host: Host,
    lost: AtomicBool,
}

impl HostProvider for Losing {
    fn host(&self, models: &[TaskModel]) -> Result<Host, SetupError> {
        self.host.host(models)
    }

    fn lost_device(&self) -> Option<String> {
        self.lost.load(Ordering::Relaxed).then(|| "cuda:0: unspecified launch failure".to_owned())
    }
}

/// A runner on such a machine, whose device goes while it runs a task.
async fn lose_device(rig: &mut Rig, alone: bool) {
    let losing = Arc::new(Losing { host: Host::default().with(Arc::clone(&rig.probe)), lost: AtomicBool::new(false) });
    let (bus, blobs, ledgers) = (Arc::clone(&rig.bus), Arc::clone(&rig.blobs), Ledgers::of_owner(rig.ledger.clone()));
    let parts = RunnerParts { hosts: losing.clone(), ..rig::parts(bus, blobs, ledgers, Host::default()) };
    let options = RunnerOptions { alone, ..rig::options(rig.scratch.path(), 1, None) };
    let mut runner = tokio::spawn(Runner::new(parts, options).run(CancellationToken::new()));
    let computing = rig.waiting.recv().await.unwrap();
    losing.lost.store(true, Ordering::Relaxed);
    drop(computing);
    if alone {
        let Some(EventKind::Failed(failed)) = rig.event().await.kind else { panic!("nothing failed") };
        assert_eq!((failed.kind(), failed.code.as_str()), (FailureKind::Fatal, "device"));
        assert!(failed.reason.contains("unspecified launch failure"), "{}", failed.reason);
        runner.abort();
        return;
    }
    // What began before the runner heard of it fails as well.
    loop {
        tokio::select! {
            ended = &mut runner => return ended.unwrap().unwrap(),
            Some(computing) = rig.waiting.recv() => drop(computing),
        }
    }
}

#[tokio::test]
async fn a_runner_whose_device_is_lost_hands_its_tasks_to_others_and_ends() {
    let mut rig = Rig::new().await;
    let tasks: Vec<Task> = (0..3).map(|number| rig.process(&format!("{number}"), &waiting())).collect();
    for task in &tasks {
        rig.publish(task).await;
    }
    lose_device(&mut rig, false).await;
    assert_eq!(rig.left("fake").await, 3);
    let other = rig.start();
    let mut done = BTreeSet::new();
    for _ in 0..3 {
        rig.waiting.recv().await.unwrap().send(true).unwrap();
        done.insert(rig.event().await.key);
    }
    other.stop().await;
    assert_eq!(done, tasks.iter().map(|task| task.key.clone()).collect());
}

#[tokio::test]
async fn where_there_is_no_other_worker_a_lost_device_fails_the_job_with_its_reason() {
    let mut rig = Rig::new().await;
    let task = rig.process("a", &waiting());
    rig.publish(&task).await;
    lose_device(&mut rig, true).await;
}
