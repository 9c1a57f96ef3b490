//! Blobs in a folder that processes share: several owners, dead writers, full filesystems, odd keys.
use crate::process::{child, folder, wait_for};
use framefleet_bus::{BlobError, Blobs};
use framefleet_bus_nats::DirBlobs;
use std::process::Command;

const UNIT: u64 = 64 * 1024;

async fn write(blobs: &DirBlobs, key: &str, length: u64, value: u8) -> framefleet_bus::BlobName {
    let mut writer = blobs.reserve(key, length).await.unwrap();
    writer.memory().fill(value);
    writer.finish().unwrap()
}

#[tokio::test]
async fn those_who_open_one_folder_share_blobs_and_room() {
    let folder = tempfile::tempdir().unwrap();
    let one = DirBlobs::open(folder.path(), 4 * UNIT).unwrap();
    let name = write(&one, "1-0", UNIT, 7).await;
    let other = DirBlobs::open(folder.path(), 4 * UNIT).unwrap();
    assert_eq!(other.used(), UNIT);
    assert!(other.get(&name).await.unwrap().iter().all(|byte| *byte == 7));
    let _writing = other.reserve("1-1", 2 * UNIT).await.unwrap();
    let Err(BlobError::NoRoom { free, .. }) = one.reserve("1-2", 2 * UNIT).await else { panic!("the other's room") };
    assert_eq!(free, UNIT);
    other.release(&name).await.unwrap();
    assert_eq!(one.used(), 2 * UNIT);
    assert!(matches!(one.get(&name).await, Err(BlobError::Stale(_))));
}

#[tokio::test]
async fn a_name_of_another_folder_is_stale() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (here, there) = (DirBlobs::open(here.path(), UNIT).unwrap(), DirBlobs::open(there.path(), UNIT).unwrap());
    let (name, other) = (write(&here, "1-0", 8, 1).await, write(&there, "1-0", 8, 2).await);
    assert_ne!(name, other);
    assert!(matches!(there.get(&name).await, Err(BlobError::Stale(_))));
    there.release(&name).await.unwrap();
    assert_eq!(there.used(), 8);
}

#[tokio::test]
async fn bytes_are_mapped_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = DirBlobs::open(folder.path(), UNIT).unwrap();
    let name = write(&blobs, "1-0", UNIT, 1).await;
    let bytes = blobs.get(&name).await.unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let start = format!("{:x}-", bytes.as_ptr() as usize);
    let line = maps.lines().find(|line| line.starts_with(&start)).expect("no mapping begins there");
    assert!(line.contains(folder.path().to_str().unwrap()) && line.contains(" r--s "), "{line}");
}

#[tokio::test]
async fn no_key_leaves_the_folder() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("blobs");
    let blobs = DirBlobs::open(&folder, 64 * UNIT).unwrap();
    let keys = ["", ".", "..", "../../x", "/etc/x", "a/b", ".account", "a\0b", "ä", "%2F", "x.blob", "x.1-1.part"];
    for (n, key) in keys.into_iter().enumerate() {
        let name = write(&blobs, key, 1 + n as u64, n as u8).await;
        assert!(blobs.get(&name).await.unwrap().iter().all(|byte| *byte == n as u8), "{key:?}");
    }
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1 + keys.len());
    assert_eq!(blobs.release_all("..").await.unwrap(), 2);
    assert_eq!(blobs.release_all("").await.unwrap(), keys.len() as u64 - 2);
    assert_eq!(blobs.used(), 0);
    assert!(matches!(blobs.reserve(&"x".repeat(1000), 1).await, Err(BlobError::Io(_))));
}

/// A child of the tests below: begins a blob, finishes another, and waits to be killed.
#[tokio::test]
#[ignore = "a part of another test"]
async fn writer_to_be_killed() {
    let Some(folder) = folder() else { return };
    let blobs = DirBlobs::open(&folder, 4 * UNIT).unwrap();
    write(&blobs, "1-finished", UNIT, 1).await;
    let mut writer = blobs.reserve("1-unfinished", 2 * UNIT).await.unwrap();
    writer.memory().fill(1);
    println!("writing");
    std::thread::sleep(std::time::Duration::from_secs(600));
}

