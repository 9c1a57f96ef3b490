//! Whatever a process was doing when it died: the next one finds a consistent output, loses nothing, and ends with the
//! same digest.
use crate::completion::{complete, run};
use framefleet_ledger::{Ledger, Output, TaskKey};
use framefleet_records::{RecordsError, RecordsOptions, verify};
use framefleet_testkit_ledger::{Faulty, Job, commit, open};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicI64;

/// Runs a job, compacting between tasks, and notes which tasks were reported done.
async fn work(ledger: &Ledger, job: &Job, done: &Mutex<Vec<TaskKey>>) -> Result<(), RecordsError> {
    for task in job.tasks() {
        if ledger.entry(&task.key).is_none() {
            commit(ledger, &task).await?;
        }
        done.lock().unwrap().push(task.key);
        ledger.compact_from(8).await?;
    }
    complete(ledger, &job.results(), RecordsOptions::default()).await
}

/// First one value of a setting, then another: the second run replaces what the first made.
async fn both(output: &Output, first: &Mutex<Vec<TaskKey>>, second: &Mutex<Vec<TaskKey>>) -> Result<(), RecordsError> {
    let ledger = open(output).await?;
    work(&ledger, &Job::new(1), first).await?;
    drop(ledger);
    let ledger = open(output).await?;
    work(&ledger, &Job::new(2), second).await
}

async fn readable_rows(ledger: &Ledger) -> Vec<usize> {
    let mut counts = Vec::new();
    for manifest in ledger.manifests().await.unwrap() {
        let rows: Vec<_> = ledger.rows(&manifest).try_collect().await.unwrap();
        counts.push(rows.len());
    }
    counts
}

#[tokio::test]
async fn a_crash_at_any_change_loses_and_doubles_nothing() {
    let undisturbed = Output::in_memory();
    run(&open(&undisturbed).await.unwrap(), &Job::new(2)).await.unwrap();
    let expected = verify(&undisturbed, true).await.unwrap();
    assert_eq!(expected.problems, Vec::<String>::new());

    let mut deaths = 0;
    for silent in [false, true] {
        for changes in 0.. {
            let store = Arc::new(InMemory::new());
            let faulty = Faulty { store: store.clone(), left: Arc::new(AtomicI64::new(changes)), silent };
            let (first, second) = (Mutex::default(), Mutex::default());
            let result = both(&Output::in_store("memory:///", Arc::new(faulty.clone())), &first, &second).await;
            assert_eq!(result.is_err(), faulty.died(), "{result:?}");
            deaths += i32::from(faulty.died());

            let output = Output::in_store("memory:///", store);
            let ledger = open(&output).await.unwrap();
            for key in &*second.lock().unwrap() {
                assert!(ledger.entry(key).is_some(), "lost a task after {changes} changes (silent: {silent})");
            }
            let shown = readable_rows(&ledger).await;
            assert!(shown.iter().all(|&rows| rows == 20), "{shown:?} rows after {changes} changes");
            if !second.lock().unwrap().is_empty() {
                assert_eq!(
                    shown.len(),
                    1,
                    "the old result is gone before the new one is there, after {changes} changes"
                );
            } else {
                let first = first.lock().unwrap();
                assert!(first.iter().all(|key| ledger.entry(key).is_some()), "lost a task after {changes} changes");
            }

            run(&ledger, &Job::new(2)).await.unwrap();
            let report = verify(&output, true).await.unwrap();
            assert_eq!(report.problems, Vec::<String>::new(), "after {changes} changes (silent: {silent})");
            assert_eq!(report.digest, expected.digest, "after {changes} changes (silent: {silent})");
            assert_eq!(report.steps, expected.steps);
            if !faulty.died() {
                break;
            }
        }
    }
    assert!(deaths > 150, "only {deaths} places to die at");
}
