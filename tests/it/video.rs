//! Video out of steps that make frames: masks, inpainting, assemble, in the real program.
use crate::footage::folder;
use crate::processes::process::with_test_stages;
use crate::program::{Ran, digest, json, records};
use framefleet_testkit::{
    Audio, Clip, MovingSquare, Picture, Similarity, Texture, decode_errors, decode_rgb8, ffprobe, frame_times,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Three batches, and so three pieces, the last one short.
const FRAMES: u64 = 72;
const SIZE: (u32, u32) = (192, 128);
const SEED: u64 = 41;

/// A square passes before a textured plane; the camera pans and rolls.
fn scene() -> MovingSquare {
    let mut scene = MovingSquare::new(SIZE.0, SIZE.1, SEED);
    scene.camera = Similarity { x: -0.8, y: 0.3, degrees: 0.05, ..Similarity::default() };
    scene.square = (20.0, 40.0, 28.0);
    scene.velocity = (1.6, 0.25);
    scene
}

fn background(frame: u64) -> Picture {
    Texture::noise(SEED).view(SIZE.0, SIZE.1, &scene().camera.times(frame as f64))
}

/// A film of it with sound, tags, B-frames and frames of 1001/30000 s.
pub fn film(folder: &Path) -> PathBuf {
    let clip = Clip::new(SIZE.0, SIZE.1, FRAMES)
        .rate(30_000, 1001)
        .gop(24)
        .colour("bt709", "bt709", "bt709", "tv")
        .audio(Audio::Tone(440.0, FRAMES as f64 * 1001.0 / 30_000.0));
    clip.write(&folder.join("film.mp4"), |n| scene().paint(n)).unwrap()
}

/// The pipeline, with more settings for assemble.
pub fn pipeline(folder: &Path, assemble: &str) -> PathBuf {
    let path = folder.join(format!("remove-{}.toml", assemble.len()));
    let text = format!(
        "name = \"remove\"\n[steps.cover.settings]\nsquare = [20.0, 40.0, 28.0]\nvelocity = [1.6, 0.25]\n\
         [steps.inpainting.settings]\nwindow = 8\n[steps.assemble.settings]\n{assemble}\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn arguments(source: &Path, pipeline: &Path, output: &Path, threads: &str) -> Vec<String> {
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let words = ["run", &path(source), "--pipeline", &path(pipeline), "--output", &path(output), "--threads", threads];
    words.map(str::to_owned).to_vec()
}

fn try_run(source: &Path, pipeline: &Path, output: &Path, threads: &str) -> Ran {
    let output = Command::new(with_test_stages())
        .args(arguments(source, pipeline, output, threads))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a pipeline of the program with the test stages; it must go through.
pub fn run(source: &Path, pipeline: &Path, output: &Path, threads: &str) {
    let ran = try_run(source, pipeline, output, threads);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
}

/// The same with more arguments.
pub fn run_with(source: &Path, pipeline: &Path, output: &Path, more: &[&str]) {
    let paths = [source, Path::new("--pipeline"), pipeline, Path::new("--output"), output].map(Path::as_os_str);
    let ran = Command::new(with_test_stages()).arg("run").args(paths).args(more).stdin(Stdio::null()).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// The first stream of a kind in what `ffprobe` says.
pub fn stream<'a>(probe: &'a Value, kind: &str) -> &'a Value {
    probe["streams"].as_array().unwrap().iter().find(|stream| stream["codec_type"] == kind).unwrap()
}

/// PSNR in decibels inside or outside the square, with a margin for the feather.
fn psnr(found: &Picture, truth: &Picture, frame: u64, inside: bool) -> f64 {
    let [left, top, right, bottom] = scene().square_at(frame);
    let (mut sum, mut count) = (0.0, 0.0);
    for (x, y) in (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y))) {
        let (px, py) = (f64::from(x), f64::from(y));
        let margin = if inside { 0.0 } else { 6.0 };
        let within = px >= left - margin && px < right + margin && py >= top - margin && py < bottom + margin;
        if within == inside {
            let (a, b) = (found.get(x, y), truth.get(x, y));
            sum += a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(b)).powi(2)).sum::<f64>();
            count += 3.0;
        }
    }
    10.0 * (255.0 * 255.0 * count / sum).log10()
}

/// Whether the window of a frame lies inside the film.
fn whole_window(frame: u64) -> bool {
    (10..FRAMES - 10).contains(&frame)
}

