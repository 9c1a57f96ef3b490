//! Killed at any moment: the next run completes, redoes nothing that was committed, and comes to the same digest.
use crate::footage::{folder, moving};
use crate::program::{command, digest, run};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Entries that the ledger holds as files, by name.
fn entries(output: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![output.join(".framefleet")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().contains("entries") {
                found.insert(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    found
}

/// A generator whose sequence is the same on every machine.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *state >> 33
}

#[test]
fn killed_at_random_moments_it_goes_on() {
    let work = folder();
    let clip = moving(&work.path().join("clip.mp4"), 400);
    let whole = work.path().join("whole");
    let began = Instant::now();
    run(&clip, &whole, &["--threads", "2"]);
    let takes = began.elapsed();
    let expected = digest(&whole);

    let output = work.path().join("killed");
    let mut state = 2026;
    let mut kills = 0;
    for _ in 0..12 {
        let arguments = [
            "run".as_ref(),
            clip.as_os_str(),
            "--output".as_ref(),
            output.as_os_str(),
            "--threads".as_ref(),
            "2".as_ref(),
        ];
        let mut child = command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let wait = takes.mul_f64((next(&mut state) % 1000) as f64 / 1000.0).max(Duration::from_millis(20));
        std::thread::sleep(wait);
        if child.try_wait().unwrap().is_none() {
            kills += 1;
        }
        let before = entries(&output);
        child.kill().unwrap();
        child.wait().unwrap();
        let after = entries(&output);
        assert!(
            before.is_subset(&after) || after.is_empty(),
            "entries vanished: {:?}",
            before.difference(&after).collect::<Vec<_>>()
        );
    }
    assert!(kills >= 3, "only {kills} runs were under way when they were killed");
    run(&clip, &output, &["--threads", "2"]);
    assert_eq!(digest(&output), expected);
}
