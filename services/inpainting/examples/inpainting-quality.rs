//! How well holes are filled, on real clips: a hole that moves is cut into every frame, so that what was there is known.
//!
//! ```sh
//! cargo run --release -p inpainting --example inpainting-quality -- .cache/samples
//! ```
//!
//! Prints, per clip and method, PSNR inside the hole (mean and worst frame), the share of real pixels, and E_warp inside the
//! hole: the mean absolute difference, in levels, between a frame and the next one brought back along the motion that the untouched
//! film has, where that motion explains the untouched film. The untouched film's own E_warp is the least there is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a program that measures may stop at the first surprise")]

#[path = "../tests/it/harness/mod.rs"]
mod harness;

use framefleet_frames::Image;
use framefleet_testkit::{Picture, decode_rgb8};
use harness::{Footage, Results, psnr, rgb8};
use inpainting::{Blend, InpaintingSettings};
use opencv::core::{Mat, Scalar, Vec2f, Vec3b};
use opencv::prelude::*;
use opencv::{imgproc, video};
use std::path::PathBuf;

/// Clips with the frames that are used, and how far the hole moves per frame.
const CLIPS: [(&str, std::ops::Range<usize>, (i32, i32)); 3] =
    [("bikes.mp4", 0..30, (8, 0)), ("bikes.mp4", 34..64, (8, 0)), ("vtest.avi", 0..16, (14, 4))];

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".cache/samples".to_owned()));
    println!("| clip | method | PSNR in the hole, dB | worst frame | real pixels | E_warp in the hole |");
    println!("|---|---|---|---|---|---|");
    for (name, frames, step) in CLIPS {
        let pictures = decode_rgb8(&folder.join(name)).unwrap();
        measure(&format!("{name} {}–{}", frames.start, frames.end - 1), &pictures[frames], step);
    }
}

fn methods() -> Vec<(&'static str, InpaintingSettings)> {
    let context = InpaintingSettings::default;
    vec![
        ("balanced", context()),
        ("without flow", InpaintingSettings { flow: false, ..context() }),
        ("average", InpaintingSettings { blend: Blend::Average, ..context() }),
        ("best", InpaintingSettings { blend: Blend::Best, ..context() }),
        ("Telea alone", InpaintingSettings { window: 0, ..context() }),
    ]
}

fn measure(clip: &str, pictures: &[Picture], step: (i32, i32)) {
    let (width, height) = (pictures[0].width as i32, pictures[0].height as i32);
    let (wide, high) = (width / 8, height / 3);
    let covered = |n: u64, x: u32, y: u32| {
        let left = width / 10 + step.0 * n as i32;
        let top = height / 4 + step.1 * n as i32;
        (left..left + wide).contains(&(x as i32)) && (top..top + high).contains(&(y as i32))
    };
    let motion: Vec<Mat> = pictures.windows(2).map(|pair| flow(&pair[0], &pair[1])).collect();
    let still = |n: usize, image: &[u8], next: &[u8]| {
        warping_error(&motion[n], (&pictures[n], &pictures[n + 1]), image, next, |x, y| covered(n as u64, x, y))
    };
    let own: Vec<f64> = (0..motion.len()).map(|n| still(n, &pictures[n].rgb, &pictures[n + 1].rgb)).collect();
    println!("| {clip} | untouched | | | | {:.2} |", mean(&own));
    let footage = Footage::new(pictures.iter().map(rgb8).collect(), covered);
    for (method, settings) in methods() {
        let results: Results = footage.run(&settings);
        let frames: Vec<&Image> = results.frames.values().collect();
        let inside = |(n, image): (usize, &&Image)| {
            psnr(image.data(), &pictures[n].rgb, image.width(), |x, y| covered(n as u64, x, y))
        };
        let scores: Vec<f64> = frames.iter().enumerate().map(inside).collect();
        let errors: Vec<f64> = (0..motion.len()).map(|n| still(n, frames[n].data(), frames[n + 1].data())).collect();
        let real = results.fills.values().map(|fill| f64::from(fill.real_share.unwrap_or(0.0))).collect::<Vec<_>>();
        let worst = scores.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "| {clip} | {method} | {:.1} | {worst:.1} | {:.0} % | {:.2} |",
            mean(&scores),
            100.0 * mean(&real),
            mean(&errors)
        );
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Dense flow between two images.
fn flow(a: &Picture, b: &Picture) -> Mat {
    let grey = |picture: &Picture| {
        let mut grey = Mat::default();
        imgproc::cvt_color_def(&mat(&picture.rgb, picture.width, picture.height), &mut grey, imgproc::COLOR_RGB2GRAY)
            .unwrap();
        grey
    };
    let mut flow = Mat::default();
    video::DISOpticalFlow::create(video::DISOpticalFlow_PRESET_MEDIUM)
        .unwrap()
        .calc(&grey(a), &grey(b), &mut flow)
        .unwrap();
    flow
}

fn mat(rgb: &[u8], width: u32, height: u32) -> Mat {
    let pixels: Vec<Vec3b> = rgb.chunks_exact(3).map(|p| Vec3b::from([p[0], p[1], p[2]])).collect();
    Mat::new_rows_cols_with_data(height as i32, width as i32, &pixels).unwrap().try_clone().unwrap()
}

/// Mean difference between a frame and the next one brought back along `flow`, in levels, where the untouched pair is explained by it
/// to 10 levels.
fn warping_error(
    flow: &Mat,
    truth: (&Picture, &Picture),
    image: &[u8],
    next: &[u8],
    inside: impl Fn(u32, u32) -> bool,
) -> f64 {
    let (width, height) = (truth.0.width, truth.0.height);
    let mut map = flow.clone();
    for y in 0..map.rows() {
        for (x, at) in map.at_row_mut::<Vec2f>(y).unwrap().iter_mut().enumerate() {
            *at = Vec2f::from([at[0] + x as f32, at[1] + y as f32]);
        }
    }
    let back = |rgb: &[u8]| {
        let mut warped = Mat::default();
        let (border, none) = (opencv::core::BORDER_REPLICATE, Mat::default());
        imgproc::remap(
            &mat(rgb, width, height),
            &mut warped,
            &map,
            &none,
            imgproc::INTER_LINEAR,
            border,
            Scalar::default(),
        )
        .unwrap();
        warped.data_bytes().unwrap().to_vec()
    };
    let (explained, next) = (back(&truth.1.rgb), back(next));
    let apart = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / 3.0;
    let (mut sum, mut count) = (0.0, 0.0);
    for (at, pixel) in truth.0.rgb.chunks_exact(3).enumerate() {
        let here = 3 * at..3 * at + 3;
        if inside(at as u32 % width, at as u32 / width) && apart(pixel, &explained[here.clone()]) < 10.0 {
            sum += apart(&image[here.clone()], &next[here]);
            count += 1.0;
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}
