//! What becomes of leases: when a runner drains, when one runs out, and when another owner has the output.
use crate::rig::{Rig, Running, open};
use crate::stage::FakeSettings;
use framefleet_bus::{MemoryBlobs, MemoryBus};
use framefleet_ledger::{Ledgers, Output};
use framefleet_proto::v1::Task;
use std::collections::BTreeSet;
use std::time::Duration;

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
