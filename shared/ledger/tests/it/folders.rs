//! Outputs in folders: what is refused, and what a kill leaves behind.
use framefleet_ledger::{CommitFile, Ledger, LedgerError, Output, PartKind};
use framefleet_testkit_ledger::{Job, open, options};
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
async fn an_output_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path());
    open(&output).await.unwrap();
    let state = folder.path().join(".framefleet/output.json");
    let text = std::fs::read_to_string(&state).unwrap().replace("\"format\": 2", "\"format\": 99");
    std::fs::write(&state, text).unwrap();
    assert!(matches!(open(&output).await, Err(LedgerError::NewerFormat { found: 99, .. })));
    assert!(matches!(Ledger::read(output).await, Err(LedgerError::NewerFormat { .. })));
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
        .args(["--exact", "folders::hold", "--ignored"])
        .env(HELD, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let state = folder.path().join(".framefleet/output.json");
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
async fn committed_files_do_not_share_bytes_with_scratch_files() {
    let (folder, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ledger = open(&output(folder.path())).await.unwrap();
    let task = Job::new(1).tasks().remove(0);
    let path = scratch.path().join("artifact0.bin");
    std::fs::write(&path, "first").unwrap();
    let file = CommitFile { kind: PartKind::Attachment, name: "x.bin".to_owned(), frame: None, path: path.clone() };
    ledger.commit(task.entry, task.block, vec![file]).await.unwrap();
    std::fs::write(&path, "scratch of the next task").unwrap();
    assert_eq!(std::fs::read_to_string(ledger.attachment(&task.key, "x.bin").await.unwrap()).unwrap(), "first");
}
