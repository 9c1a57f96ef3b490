//! What a frame costs the stage beside a bare loop over its model, and its memory:
//! `cargo run --release -p segmentation --example segmentation-speed [FRAMES]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/it/harness/mod.rs"]
mod harness;

use framefleet_infer::{StepModels, TensorView};
use framefleet_stage::Batch;
use framefleet_testkit::{Picture, sample};
use framefleet_testkit_stage::{Processed, Step};
use harness::{Footage, host, read, resize, to_mat};
use opencv::prelude::*;
use segmentation::{Method, PERSON, SegmentationSettings, SegmentationStage};

/// What the stage is shown: width, height and boxes of persons.
const SIZES: [(i32, i32, bool); 4] = [(640, 360, false), (1920, 1080, false), (1920, 1080, true), (3840, 2160, false)];

fn main() {
    let frames: usize = std::env::args().nth(1).map_or(20, |count| count.parse().expect("a number of frames"));
    let portrait = read(&sample("astronaut.png").unwrap());
    println!("| model | frames | stage, CPU ms a frame | bare loop | ratio | peak memory |\n|---|---|---|---|---|---|");
    for full_frames in [true, false] {
        for (width, height, persons) in SIZES {
            person(&resize(&portrait, width, height), persons, full_frames, frames);
        }
    }
    matting(&resize(&portrait, 1920, 1080), frames);
}

/// The stage with selfie-square, and the model alone on an image that has its size already.
fn person(picture: &Picture, persons: bool, full_frames: bool, frames: usize) {
    let settings = SegmentationSettings { full_frames, ..SegmentationSettings::default() };
    let host = host(&settings);
    let (w, h) = (picture.width as f32, picture.height as f32);
    let boxes = if persons { vec![[0.0, 0.0, 0.7 * w, h]] } else { Vec::new() };
    let session = host.get::<StepModels>().unwrap().open(PERSON).unwrap();
    let small = resize(picture, 256, 256);
    let input: Vec<f32> = small.rgb.iter().map(|byte| f32::from(*byte) / 255.0).collect();
    let input = ndarray::Array4::from_shape_vec((1, 256, 256, 3), input).unwrap();
    let footage = Footage::new(vec![picture.clone(); frames]).with_persons(&boxes);
    let bare = || drop(session.run(&[("input_1", TensorView::from(&input))]).unwrap());
    let what = if persons { ", one person's box" } else { "" };
    let rendition = if full_frames { "full frames" } else { "proxies" };
    row(&format!("selfie-square{what}, {rendition}"), picture, compared(&footage, &host, &settings, frames, bare));
}

/// The stage with Robust Video Matting, and the model alone, which remembers as well.
fn matting(picture: &Picture, frames: usize) {
    let settings =
        SegmentationSettings { method: Method::VideoMatting, warm_up_frames: 0, ..SegmentationSettings::default() };
    let host = host(&settings);
    let footage = Footage::new(vec![picture.clone(); frames]);
    let session = host.get::<StepModels>().unwrap().open("video-matting").unwrap();
    let small = to_mat(&resize(picture, 512, 288));
    let source: Vec<f32> = small.data_bytes().unwrap().iter().map(|byte| f32::from(*byte) / 255.0).collect();
    let source = ndarray::Array4::from_shape_vec((1, 288, 512, 3), source).unwrap();
    let mut states = [16, 20, 40, 64].map(|channels| ndarray::ArrayD::<f32>::zeros(vec![1, 1, 1, channels]));
    let bare = || {
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
    };
    row("robust-video-matting", picture, compared(&footage, &host, &settings, frames, bare));
}

/// CPU-milliseconds a frame of process and finish together, on frames that are in memory, and of the bare loop: the least of three runs
/// of each, in turn.
fn compared(
    footage: &Footage,
    host: &framefleet_stage::Host,
    settings: &SegmentationSettings,
    frames: usize,
    mut bare: impl FnMut(),
) -> (f64, f64) {
    opencv::core::set_num_threads(1).unwrap();
    let step = Step::<SegmentationStage>::load(host, settings).unwrap();
    let film = footage.film();
    let batches: Vec<Batch> = film.batches(&step.needs).map(Result::unwrap).collect();
    let mut min = (f64::INFINITY, f64::INFINITY);
    for run in 0..4 {
        let began = cpu_ms();
        let mut made = Processed::default();
        batches.iter().for_each(|batch| step.process_batch(&film, batch, &mut made).unwrap());
        step.finish(std::slice::from_ref(&film), &made.records).unwrap();
        let between = cpu_ms();
        (0..frames).for_each(|_| bare());
        if run > 0 {
            min = (min.0.min(between - began), min.1.min(cpu_ms() - between));
        }
    }
    (min.0 / frames as f64, min.1 / frames as f64)
}

/// What this process has computed, milliseconds.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    stat.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap() / 1e6
}

fn row(name: &str, picture: &Picture, (stage, bare): (f64, f64)) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim().to_owned();
    println!(
        "| {name} | {}×{} | {stage:.2} ms | {bare:.2} ms | {:.2} | {peak} |",
        picture.width,
        picture.height,
        bare / stage
    );
}
