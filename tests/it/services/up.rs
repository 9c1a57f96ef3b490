//! `framefleet up`: a fleet with one command, drained with one signal.
use super::{PATIENCE, free_port};
use crate::footage::{folder, moving};
use crate::program::{digest, framefleet, run};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

#[test]
fn comes_up_does_a_job_and_drains() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 120);
    let port = free_port().to_string();
    let state = work.path().join("state");
    let blobs = work.path().join("blobs");
    let mut up = Command::new(env!("CARGO_BIN_EXE_framefleet"))
        .args(["up", "--port", &port, "--stages", "lighting", "--workers", "motion=2", "--slots", "2", "--state"])
        .arg(&state)
        .arg("--blobs")
        .arg(&blobs)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(up.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("4 workers") && first.contains(&port), "{first}");
    let ready = lines.next().unwrap().unwrap();
    assert!(ready.contains("ready"), "{ready}");
    let server = format!("http://127.0.0.1:{port}");
    let output = work.path().join("output");
    let ran = framefleet([
        "submit",
        clip.to_str().unwrap(),
        "--output",
        output.to_str().unwrap(),
        "--server",
        &server,
        "--watch",
    ]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let alone = work.path().join("alone");
    run(&clip, &alone, &[]);
    assert_eq!(digest(&output), digest(&alone));
    // What is said of jobs counts the frames that they do: all of the first, 3 s of the second, and none of those that are there.
    let part = work.path().join("part");
    for arguments in
        [["--output", part.to_str().unwrap(), "--end", "3s"], ["--output", output.to_str().unwrap(), "--seed", "0"]]
    {
        let ran =
            framefleet([&["submit", clip.to_str().unwrap(), "--server", &server, "--watch"], &arguments[..]].concat());
        assert_eq!(ran.code, Some(0), "{ran:#?}");
    }
    let status = framefleet(["status", "--server", &server]).out;
    let counts: Vec<&str> = status.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!(counts, ["120/120", "75/75", "120/120"], "the newest first: {status}");
    let top = framefleet(["top", "--once", "--server", &server]).out;
    let motion = top.lines().find(|line| line.starts_with("motion")).unwrap();
    assert_eq!(motion.split_whitespace().last(), Some("0"), "nothing is left: {top}");
    // A second fleet may not keep its jobs in the same folder.
    let ran = framefleet(["up", "--port", &free_port().to_string(), "--state", state.to_str().unwrap()]);
    assert_eq!(ran.code, Some(78), "{ran:#?}");
    assert!(ran.err.contains("another fleet"), "{ran:#?}");
    // SAFETY: a signal to a child that was not waited for yet.
    assert_eq!(unsafe { libc::kill(up.id() as i32, libc::SIGINT) }, 0);
    let began = Instant::now();
    let status = loop {
        if let Some(status) = up.try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < PATIENCE, "the fleet does not stop");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert!(status.success(), "{status}");
    let left = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let line = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        line.contains(state.to_str().unwrap()) || line.contains(blobs.to_str().unwrap())
    });
    assert_eq!(left.count(), 0, "processes of the fleet are left");
    // The job is remembered by the next fleet, of course; here it is enough that its place is free again.
    assert!(std::net::TcpListener::bind(format!("127.0.0.1:{port}")).is_ok());
}

#[test]
fn unknown_stages_are_named() {
    let ran = framefleet(["up", "--workers", "posse=2"]);
    assert_eq!(ran.code, Some(64), "{ran:#?}");
    assert!(ran.err.contains("posse") && ran.err.contains("motion"), "{ran:#?}");
}
