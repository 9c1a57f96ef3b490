//! The program on real footage, beside bare loops and beside ffmpeg.
use crate::{Effort, ROUNDS, bare, median, row, timed};
use framefleet_testkit::{repeat, sample};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The rows of the table.
pub fn rows(effort: &Effort) {
    real_clip(effort.cores);
    first_result();
    decoding();
}

/// Runs the program and leaves its output in a folder that goes when it is dropped.
fn framefleet(source: &Path, more: &[&str]) -> (tempfile::TempDir, serde_json::Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out");
    let status = Command::new(env!("CARGO_BIN_EXE_framefleet"))
        .arg("run")
        .arg(source)
        .arg("--output")
        .arg(&output)
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the program runs");
    assert!(status.success());
    let job = serde_json::from_slice(&std::fs::read(output.join("job.json")).expect("job.json")).expect("JSON");
    (folder, job)
}

/// As many copies of a clip as there are cores, so that bare loops have one each.
fn copies(cores: usize, times: u32) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = sample("bikes.mp4").expect("make samples");
    let copy =
        |number: usize| repeat(&clip, &folder.path().join(format!("{number}.mp4")), times).expect("a longer clip");
    let clips = (0..cores).map(copy).collect();
    (folder, clips)
}

/// lighting and motion on a real clip.
fn real_clip(cores: usize) {
    framefleet_vision::use_one_thread().expect("OpenCV");
    let (folder, clips) = copies(cores, 4);
    let mut pairs = Vec::new();
    let mut frames = 0;
    for _ in 0..ROUNDS {
        let bare = timed(|| {
            frames = std::thread::scope(|scope| {
                let run = |clip: &PathBuf| {
                    let clip = clip.clone();
                    scope.spawn(move || bare::pass(&clip, &bare::loaded(&["lighting", "motion"])))
                };
                let running: Vec<_> = clips.iter().map(run).collect();
                running.into_iter().map(|thread| thread.join().expect("the loop ends")).sum::<u64>()
            });
        });
        let (_kept, job) = framefleet(folder.path(), &[]);
        let seconds = job["results"]["timings"]["seconds"].as_f64().expect("seconds");
        pairs.push((Duration::from_secs_f64(seconds), bare));
    }
    let (job, bare) = median(pairs);
    let rate = |time: Duration| format!("{:.0} frames/s", frames as f64 / time.as_secs_f64());
    row(
        "efficiency, decode + lighting + motion on bikes.mp4",
        &rate(job),
        &rate(bare),
        Some(bare.as_secs_f64() / job.as_secs_f64()),
        "≥ 0.95",
    );
}

/// From the start of the job to its first result.
fn first_result() {
    let clip = sample("bikes.mp4").expect("make samples");
    let began = std::time::Instant::now();
    let (_kept, job) = framefleet(&clip, &[]);
    let whole = began.elapsed().as_secs_f64();
    let first = job["results"]["timings"]["first_result_seconds"].as_f64().expect("a first result");
    let run = job["results"]["timings"]["seconds"].as_f64().expect("seconds");
    row(
        "first result, cold",
        &format!("{first:.2} s"),
        &format!("{run:.2} s for the job, {whole:.2} s with report"),
        Some(first / run),
        "≤ 2 s",
    );
}

/// Decoding alone, and decoding to proxies, beside ffmpeg on one thread.
fn decoding() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = clip_1080p(folder.path());
    let mut pairs = Vec::new();
    let mut frames = 0;
    for _ in 0..ROUNDS {
        let ours = timed(|| frames = bare::pass(&clip, &[]));
        let theirs = timed(|| {
            ffmpeg(&[
                "-threads",
                "1",
                "-i",
                &clip.to_string_lossy(),
                "-filter_threads",
                "1",
                "-vf",
                "scale=640:360,format=rgb24",
                "-f",
                "null",
                "-",
            ]);
        });
        pairs.push((ours, theirs));
    }
    let (ours, theirs) = median(pairs);
    let rate = |time: Duration| format!("{:.0} frames/s", frames as f64 / time.as_secs_f64());
    row(
        "index + decode 1080p H.264 to proxies, one thread",
        &rate(ours),
        &format!("{} by ffmpeg, scaled to RGB", rate(theirs)),
        Some(theirs.as_secs_f64() / ours.as_secs_f64()),
        "–",
    );
}

/// Runs ffmpeg quietly.
fn ffmpeg(arguments: &[&str]) {
    let status =
        Command::new("ffmpeg").args(["-v", "error", "-y", "-nostdin"]).args(arguments).status().expect("ffmpeg runs");
    assert!(status.success());
}

/// Ten seconds of 1080p H.264.
pub fn clip_1080p(folder: &Path) -> PathBuf {
    let clip = folder.join("1080p.mp4");
    let source = sample("bikes.mp4").expect("make samples");
    let (source, target) = (source.to_string_lossy(), clip.to_string_lossy());
    ffmpeg(&["-i", &source, "-vf", "scale=1920:1080", "-c:v", "libx264", "-preset", "fast", "-an", &target]);
    clip
}
