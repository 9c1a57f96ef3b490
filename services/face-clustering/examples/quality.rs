//! How well persons are told apart on real photographs: five portraits of one known person, one of another, groups of
//! strangers, each also mirrored, blurred, dark, small and badly compressed. Prints rows for docs/quality.md.
//!
//! `cargo run -p face-clustering --example quality [EMBEDDER]`; the photographs come from tools/samples.sh.
#[path = "../tests/harness/mod.rs"]
mod harness;

use framefleet_media::Face;
use harness::agreement::{bcubed, pairwise};
use harness::{Footage, Results, Run, fitted, photograph, resized};
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
const VARIANTS: [&str; 6] = ["as it is", "mirrored", "blurred", "dark", "half the size", "JPEG 15"];
/// Long side of the photographs: below that of a proxy.
const SIDE: i32 = 636;

fn variant(picture: &Mat, number: usize) -> Mat {
    let mut made = Mat::default();
    match number {
        1 => opencv::core::flip(picture, &mut made, 1).unwrap(),
        2 => imgproc::gaussian_blur_def(picture, &mut made, Size::new(0, 0), 1.6).unwrap(),
        3 => picture.convert_to(&mut made, -1, 0.35, 0.0).unwrap(),
        4 => made = resized(picture, picture.cols() / 2, picture.rows() / 2),
        5 => {
            let mut bytes = Vector::<u8>::new();
            let quality = Vector::from_slice(&[imgcodecs::IMWRITE_JPEG_QUALITY, 15]);
            imgcodecs::imencode(".jpg", picture, &mut bytes, &quality).unwrap();
            made = imgcodecs::imdecode(&bytes, imgcodecs::IMREAD_COLOR).unwrap();
        }
        _ => made = picture.clone(),
    }
    made
}

fn centre(face: &Face) -> [f32; 2] {
    [(face.r#box[0] + face.r#box[2]) / 2.0, (face.r#box[1] + face.r#box[3]) / 2.0]
}

/// A face: photograph, variant, class, identity found, embedding.
struct Labelled {
    photograph: usize,
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
                    _ => (x, y),
                };
                wanted += 1;
                let who = results.who("photographs", frame(variant));
                let near = |face: &&(usize, &Face)| {
                    let [fx, fy] = centre(face.1);
                    (fx - x).hypot(fy - y) < 0.4 * size
                };
                let faces: Vec<(usize, &Face)> = faces(variant).iter().enumerate().collect();
                if let Some((instance, face)) = faces.iter().find(near) {
                    again += 1;
                    all.push(Labelled {
                        photograph: number,
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
    let mut run = Run::new(vec![Footage::stills("photographs", stills.collect())]);
    run.settings.embedder = embedder.clone();
    let results = run.results();
    let (all, again, wanted) = labelled(&results, &sizes);
    println!("{}: {again} of {wanted} faces found in all variants", embedder.as_deref().unwrap_or("default"));
    println!("statistics {}", results.statistics);
    println!("| faces | pairwise P | R | F | BCubed P | R | F | nobody's |");
    let row = |name: &str, keep: &dyn Fn(&&Labelled) -> bool| {
        let kept: Vec<&Labelled> = all.iter().filter(keep).collect();
        let truth: Vec<u32> = kept.iter().map(|one| one.class).collect();
        let found: Vec<Option<u32>> = kept.iter().map(|one| one.identity).collect();
        let noise = found.iter().filter(|identity| identity.is_none()).count() as f64 / found.len().max(1) as f64;
        println!(
            "| {name} ({}) | {} | {} | {noise:.3} |",
            kept.len(),
            pairwise(&truth, &found),
            bcubed(&truth, &found)
        );
    };
    row("all", &|_| true);
    row("known persons", &|one| one.class < 2);
    row("strangers", &|one| one.class >= 2);
    let mut same = Vec::new();
    let mut different = Vec::new();
    for (index, a) in all.iter().enumerate() {
        for b in &all[..index] {
            let cosine: f32 = a.embedding.iter().zip(&b.embedding).map(|(a, b)| a * b).sum();
            let place = (a.photograph, a.variant, b.photograph, b.variant);
            if a.class == b.class { same.push((cosine, place)) } else { different.push((cosine, place)) }
        }
    }
    for (name, values) in [("same", &mut same), ("different", &mut different)] {
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize].0;
        println!("cosines of {name} persons: {:?}", [0.0, 0.01, 0.05, 0.5, 0.95, 0.99, 1.0].map(at));
    }
    println!("least alike of same: {:?}", &same[..5]);
    println!("most alike of different: {:?}", &different[different.len() - 5..]);
}
