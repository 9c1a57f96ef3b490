//! Memory over 2 and 20 minutes of 1080p, every frame.
use crate::program::clip_1080p;
use crate::{Effort, row};
use framefleet_testkit::repeat;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Peak resident memory, MiB.
fn peak(clip: &Path) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_framefleet"))
        .args(["run", "--memory", "1GiB"])
        .arg(clip)
        .arg("--output")
        .arg(folder.path().join("out"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut peak = 0.0f64;
    while child.try_wait().expect("the program can be waited for").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
        peak = peak.max(kibibytes / 1024.0);
        std::thread::sleep(Duration::from_millis(100));
    }
    peak
}

/// The row of the table, which takes minutes.
pub fn rows(effort: &Effort) {
    if effort.quick {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let clip = clip_1080p(folder.path());
    let two = repeat(&clip, &folder.path().join("two.mp4"), 12).expect("two minutes");
    let twenty = repeat(&clip, &folder.path().join("twenty.mp4"), 120).expect("twenty minutes");
    let (short, long) = (peak(&two), peak(&twenty));
    row(
        "peak memory, 20 minutes of 1080p",
        &format!("{long:.0} MiB"),
        &format!("{short:.0} MiB for 2 minutes"),
        Some(long / short),
        "≤ 1.10",
    );
}
