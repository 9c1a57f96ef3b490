//! How well persons are told apart on real photographs: five portraits of one known person, one of another, groups of
//! strangers, each also mirrored, blurred, dark, small and badly compressed. Prints rows for docs/quality.md.
//!
//! `cargo run -p face-clustering --example face-quality [EMBEDDER]`; the photographs come from tools/samples.sh.
// A measurement that fails has nobody to tell but the terminal.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../tests/it/harness/mod.rs"]
mod harness;

use face_clustering::FaceClusteringSettings;
use framefleet_frames::Face;
use harness::agreement::{bcubed, pairwise};
use harness::{Results, finish, fitted, photograph, resized, step, video};
use opencv::core::{Mat, Size, Vector};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc};

/// Photographs with the class of their faces; strangers are classes of their own.
const PHOTOGRAPHS: [(&str, Option<u32>); 12] = [
    ("obama.jpg", Some(0)),
    ("obama2.jpg", Some(0)),
    ("obama3.jpg", Some(0)),
    ("obama_partial_face.jpg", Some(0)),
    ("obama_partial_face2.jpg", Some(0)),
    ("biden.jpg", Some(1)),
    ("sample1.jpg", None),
    ("sample2.jpg", None),
    ("sample3.jpg", None),
    ("sample4.jpg", None),
    ("sample5.jpg", None),
    ("sample6.jpg", None),
];
const VARIANTS: [&str; 9] = [
    "as it is",
    "mirrored",
    "blurred",
    "dark",
    "half the size",
    "JPEG 15",
    "strongly blurred",
    "a fifth of the size",
    "JPEG 5 and dark",
];
/// Variants from this one on are hard: people hesitate, too.
const HARD: usize = 6;
/// Long side of the photographs: below that of a proxy.
const SIDE: i32 = 636;

fn variant(picture: &Mat, number: usize) -> Mat {
    match number {
        1 => {
            let mut made = Mat::default();
            opencv::core::flip(picture, &mut made, 1).unwrap();
            made
        }
        2 => blurred(picture, 1.6),
        3 => dark(picture, 0.35),
        4 => resized(picture, picture.cols() / 2, picture.rows() / 2),
        5 => compressed(picture, 15),
        6 => blurred(picture, 3.5),
        7 => resized(picture, picture.cols() / 5, picture.rows() / 5),
        8 => compressed(&dark(picture, 0.25), 5),
        _ => picture.clone(),
    }
}

fn blurred(picture: &Mat, sigma: f64) -> Mat {
    let mut made = Mat::default();
    imgproc::gaussian_blur_def(picture, &mut made, Size::new(0, 0), sigma).unwrap();
    made
}

fn dark(picture: &Mat, light: f64) -> Mat {
    let mut made = Mat::default();
    picture.convert_to(&mut made, -1, light, 0.0).unwrap();
    made
}

fn compressed(picture: &Mat, quality: i32) -> Mat {
    let mut bytes = Vector::<u8>::new();
    let quality = Vector::from_slice(&[imgcodecs::IMWRITE_JPEG_QUALITY, quality]);
    imgcodecs::imencode(".jpg", picture, &mut bytes, &quality).unwrap();
    imgcodecs::imdecode(&bytes, imgcodecs::IMREAD_COLOR).unwrap()
}

