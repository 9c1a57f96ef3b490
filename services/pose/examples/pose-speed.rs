//! Frames per second of the stage against bare loops over its models, in the same run:
//! `cargo run --release -p pose --example pose-speed` (samples and models in `.cache`).

// What the tests run the stage with, which may panic.
#[allow(clippy::unwrap_used, clippy::panic)]
#[path = "../tests/it/harness/mod.rs"]
mod harness;

use framefleet_infer::TensorView;
use framefleet_infer::ndarray::{Array4, ArrayD};
use framefleet_stage::Stage;
use framefleet_testkit::sample;
use framefleet_testkit_stage::{Film, Processed};
use harness::{film, frames, picture, step};
use pose::{PoseSettings, PoseStage};
use std::time::Instant;

/// Runs of each, in turn; the fastest counts, since others use the machine as well.
const ROUNDS: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let one = film(&vec![picture(&sample("astronaut.png")?); 8], 25);
    let many = film(&frames(&sample("vtest.avi")?, 300, 8, 768, 576), 10);
    let balanced = PoseSettings::default();
    let boxes = PoseSettings { landmarks: false, ..PoseSettings::default() };
    let crowd = PoseSettings { tiles: 2, ..PoseSettings::default() };
    println!("| what | persons per frame | stage | bare models | ratio |\n|---|---|---|---|---|");
    row("one person, keypoints", &one, &boxes)?;
    row("one person, keypoints and landmarks", &one, &balanced)?;
    row("pedestrians, tiles = 2, keypoints and landmarks", &many, &crowd)?;
    Ok(())
}

fn row(name: &str, film: &Film, settings: &PoseSettings) -> Result<(), Box<dyn std::error::Error>> {
    let step = step(settings);
    let models = framefleet_testkit_models::host("pose", &PoseStage::needs(settings))?
        .get::<framefleet_infer::StepModels>()
        .ok_or("no models")?;
    let (detector, landmarks) =
        (models.open("multi-person-pose")?, settings.landmarks.then(|| models.open("pose-landmarks")).transpose()?);
    let frames = film.images.len();
    let batches: Vec<_> = film.batches(&step.needs).collect::<Result<_, _>>()?;
    let side = (settings.detection_height as usize, settings.detection_width as usize);
    let (input, crop) =
        (Array4::<i32>::zeros((1, side.0, side.1, 3)).into_dyn(), ArrayD::<f32>::zeros(vec![1, 256, 256, 3]));
    let looks = frames * if settings.tiles > 1 { 1 + (settings.tiles * settings.tiles) as usize } else { 1 };
    let (mut ours, mut bare, mut persons) = (f64::INFINITY, f64::INFINITY, 0);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut made = Processed::default();
        batches.iter().try_for_each(|batch| step.process_batch(film, batch, &mut made))?;
        ours = ours.min(began.elapsed().as_secs_f64());
        persons = made.records.records.iter().map(|record| record.annotations.len()).sum();
        let began = Instant::now();
        for _ in 0..looks {
            detector.run_with(&[("input_int32", TensorView::I32(input.view()))], |_| ())?;
        }
        if let Some(session) = &landmarks {
            for _ in 0..persons {
                session.run_with(&[("input_1", TensorView::F32(crop.view()))], |_| ())?;
            }
        }
        bare = bare.min(began.elapsed().as_secs_f64());
    }
    let (ours, bare, each) = (frames as f64 / ours, frames as f64 / bare, persons as f64 / frames as f64);
    println!("| {name} | {each:.1} | {ours:.2} frames/s | {bare:.2} frames/s | {:.2} |", ours / bare);
    Ok(())
}
