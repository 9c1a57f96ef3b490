//! Frames per second of the stage beside a bare loop over its network, and its memory:
//! `cargo run --release -p segmentation --example measure [FRAMES]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/harness/mod.rs"]
mod harness;

use framefleet_infer::{Networks, TensorView};
use framefleet_testkit::{Picture, sample};
use harness::{Footage, host, read, resize, to_mat};
use opencv::prelude::*;
use segmentation::{Network, PERSON, SegmentationSettings};
use std::time::Instant;

/// What the stage is shown: width, height and boxes of persons.
const SIZES: [(i32, i32, bool); 4] = [(640, 360, false), (1920, 1080, false), (1920, 1080, true), (3840, 2160, false)];

fn main() {
    let frames: usize = std::env::args().nth(1).map_or(20, |count| count.parse().expect("a number of frames"));
    let portrait = read(&sample("astronaut.png").unwrap());
    println!("| network | frames | stage | bare loop | ratio | peak memory |\n|---|---|---|---|---|---|");
    for (width, height, persons) in SIZES {
        let picture = resize(&portrait, width, height);
        person(&picture, persons, frames);
    }
    matting(&resize(&portrait, 1920, 1080), frames);
}

/// The stage with selfie-square, and the network alone on a picture that has its size already.
fn person(picture: &Picture, persons: bool, frames: usize) {
    let settings = SegmentationSettings::default();
    let host = host(&settings);
    let (w, h) = (picture.width as f32, picture.height as f32);
    let boxes = if persons { vec![[0.0, 0.0, 0.7 * w, h]] } else { Vec::new() };
    let stage = stage(Footage::new(vec![picture.clone(); frames]).with_persons(&boxes), &host, &settings);
    let session = host.get::<Networks>().unwrap().open(PERSON).unwrap();
    let small = resize(picture, 256, 256);
    let input: Vec<f32> = small.rgb.iter().map(|byte| f32::from(*byte) / 255.0).collect();
    let input = ndarray::Array4::from_shape_vec((1, 256, 256, 3), input).unwrap();
    let bare = rate(frames, || drop(session.run(&[("input_1", TensorView::from(&input))]).unwrap()));
    let what = if persons { ", one person's box" } else { "" };
    row(&format!("selfie-square{what}"), picture, stage, bare);
}

/// The stage with Robust Video Matting, and the network alone, which remembers as well.
fn matting(picture: &Picture, frames: usize) {
    let settings =
        SegmentationSettings { network: Network::VideoMatting, warm_up_frames: 0, ..SegmentationSettings::default() };
    let host = host(&settings);
    let stage = stage(Footage::new(vec![picture.clone(); frames]), &host, &settings);
    let session = host.get::<Networks>().unwrap().open("video-matting").unwrap();
    let small = to_mat(&resize(picture, 512, 288));
    let source: Vec<f32> = small.data_bytes().unwrap().iter().map(|byte| f32::from(*byte) / 255.0).collect();
    let source = ndarray::Array4::from_shape_vec((1, 288, 512, 3), source).unwrap();
    let mut states = [16, 20, 40, 64].map(|channels| ndarray::ArrayD::<f32>::zeros(vec![1, 1, 1, channels]));
    let bare = rate(frames, || {
        let [a, b, c, d] = &states;
        let inputs = [
            ("src", TensorView::from(&source)),
            ("r1i", a.into()),
            ("r2i", b.into()),
            ("r3i", c.into()),
            ("r4i", d.into()),
        ];
        let outputs = session.run(&inputs).unwrap();
        states = ["r1o", "r2o", "r3o", "r4o"].map(|name| outputs.get::<f32>(name).unwrap());
    });
    row("robust-video-matting", picture, stage, bare);
}

/// Frames per second of process and finish together; once before, unmeasured.
fn stage(footage: Footage, host: &framefleet_stage::Host, settings: &SegmentationSettings) -> f64 {
    let mut one = Footage::new(footage.pictures[..1].to_vec());
    one.poses.clone_from(&footage.poses);
    one.run_on(host, settings);
    let began = Instant::now();
    footage.run_on(host, settings);
    footage.pictures.len() as f64 / began.elapsed().as_secs_f64()
}

fn rate(frames: usize, mut run: impl FnMut()) -> f64 {
    run();
    let began = Instant::now();
    (0..frames).for_each(|_| run());
    frames as f64 / began.elapsed().as_secs_f64()
}

fn row(name: &str, picture: &Picture, stage: f64, bare: f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim().to_owned();
    println!(
        "| {name} | {}×{} | {stage:.1} frames/s | {bare:.1} frames/s | {:.2} | {peak} |",
        picture.width,
        picture.height,
        stage / bare
    );
}
