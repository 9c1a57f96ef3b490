//! The finish half on 50,000 faces of 200 synthetic persons: time, memory, agreement with the truth.
//!
//! `cargo run --release -p face-clustering --example face-scale [FACES]`
// A measurement that fails has nobody to tell but the terminal.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../tests/it/harness/mod.rs"]
mod harness;

use face_clustering::FaceClusteringSettings;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Face, FaceQuality};
use framefleet_testkit_stage::{Kept, RATE};
use harness::agreement::{bcubed, pairwise};
use harness::{finish, step, video};
use std::time::Instant;

const PERSONS: usize = 200;
const WIDTH: usize = 128;
/// Length of what makes a face differ from its person: cosines between faces of one person are about 1 / (1 + square).
const OFF: f32 = 0.8;
/// Share of faces that are nobody's.
const NOISE: f64 = 0.02;

fn direction(random: &mut fastrand::Rng) -> Vec<f32> {
    // Twelve uniform numbers are nearly normal.
    let row: Vec<f32> = (0..WIDTH).map(|_| (0..12).map(|_| random.f32()).sum::<f32>() - 6.0).collect();
    unit(row)
}

fn unit(row: Vec<f32>) -> Vec<f32> {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    row.into_iter().map(|value| value / length).collect()
}

/// Most memory that the process had, MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// CPU time of the process, seconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

fn main() {
    let faces: usize = std::env::args().nth(1).map_or(50_000, |text| text.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(1);
    let persons: Vec<Vec<f32>> = (0..PERSONS).map(|_| direction(&mut random)).collect();
    let (mut truth, mut found) = (Vec::new(), Vec::new());
    for frame in 0..faces {
        let nobody = random.f64() < NOISE;
        let person = random.usize(..PERSONS);
        truth.push(if nobody { (PERSONS + frame) as u32 } else { person as u32 });
        let off = direction(&mut random);
        let vector =
            if nobody { off } else { unit(persons[person].iter().zip(&off).map(|(a, b)| a + OFF * b).collect()) };
        let quality = FaceQuality { value: 0.8, ..FaceQuality::default() };
        let face =
            Face { r#box: vec![0.0, 0.0, 50.0, 50.0], embedding: vector, quality: Some(quality), ..Face::default() };
        found.push(vec![Value::Face(face)]);
    }
    let (films, records) = ([video("synthetic", Vec::new()).stills()], Kept::of("synthetic", RATE, found));
    let step = step(&FaceClusteringSettings::default());
    let before = peak();
    let (began, worked) = (Instant::now(), cpu());
    let results = finish(&step, &films, &records);
    let (seconds, worked) = (began.elapsed().as_secs_f64(), cpu() - worked);
    let found: Vec<Option<u32>> =
        (0..faces as u64).map(|frame| results.who("synthetic", frame)[0].map(|identity| identity as u32)).collect();
    println!(
        "{faces} faces of {PERSONS} persons: {seconds:.1} s ({worked:.1} s of CPU), peak {} MiB ({before} before)",
        peak()
    );
    println!("identities {}, nobody's {}", results.statistics["identities"], results.statistics["noise_share"]);
    println!("pairwise P | R | F: {}; BCubed: {}", pairwise(&truth, &found), bcubed(&truth, &found));
}