#[tokio::test]
async fn what_a_killed_writer_leaves_is_found() {
    for sweep in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let blobs = DirBlobs::open(folder.path(), 4 * UNIT).unwrap();
        let mut writer = child(&[], "dir_blobs::writer_to_be_killed", folder.path());
        wait_for(&mut writer, "writing");
        assert_eq!(blobs.used(), 3 * UNIT);
        assert_eq!(blobs.release_all("1-u").await.unwrap(), 0, "what is being written is left alone");
        writer.kill().unwrap();
        writer.wait().unwrap();
        assert_eq!(blobs.used(), 3 * UNIT);
        if sweep {
            assert_eq!(blobs.release_all("1-").await.unwrap(), 2);
            assert_eq!(blobs.used(), 0);
        } else {
            let fits = blobs.reserve("2-0", 3 * UNIT).await.expect("the dead writer's room is not free");
            assert_eq!(blobs.used(), 4 * UNIT);
            drop(fits);
            assert_eq!(DirBlobs::open(folder.path(), 4 * UNIT).unwrap().used(), UNIT);
        }
    }
}

#[test]
fn a_capacity_that_the_filesystem_does_not_have_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Err(BlobError::Io(error)) = DirBlobs::open(folder.path(), 1 << 60) else { panic!("accepted") };
    let said = error.to_string();
    assert!(said.contains(&folder.path().display().to_string()) && said.contains("larger tmpfs"), "{said}");
}

/// A child of the test below, in a tmpfs of 4 MiB: somebody else fills it after it was opened.
#[tokio::test]
#[ignore = "a part of another test"]
async fn writer_in_a_small_tmpfs() {
    let Some(folder) = folder() else { return };
    let blobs = DirBlobs::open(&folder, 3 << 20).unwrap();
    std::fs::write(folder.join("another's"), vec![1; 2 << 20]).unwrap();
    let Err(BlobError::NoRoom { wanted, free, .. }) = blobs.reserve("1-0", 3 << 20).await else { panic!("reserved") };
    assert!(wanted == 3 << 20 && free < 3 << 20, "{wanted} of {free}");
    assert_eq!(blobs.used(), 0);
    // What is reserved can be written to its last byte.
    let name = write(&blobs, "1-1", 1 << 20, 1).await;
    assert_eq!(blobs.get(&name).await.unwrap().len(), 1 << 20);
    println!("no room");
}

/// A full tmpfs is an error, not the end of the process by SIGBUS. Needs leave to mount in a namespace of its own.
#[test]
fn a_full_filesystem_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let may_mount = Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "tmpfs"]).arg(folder.path()).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        eprintln!("not tested: this machine does not let us mount");
        return;
    }
    let script = "mount -t tmpfs -o size=4m tmpfs \"$FRAMEFLEET_TEST_FOLDER\" && exec \"$@\"";
    let prefix = ["unshare", "-Urm", "sh", "-c", script, "sh"];
    let mut writer = child(&prefix, "dir_blobs::writer_in_a_small_tmpfs", folder.path());
    wait_for(&mut writer, "no room");
    assert!(writer.wait().unwrap().success());
}

/// Two owners and many threads: the account is what the files are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_account_stays_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8u64 {
        let blobs = DirBlobs::open(folder.path(), 64 * UNIT).unwrap();
        workers.spawn(async move {
            for n in 0..60 {
                // Some keys are common to all workers: they replace each other's.
                let key = format!("{}-{n}", if n % 3 == 0 { 0 } else { worker });
                let name = write(&blobs, &key, 1 + (worker * 60 + n) % 5000, 1).await;
                match n % 4 {
                    0 => drop(blobs.get(&name).await),
                    1 => blobs.release(&name).await.unwrap(),
                    2 => drop(blobs.reserve(&key, 100).await.unwrap()),
                    _ => {}
                }
            }
            blobs.used()
        });
    }
    workers.join_all().await;
    let kept = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
    let sum: u64 = kept.filter(|file| file.file_name() != ".account").map(|file| file.metadata().unwrap().len()).sum();
    let blobs = DirBlobs::open(folder.path(), 64 * UNIT).unwrap();
    assert!(sum > 0);
    assert_eq!(blobs.used(), sum);
    blobs.release_all("").await.unwrap();
    assert_eq!(blobs.used(), 0);
}
