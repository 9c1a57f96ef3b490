//! Runs the stage, with its real models, on films and sorts what comes out.
#![allow(dead_code)]
use framefleet_frames::{FrameRange, PersonTrack, Pose};
use framefleet_stage::Stage;
use framefleet_testkit::Picture;
use framefleet_testkit_stage::{Film, Step, only, rgb8, shot};
use pose::{PoseSettings, PoseStage};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the stage made.
pub struct Results {
    pub poses: BTreeMap<u64, Vec<Pose>>,
    pub failed: Vec<(u64, String)>,
    pub amendments: Vec<(u64, u32, Json)>,
    pub tracks: Vec<(FrameRange, PersonTrack)>,
    pub statistics: Json,
}

/// The stage with its models.
pub fn step(settings: &PoseSettings) -> Step<PoseStage> {
    let host = framefleet_testkit_models::host("pose", &PoseStage::needs(settings)).unwrap();
    Step::load(&host, settings).unwrap()
}

/// Both halves.
pub fn run(film: &Film, settings: &PoseSettings) -> Results {
    run_with(&step(settings), film)
}

/// Both halves of a loaded stage.
pub fn run_with(step: &Step<PoseStage>, film: &Film) -> Results {
    let (processed, finished) = step.run(std::slice::from_ref(film)).unwrap();
    Results {
        poses: processed.records.each(only!(Pose)).map(|(record, poses)| (record.frame, poses)).collect(),
        failed: processed.records.failed(),
        amendments: finished.amended().unwrap(),
        tracks: finished.on_frames(only!(PersonTrack)),
        statistics: finished.statistics,
    }
}

/// An image file in 8-bit RGB.
pub fn picture(path: &Path) -> Picture {
    let rgb = image::open(path).unwrap().to_rgb8();
    Picture { width: rgb.width(), height: rgb.height(), rgb: rgb.into_raw() }
}

/// Frames of a video, from one on.
pub fn frames(path: &Path, start: u64, count: u64, width: u32, height: u32) -> Vec<Picture> {
    let select = format!("select=between(n\\,{start}\\,{})", start + count - 1);
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-vf", &select, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let size = (width * height * 3) as usize;
    let pictures: Vec<Picture> =
        output.stdout.chunks_exact(size).map(|rgb| Picture { width, height, rgb: rgb.to_vec() }).collect();
    assert_eq!(pictures.len() as u64, count, "frames of {}", path.display());
    pictures
}

/// A video of these images, all of one size.
pub fn film(pictures: &[Picture], rate: i64) -> Film {
    Film::new(pictures.iter().map(rgb8).collect()).at_rate(rate)
}

/// One still.
pub fn still(picture: &Picture) -> Film {
    Film::new(vec![rgb8(picture)]).stills()
}

/// Cuts a film into two shots.
pub fn cut(film: &mut Film, at: u64) {
    let end = film.images.len() as u64;
    film.scoped = [0..at, at..end].map(|frames| shot(&film.item.name, frames)).to_vec();
}
