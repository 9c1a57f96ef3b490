//! Frames per second of the process half against its models alone, in turn, in the same run.
//!
//! `cargo run --release -p face-clustering --example face-speed`
// A measurement that fails has nobody to tell but the terminal.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../tests/it/harness/mod.rs"]
mod harness;

use face_clustering::{FaceClusteringSettings, FaceClusteringStage};
use framefleet_infer::ndarray::Array4;
use framefleet_infer::{StepModels, TensorView};
use framefleet_stage::Stage;
use harness::{fitted, part, photograph, resized, step, video};
use opencv::core::Mat;
use opencv::prelude::*;
use std::time::Instant;

const FRAMES: usize = 16;
const ROUNDS: usize = 3;

/// An image as three planes of 0–255.
fn planes(picture: &Mat) -> Array4<f32> {
    let (rows, columns) = (picture.rows() as usize, picture.cols() as usize);
    let bytes = picture.data_bytes().unwrap();
    Array4::from_shape_fn((1, 3, rows, columns), |(_, plane, y, x)| f32::from(bytes[(y * columns + x) * 3 + plane]))
}

fn main() {
    let settings = FaceClusteringSettings::default();
    let host =
        framefleet_testkit_models::host(FaceClusteringStage::NAME, &FaceClusteringStage::needs(&settings)).unwrap();
    let step = step(&settings);
    let models = host.get::<StepModels>().unwrap();
    let (detector, embedder) = (models.open("face-detection").unwrap(), models.open("face-embedding").unwrap());
    // Of images: models are faster on zeros.
    let portrait = photograph("obama.jpg");
    let face = part(&portrait, 240, 60, 400, 400);
    let (picture, crop) = (planes(&resized(&portrait, 640, 640)), planes(&resized(&face, 112, 112)));
    let bare = |faces: usize| {
        let began = Instant::now();
        for _ in 0..FRAMES {
            detector.run_with(&[("input", TensorView::from(picture.view().into_dyn()))], |_| ()).unwrap();
        }
        for _ in 0..faces {
            embedder.run_with(&[("data", TensorView::from(crop.view().into_dyn()))], |_| ()).unwrap();
        }
        began.elapsed().as_secs_f64()
    };
    println!("| picture | faces per frame | stage | models alone | ratio |");
    for name in ["biden.jpg", "sample3.jpg", "sample5.jpg"] {
        let films = [video("a.mp4", vec![fitted(&photograph(name), 640); FRAMES])];
        let (mut staged, mut alone, mut faces) = (Vec::new(), Vec::new(), 0);
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let records = step.process(&films).unwrap().records;
            staged.push(began.elapsed().as_secs_f64());
            faces = records.records.iter().map(|record| record.annotations.len()).sum();
            alone.push(bare(faces));
        }
        let median = |times: &mut Vec<f64>| {
            times.sort_by(f64::total_cmp);
            FRAMES as f64 / times[ROUNDS / 2]
        };
        let (stage, bare) = (median(&mut staged), median(&mut alone));
        println!(
            "| {name} | {:.1} | {stage:.1} frames/s | {bare:.1} frames/s | {:.2} |",
            faces as f64 / FRAMES as f64,
            stage / bare
        );
    }
}
