//! Memory does not grow with the length of the footage.
use crate::footage::folder;
use crate::program::{command, records};
use framefleet_testkit::{repeat, sample};
use std::path::Path;
use std::process::Stdio;

/// Peak resident memory of a run, MiB, and the number of frames it did.
fn peak(clip: &Path, output: &Path) -> (f64, usize) {
    // Times and memory by the kernel's own account of the child.
    let arguments = ["run".as_ref(), clip.as_os_str(), "--output".as_ref(), output.as_os_str()];
    let more = ["--set", "lighting.frames=every 10", "--set", "motion.frames=every 10", "--threads", "2"];
    let child = command(arguments).args(more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    let mut most = 0.0f64;
    let mut child = child;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse::<f64>().ok());
        most = most.max(peak.unwrap_or(0.0) / 1024.0);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(child.wait().unwrap().success());
    (most, records(output, "motion").len())
}

#[test]
fn ten_minutes_take_no_more_memory_than_one() {
    let work = folder();
    let clip = sample("bikes.mp4").unwrap();
    // bikes.mp4 lasts 10 s: 6 times is a minute.
    let minute = repeat(&clip, &work.path().join("one.mp4"), 6).unwrap();
    let ten = repeat(&clip, &work.path().join("ten.mp4"), 60).unwrap();
    let (short, short_frames) = peak(&minute, &work.path().join("one"));
    let (long, long_frames) = peak(&ten, &work.path().join("ten"));
    assert!(long_frames > 9 * short_frames, "{long_frames} and {short_frames} frames");
    assert!(long / short <= 1.10, "{short:.0} MiB for one minute, {long:.0} MiB for ten");
}