/// The film that comes out: frame count, times, aspect, tags and sound of the source; whole at its seams; the square is gone, and
/// what was behind it is there.
#[test]
fn a_pipeline_that_makes_frames_gives_the_right_video() {
    let work = folder();
    let source = film(work.path());
    let pipeline = pipeline(work.path(), "encoding = \"h264\"\nquality = 8\ngroup = 1");
    let output = work.path().join("out");
    run(&source, &pipeline, &output, "2");

    let film = output.join("artifacts/assemble/film.mp4");
    let (before, after) = (ffprobe(&source).unwrap(), ffprobe(&film).unwrap());
    let (was, is) = (stream(&before, "video"), stream(&after, "video"));
    for key in [
        "width",
        "height",
        "display_aspect_ratio",
        "avg_frame_rate",
        "color_primaries",
        "color_transfer",
        "color_space",
        "color_range",
        "nb_read_packets",
    ] {
        assert_eq!(is[key], was[key], "{key}");
    }
    assert_eq!(is["nb_read_packets"], FRAMES.to_string());
    let times = frame_times(&source).unwrap();
    let film_times = frame_times(&film).unwrap();
    assert_eq!(film_times.len(), times.len());
    for (a, b) in film_times.iter().zip(&times) {
        assert!(((a - film_times[0]) - (b - times[0])).abs() < 1e-4, "{a} {b}");
    }
    let sound = |probe: &Value| {
        let audio = stream(probe, "audio");
        ["codec_name", "sample_rate", "channels", "nb_read_packets"].map(|key| audio[key].clone())
    };
    assert_eq!(sound(&after), sound(&before));
    assert_eq!(decode_errors(&film).unwrap(), "", "seams between pieces decode");

    let (sources, frames) = (decode_rgb8(&source).unwrap(), decode_rgb8(&film).unwrap());
    for (n, frame) in frames.iter().enumerate() {
        let number = n as u64;
        let (hole, rest) = (psnr(frame, &background(number), number, true), psnr(frame, &sources[n], number, false));
        // At both ends the window has one side, and what is behind the square comes out too late, or has gone already.
        let least = if whole_window(number) { 28.0 } else { 20.0 };
        assert!(hole > least && rest > 35.0, "frame {n}: {hole:.1} dB in the hole, {rest:.1} dB around it");
    }
    let fills = records(&output, "inpainting");
    assert_eq!(fills.len() as u64, FRAMES);
    for (n, fill) in fills.iter().enumerate() {
        let fill = &fill["fill"][0];
        let least = if whole_window(n as u64) { 0.95 } else { 0.1 };
        assert!(fill["real_share"].as_f64().unwrap() > least, "frame {n}: {fill}");
        // The band around the hole still has the square's colour in it, smeared by the codec.
        assert!(fill["ring_difference"].as_f64().unwrap() < 15.0, "frame {n}: {fill}");
        assert!(!fill["references"].as_array().unwrap().is_empty(), "frame {n}: {fill}");
    }
    assert_eq!(json(&output, "summary/assemble.json")["statistics"]["films"]["film.mp4"]["frames"], FRAMES);
}

/// One thread or three, killed or not (defect D-10): the same digest.
#[test]
fn the_video_is_the_same_however_it_is_made() {
    let work = folder();
    let source = film(work.path());
    let pipeline = pipeline(work.path(), "encoding = \"ffv1\"\ngroup = 2");
    let digests = ["1", "3"].map(|threads| {
        let output = work.path().join(threads);
        run(&source, &pipeline, &output, threads);
        digest(&output)
    });
    assert_eq!(digests[0], digests[1]);
    let output = work.path().join("killed");
    let began = std::time::Instant::now();
    let mut kills = 0;
    for wait in [700, 1500, 2500] {
        let mut child = Command::new(with_test_stages())
            .args(arguments(&source, &pipeline, &output, "2"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        kills += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills > 0, "no run was under way when it was killed, after {:?}", began.elapsed());
    run(&source, &pipeline, &output, "3");
    assert_eq!(digest(&output), digests[0]);
}

/// Frames whose masks are missing are not silently left as they were: they fail, and the film shows the frame before.
#[test]
fn frames_without_masks_are_held_and_counted() {
    let work = folder();
    let source = film(work.path());
    let pipeline = pipeline(work.path(), "encoding = \"png\"");
    let text = std::fs::read_to_string(&pipeline).unwrap().replace("velocity", "breaks_on = [40, 41]\nvelocity");
    std::fs::write(&pipeline, text).unwrap();
    let output = work.path().join("out");
    let ran = try_run(&source, &pipeline, &output, "2");
    assert_eq!(ran.code, Some(3), "done, with failures listed: {ran:#?}");
    let lines = records(&output, "inpainting");
    assert_eq!((&lines[40]["outcome"]["skipped"], &lines[39]["outcome"]), (&Value::from("upstream"), &Value::Null));
    let images = output.join("artifacts/assemble/film");
    assert!(images.join("frame_000039.png").is_file() && !images.join("frame_000040.png").exists());
}

/// Full frames, masks and filled frames of a halo of ten on both sides at 4K: what does not fit is refused with the numbers.
#[test]
fn the_plan_holds_the_window_of_4k() {
    let work = folder();
    let grey = |_| Picture::filled(3840, 2160, [90, 90, 90]);
    let source = Clip::new(3840, 2160, 3).write(&work.path().join("film.mp4"), grey).unwrap();
    let pipeline = pipeline(work.path(), "group = 1");
    let plan = |memory: &str| {
        let output = work.path().join("out");
        let mut words = arguments(&source, &pipeline, &output, "2");
        words.extend(["--dry-run", "--memory", memory].map(str::to_owned));
        let ran = Command::new(with_test_stages()).args(words).stdin(Stdio::null()).output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap())
    };
    let (code, said) = plan("1GiB");
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("inpainting") || said.contains("assemble"), "{said}");
    let (code, said) = plan("4GiB");
    assert_eq!(code, Some(0), "{said}");
}
