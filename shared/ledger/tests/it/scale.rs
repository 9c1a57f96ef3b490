//! Many tasks.
use bytes::Bytes;
use framefleet_frames::FrameRange;
use framefleet_ledger::{Entry, KeyHasher, Output};
use framefleet_proto::v1::{TaskId, TaskKind};
use framefleet_testkit_ledger::{Job, open};

fn entry(number: u64) -> Entry {
    let key = KeyHasher::new("many").field_u64("n", number).finish();
    let id = TaskId {
        kind: TaskKind::Process.into(),
        step: "light".to_owned(),
        item: format!("film {}", number / 1000),
        range: Some(FrameRange { start: number % 1000 * 32, end: (number % 1000 + 1) * 32 }),
        ..Default::default()
    };
    Entry {
        key: Bytes::copy_from_slice(key.as_bytes()),
        id: Some(id),
        stage: "lighting".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_hundred_thousand_tasks_become_few_objects_and_open_again() {
    const TASKS: u64 = 100_000;
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    for number in 0..TASKS {
        ledger.commit(entry(number), Default::default(), Vec::new()).await.unwrap();
    }
    ledger.compact().await.unwrap();
    let objects = ledger.store().list(".framefleet").await.unwrap();
    assert!(objects.len() < 1000, "{} objects", objects.len());
    drop(ledger);
    let reopened = open(&output).await.unwrap();
    assert_eq!(reopened.len() as u64, TASKS);
    assert!(Job::new(1).tasks().iter().all(|task| reopened.entry(&task.key).is_none()));
}
