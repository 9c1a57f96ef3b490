//! Outputs in folders: what is refused, and what a kill leaves behind.
use super::fixture::{Job, open, options, run};
use crate::{Ledger, LedgerError, Output, PartKind, verify};
use std::path::Path;
use std::process::{Command, Stdio};

/// Names the output that [`hold`] opens in a process of its own.
const HELD: &str = "FRAMEFLEET_TEST_HELD_OUTPUT";

fn output(folder: &Path) -> Output {
    Output::parse(folder.to_str().unwrap()).unwrap()
}

#[tokio::test]
async fn places_that_are_no_output_are_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("holiday.jpg"), "x").unwrap();
    let error = open(&output(folder.path())).await.unwrap_err();
    assert!(matches!(&error, LedgerError::NotAnOutput { found, .. } if found == "holiday.jpg"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let file = folder.path().join("holiday.jpg");
    for place in [file.clone(), file.join("deeper")] {
        let error = open(&output(&place)).await.unwrap_err();
        assert!(matches!(&error, LedgerError::InTheWay { path } if *path == file), "{error}");
    }
    let error = open(&output(Path::new("/proc/x.framefleet"))).await.unwrap_err();
    assert!(matches!(&error, LedgerError::Access { path, .. } if path.starts_with("/proc/x.framefleet")), "{error}");
    assert!(matches!(Ledger::read(output(folder.path())).await, Err(LedgerError::NoOutput { .. })));
}

#[tokio::test]
async fn other_content_under_a_known_name_is_refused_and_new_items_are_added() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path());
    open(&output).await.unwrap();
    let mut grown = options();
    grown.source.items.insert("three.mp4".to_owned(), "3".to_owned());
    assert_eq!(Ledger::open(output.clone(), grown.clone()).await.unwrap().epoch(), 2);
    grown.source.items.insert("three.mp4".to_owned(), "other".to_owned());
    let error = Ledger::open(output.clone(), grown.clone()).await.unwrap_err();
    assert!(matches!(&error, LedgerError::OtherContent { item } if item == "three.mp4"), "{error}");
    let shrunk = Ledger::open(output.clone(), options()).await.unwrap();
    assert_eq!(shrunk.source().items.len(), 3, "an item that is not part of this job is still known");
    drop(shrunk);
    grown.fresh = true;
    let fresh = Ledger::open(output, grown).await.unwrap();
    assert_eq!(fresh.source().items["three.mp4"], "other");
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
    let fresh = Ledger::open(output, crate::OpenOptions { fresh: true, ..options() }).await.unwrap();
    assert!(fresh.is_empty());
    assert!(fresh.manifests().await.unwrap().is_empty());
    let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".framefleet", "edits.jsonl"]);
}

#[tokio::test]
async fn an_output_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path());
    open(&output).await.unwrap();
    let state = folder.path().join(crate::layout::STATE);
    let text = std::fs::read_to_string(&state).unwrap().replace("\"format\": 2", "\"format\": 99");
    std::fs::write(&state, text).unwrap();
    assert!(matches!(open(&output).await, Err(LedgerError::NewerFormat { found: 99, .. })));
    assert!(matches!(verify(&output, false).await, Err(LedgerError::NewerFormat { .. })));
}

/// Not a test of its own: the process that [`a_lock_ends_with_its_process`] kills.
#[tokio::test]
#[ignore = "started by another test, in a process of its own"]
async fn hold() {
    let _ledger = open(&output(Path::new(&std::env::var(HELD).unwrap()))).await.unwrap();
    std::future::pending().await
}

#[tokio::test]
async fn a_lock_ends_with_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::folders::hold", "--ignored"])
        .env(HELD, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let state = folder.path().join(crate::layout::STATE);
    while !state.exists() {
        assert!(holder.try_wait().unwrap().is_none(), "the holder ended");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let error = open(&output(folder.path())).await.unwrap_err();
    assert!(matches!(&error, LedgerError::Owned { pid, .. } if *pid == holder.id()), "{error}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(open(&output(folder.path())).await.unwrap().epoch(), 2);
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
    let parts = ledger.inner.store.list(crate::layout::PARTS).await.unwrap();
    assert!(parts.iter().all(|(path, _)| !path.ends_with(".png")), "{parts:?}");
    let error = ledger.attachment(&job.process()[0].key, "no.bin").await.unwrap_err().to_string();
    assert!(error.contains("crop.bin"), "{error}");
}

#[tokio::test]
async fn committed_files_do_not_share_bytes_with_scratch_files() {
    let (folder, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ledger = open(&output(folder.path())).await.unwrap();
    let task = Job::new(1).tasks().remove(0);
    let path = scratch.path().join("artifact0.bin");
    std::fs::write(&path, "first").unwrap();
    let file =
        crate::CommitFile { kind: PartKind::Attachment, name: "x.bin".to_owned(), frame: None, path: path.clone() };
    ledger.commit(task.entry, task.block, vec![file]).await.unwrap();
    std::fs::write(&path, "scratch of the next task").unwrap();
    assert_eq!(std::fs::read_to_string(ledger.attachment(&task.key, "x.bin").await.unwrap()).unwrap(), "first");
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
