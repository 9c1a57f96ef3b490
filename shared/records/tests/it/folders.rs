//! Outputs in folders: what a job leaves there, and what is done again.
use crate::completion::run;
use framefleet_ledger::{Ledger, OpenOptions, Output};
use framefleet_records::verify;
use framefleet_testkit_ledger::{Job, open, options};
use std::path::Path;

fn output(folder: &Path) -> Output {
    Output::parse(folder.to_str().unwrap()).unwrap()
}

#[tokio::test]
async fn starting_over_keeps_only_the_users_corrections() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path());
    let ledger = open(&output).await.unwrap();
    run(&ledger, &Job::new(1)).await.unwrap();
    ledger.write_file("edits.jsonl", "{}".into()).await.unwrap();
    ledger.write_file("report.html", "old".into()).await.unwrap();
    ledger.close().await.unwrap();
    let fresh = Ledger::open(output, OpenOptions { fresh: true, ..options() }).await.unwrap();
    assert!(fresh.is_empty());
    assert!(fresh.manifests().await.unwrap().is_empty());
    let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".framefleet", "edits.jsonl"]);
}

#[tokio::test]
async fn artifacts_lie_under_their_own_names_and_are_not_stored_twice() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path());
    let ledger = open(&output).await.unwrap();
    let job = Job::new(1);
    run(&ledger, &job).await.unwrap();
    for task in job.process() {
        let (_, name, bytes) = &task.files[0];
        let path = folder.path().join("artifacts/light").join(name);
        assert_eq!(&std::fs::read(&path).unwrap(), bytes);
        assert_eq!(ledger.attachment(&task.key, name).await.unwrap(), path);
        assert_eq!(std::fs::read(ledger.attachment(&task.key, "crop.bin").await.unwrap()).unwrap(), task.files[1].2);
    }
    let parts = ledger.store().list(".framefleet/parts").await.unwrap();
    assert!(parts.iter().all(|(path, _)| !path.ends_with(".png")), "{parts:?}");
    let error = ledger.attachment(&job.process()[0].key, "no.bin").await.unwrap_err().to_string();
    assert!(error.contains("crop.bin"), "{error}");
}

#[tokio::test]
async fn a_task_whose_part_is_gone_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path());
    let ledger = open(&output).await.unwrap();
    let job = Job::new(1);
    run(&ledger, &job).await.unwrap();
    let before = verify(&output, true).await.unwrap();
    let lost = ledger.attachment(&job.process()[2].key, "crop.bin").await.unwrap();
    ledger.close().await.unwrap();
    std::fs::remove_file(lost).unwrap();
    assert!(!verify(&output, false).await.unwrap().problems.is_empty());
    let ledger = open(&output).await.unwrap();
    let missing: Vec<_> =
        job.tasks().into_iter().filter(|task| ledger.entry(&task.key).is_none()).map(|task| task.key).collect();
    assert_eq!(missing, [job.process()[2].key]);
    run(&ledger, &job).await.unwrap();
    assert_eq!(verify(&output, true).await.unwrap(), before);
}
