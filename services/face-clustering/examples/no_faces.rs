//! Identities that are made of what is no face: photographs and drawings without faces, cut, turned and blurred at random, each shown
//! for three frames as a film of its own. Prints numbers for docs/quality.md.
//!
//! `cargo run --release -p face-clustering --example no_faces`; the pictures come from tools/samples.sh.
// A measurement that fails has nobody to tell but the terminal.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../tests/it/harness/mod.rs"]
mod harness;

use face_clustering::FaceClusteringSettings;
use framefleet_frames::Face;
use framefleet_testkit::samples_folder;
use harness::{finish, fitted, part, step, video};
use opencv::core::{Mat, Size};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc};

/// Cuts of each picture.
const CUTS: usize = 10;
/// Long side of the pictures: that of a proxy.
const SIDE: i32 = 640;

/// Numbers from 0 to 1 that follow from a seed alone (the generator of Numerical Recipes).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

/// A part of a picture, turned and blurred.
fn cut(picture: &Mat, chance: &mut Chance) -> Mat {
    let share = 0.25 + 0.75 * chance.next();
    let side = |length: i32| ((f64::from(length) * share) as i32).max(1);
    let (width, height) = (side(picture.cols()), side(picture.rows()));
    let left = (chance.next() * f64::from(picture.cols() - width)) as i32;
    let top = (chance.next() * f64::from(picture.rows() - height)) as i32;
    let mut made = part(picture, left, top, width, height);
    if chance.next() < 0.5 {
        let (turn, from) = ((chance.next() * 3.0) as i32, made.clone());
        opencv::core::rotate(&from, &mut made, turn).unwrap();
    }
    if chance.next() < 0.5 {
        let (sigma, from) = (1.0 + 4.0 * chance.next(), made.clone());
        imgproc::gaussian_blur_def(&from, &mut made, Size::new(0, 0), sigma).unwrap();
    }
    made
}

/// Quality without what a second look says: what decided before there was one.
fn quality_at_first(face: &Face) -> f32 {
    let quality = face.quality.unwrap_or_default();
    let detail = ((quality.size - 8.0) / 48.0).clamp(0.0, 1.0);
    let focus = quality.sharpness / (quality.sharpness + 20.0);
    let facing = quality.yaw.to_radians().cos().max(0.0) * quality.pitch.to_radians().cos().max(0.0);
    face.score * (detail * focus).sqrt() * facing
}

fn main() {
    let mut names: Vec<_> =
        std::fs::read_dir(samples_folder().join("no-faces")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let (mut chance, mut films) = (Chance(1), Vec::new());
    for path in &names {
        let (bgr, mut rgb) =
            (imgcodecs::imread(path.to_str().unwrap(), imgcodecs::IMREAD_COLOR).unwrap(), Mat::default());
        imgproc::cvt_color_def(&bgr, &mut rgb, imgproc::COLOR_BGR2RGB).unwrap();
        let picture = fitted(&rgb, SIDE);
        for number in 0..CUTS {
            films.push(video(&format!("{number}-{}", path.display()), vec![cut(&picture, &mut chance); 3]));
        }
    }
    let settings = FaceClusteringSettings::default();
    let step = step(&settings);
    let results = finish(&step, &films, &step.process(&films).unwrap().records);
    let first = results.faces.iter().filter(|((_, frame), _)| *frame == 0).flat_map(|(_, faces)| faces);
    let first: Vec<&Face> = first.collect();
    let before = first.iter().filter(|face| f64::from(quality_at_first(face)) >= settings.min_quality).count();
    println!(
        "{} pictures, {} films: {} things found, {before} of which would have been good enough for an identity without a second look; \
         identities: {} (statistics {})",
        names.len(),
        films.len(),
        first.len(),
        results.identities.len(),
        results.statistics
    );
    for face in first {
        println!("score {:.2}, {:?}", face.score, face.quality);
    }
}