fn centre(face: &Face) -> [f32; 2] {
    [(face.r#box[0] + face.r#box[2]) / 2.0, (face.r#box[1] + face.r#box[3]) / 2.0]
}

/// A face: variant, class, identity found, embedding.
struct Labelled {
    variant: usize,
    class: u32,
    identity: Option<u32>,
    embedding: Vec<f32>,
}

/// Faces with their classes: those of the photograph as it is, and those of its variants that lie where they do. How many of
/// a variant's faces were found again, and how many there should be.
fn labelled(results: &Results, sizes: &[(i32, i32)]) -> (Vec<Labelled>, usize, usize) {
    let (mut all, mut again, mut wanted, mut next) = (Vec::new(), 0, 0, 2);
    for (number, (_, class)) in PHOTOGRAPHS.iter().enumerate() {
        let frame = |variant: usize| (number * VARIANTS.len() + variant) as u64;
        let faces = |variant: usize| &results.faces[&("photographs".to_owned(), frame(variant))];
        let mut known = faces(0).clone();
        if class.is_some() {
            // A portrait: its largest face is the person.
            known.sort_by(|a, b| (b.r#box[2] - b.r#box[0]).total_cmp(&(a.r#box[2] - a.r#box[0])));
            known.truncate(1);
        }
        for one in &known {
            let label = class.unwrap_or_else(|| {
                next += 1;
                next - 1
            });
            let ([x, y], size) = (centre(one), one.r#box[2] - one.r#box[0]);
            for variant in 0..VARIANTS.len() {
                let (x, y) = match variant {
                    1 => (sizes[number].0 as f32 - x, y),
                    4 => (x / 2.0, y / 2.0),
                    7 => (x / 5.0, y / 5.0),
                    _ => (x, y),
                };
                wanted += 1;
                let who = results.who("photographs", frame(variant));
                let size = match variant {
                    4 => size / 2.0,
                    7 => size / 5.0,
                    _ => size,
                };
                let near = |face: &&(usize, &Face)| {
                    let [fx, fy] = centre(face.1);
                    (fx - x).hypot(fy - y) < 0.4 * size
                };
                let faces: Vec<(usize, &Face)> = faces(variant).iter().enumerate().collect();
                if let Some((instance, face)) = faces.iter().find(near) {
                    again += 1;
                    all.push(Labelled {
                        variant,
                        class: label,
                        identity: who[*instance].map(|identity| identity as u32),
                        embedding: face.embedding.clone(),
                    });
                }
            }
        }
    }
    (all, again, wanted)
}

fn main() {
    let embedder = std::env::args().nth(1);
    let pictures: Vec<Mat> = PHOTOGRAPHS.iter().map(|(name, _)| fitted(&photograph(name), SIDE)).collect();
    let sizes: Vec<(i32, i32)> = pictures.iter().map(|picture| (picture.cols(), picture.rows())).collect();
    let stills = pictures.iter().flat_map(|picture| (0..VARIANTS.len()).map(|number| variant(picture, number)));
    let films = [video("photographs", stills.collect()).stills()];
    let mut settings = FaceClusteringSettings { embedder: embedder.clone(), ..FaceClusteringSettings::default() };
    let records = step(&settings).process(&films).unwrap().records;
    println!(
        "| model, faces | number | pairwise P | R | F | BCubed P | R | F | nobody's |\n|---|---|---|---|---|---|---|---|---|"
    );
    let mut all = Vec::new();
    for cannot_link in [false, true] {
        settings.cannot_link = cannot_link;
        let results = finish(&step(&settings), &films, &records);
        let (labelled, again, wanted) = labelled(&results, &sizes);
        let name = embedder.as_deref().unwrap_or("sface-2021dec");
        let rule = if cannot_link { "" } else { ", persons may be twice in a picture" };
        row(&format!("{name}, all{rule}"), &labelled, |_| true);
        if cannot_link {
            row(&format!("{name}, usual variants"), &labelled, |one| one.variant < HARD);
            row(&format!("{name}, hard variants"), &labelled, |one| one.variant >= HARD);
            row(&format!("{name}, known persons"), &labelled, |one| one.class < 2);
            println!("found: {again} of {wanted}; statistics {}", results.statistics);
        }
        all = labelled;
    }
    let mut same = Vec::new();
    let mut different = Vec::new();
    for (index, a) in all.iter().enumerate() {
        for b in &all[..index] {
            let cosine: f32 = a.embedding.iter().zip(&b.embedding).map(|(a, b)| a * b).sum();
            if a.class == b.class { same.push(cosine) } else { different.push(cosine) }
        }
    }
    for (name, values) in [("same", &mut same), ("different", &mut different)] {
        values.sort_by(f32::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
        println!(
            "cosines of {name} persons at 0, 1, 5, 50, 95, 99, 100 %: {:.2?}",
            [0.0, 0.01, 0.05, 0.5, 0.95, 0.99, 1.0].map(at)
        );
    }
}

/// Prints how well some of the faces agree with the truth.
fn row(name: &str, all: &[Labelled], keep: impl Fn(&Labelled) -> bool) {
    let kept: Vec<&Labelled> = all.iter().filter(|one| keep(one)).collect();
    let truth: Vec<u32> = kept.iter().map(|one| one.class).collect();
    let found: Vec<Option<u32>> = kept.iter().map(|one| one.identity).collect();
    let noise = found.iter().filter(|identity| identity.is_none()).count() as f64 / found.len().max(1) as f64;
    println!("| {name} | {} | {} | {} | {noise:.3} |", kept.len(), pairwise(&truth, &found), bcubed(&truth, &found));
}
