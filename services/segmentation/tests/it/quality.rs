//! How good masks are, on frames with outlines drawn by hand. docs/quality.md has the numbers.

use crate::harness::{Footage, boundary_f, iou, picture, polygons, read};
use crate::labelled::{ASTRONAUT, HELMET, PEDESTRIANS, bounds};
use framefleet_testkit::{Picture, decode_rgb8, sample};
use opencv::core::{Mat, Rect, Scalar};
use opencv::prelude::*;
use segmentation::{Method, SegmentationSettings, Stereo};
use std::sync::OnceLock;

fn astronaut() -> Picture {
    read(&sample("astronaut.png").unwrap())
}

/// Frame 300 of the pedestrians.
fn pedestrians() -> Picture {
    static FRAME: OnceLock<Picture> = OnceLock::new();
    FRAME.get_or_init(|| decode_rgb8(&sample("vtest.avi").unwrap()).unwrap().swap_remove(300)).clone()
}

/// A mask without what is a matter of taste.
fn without_helmet(mask: &Mat) -> Mat {
    let mut rest = mask.try_clone().unwrap();
    rest.set_to(&Scalar::default(), &polygons(&[HELMET], mask.cols(), mask.rows())).unwrap();
    rest
}

/// IoU and boundary F of the astronaut.
fn portrait(settings: &SegmentationSettings) -> (f32, f64) {
    let results = Footage::new(vec![astronaut()]).run(settings);
    let truth = without_helmet(&polygons(&[ASTRONAUT], 512, 512));
    let found = without_helmet(&results.union(0));
    (iou(&found, &truth), boundary_f(&found, &truth, 4))
}

/// IoU and boundary F of every pedestrian, told by its box.
fn street(settings: &SegmentationSettings) -> Vec<(f32, f64)> {
    let boxes: Vec<[f32; 4]> = PEDESTRIANS.iter().map(|outline| bounds(outline)).collect();
    let results = Footage::new(vec![pedestrians()]).with_persons(&boxes).run(settings);
    PEDESTRIANS
        .iter()
        .map(|outline| {
            let truth = polygons(&[outline], 768, 576);
            let found = results.masks[&0].iter().map(picture);
            let best = found.max_by(|a, b| iou(a, &truth).total_cmp(&iou(b, &truth))).unwrap();
            (iou(&best, &truth), boundary_f(&best, &truth, 2))
        })
        .collect()
}

fn mean(of: impl Iterator<Item = f64>) -> f64 {
    let all: Vec<f64> = of.collect();
    all.iter().sum::<f64>() / all.len() as f64
}

/// What a model of persons reaches: portrait IoU and F, street IoU and F.
fn reached(model: &str, full_frames: bool) -> [f64; 4] {
    let settings =
        SegmentationSettings { model: Some(model.to_owned()), full_frames, ..SegmentationSettings::default() };
    let ((overlap, outline), street) = (portrait(&settings), street(&settings));
    let street = [mean(street.iter().map(|of| f64::from(of.0))), mean(street.iter().map(|of| of.1))];
    let reached = [f64::from(overlap), outline, street[0], street[1]];
    let what = if full_frames { "full frames" } else { "proxies" };
    println!(
        "{model}, {what}: portrait IoU {:.3} F {:.3}, street mIoU {:.3} F {:.3}",
        reached[0], reached[1], reached[2], reached[3]
    );
    reached
}

fn at_least(reached: [f64; 4], min: [f64; 4]) {
    assert!(reached.iter().zip(min).all(|(reached, min)| *reached >= min), "{reached:?} is not {min:?}");
}

#[test]
fn persons_of_a_portrait_and_of_a_street() {
    at_least(reached("selfie-square", true), [0.95, 0.82, 0.85, 0.94]);
    at_least(reached("selfie-square", false), [0.95, 0.82, 0.85, 0.94]);
    at_least(reached("selfie-landscape", true), [0.9, 0.72, 0.79, 0.87]);
    at_least(reached("selfie-landscape", false), [0.9, 0.72, 0.79, 0.87]);
}

/// A pan over the portrait: a film whose truth moves along.
fn pan(frames: u64) -> (Footage, impl Fn(u64) -> Mat) {
    let portrait = astronaut();
    let (width, height) = (384_u32, 384_u32);
    let left = move |n: u64| (2 * n) as u32;
    let paint = |n: u64| Picture::from_fn(width, height, |x, y| portrait.get(x + left(n), y));
    let footage = Footage::new((0..frames).map(paint).collect());
    let truth = move |n: u64| {
        let whole = without_helmet(&polygons(&[ASTRONAUT], 512, 512));
        Mat::roi(&whole, Rect::new(left(n) as i32, 0, width as i32, height as i32)).unwrap().try_clone().unwrap()
    };
    (footage, truth)
}

/// The model warms up on the halo: where batches begin matters little. Its weights are GPL-3.0: tests fetch them, nothing ships them.
#[test]
fn matting_remembers_across_batches() {
    let settings =
        SegmentationSettings { method: Method::VideoMatting, matting_side: 384, ..SegmentationSettings::default() };
    let (mut footage, truth) = pan(24);
    let host = crate::harness::host(&settings);
    let whole = footage.run_on(&host, &settings);
    footage.batch = 8;
    let cut = footage.run_on(&host, &settings);
    let cold = footage.run_on(&host, &SegmentationSettings { warm_up_frames: 0, ..settings.clone() });
    let (mut same, mut same_cold, mut overlap) = (1.0_f32, 1.0_f32, 1.0_f32);
    for frame in 0..24 {
        let mask = whole.union(frame);
        same = same.min(iou(&cut.union(frame), &mask));
        same_cold = same_cold.min(iou(&cold.union(frame), &mask));
        let hidden = Rect::new(2 * frame as i32, 0, 384, 384);
        let helmet = Mat::roi(&polygons(&[HELMET], 512, 512), hidden).unwrap().try_clone().unwrap();
        let mut rest = mask.try_clone().unwrap();
        rest.set_to(&Scalar::default(), &helmet).unwrap();
        overlap = overlap.min(iou(&rest, &truth(frame)));
    }
    let stability = whole.statistics["stability"].as_f64().unwrap();
    println!(
        "robust-video-matting: least IoU {overlap:.3}, borders {same:.4} (cold {same_cold:.4}), stability {stability:.4}"
    );
    assert!(overlap > 0.93 && same > 0.99 && same >= same_cold && stability > 0.95);
}

/// The person's mask of a pan changes little but by the pan, though the model remembers nothing.
#[test]
fn masks_are_stable_over_time() {
    let results = pan(16).0.run(&SegmentationSettings::default());
    let stability = results.statistics["stability"].as_f64().unwrap();
    println!("selfie-square: stability {stability:.4}");
    assert!(stability > 0.95 && results.published.iter().filter(|(_, track)| track.frames > 4).count() == 1);
}

/// Its package is AGPL-3.0: tests fetch it, nothing ships it.
#[test]
fn a_still_is_matted() {
    let settings = SegmentationSettings { method: Method::StillMatting, ..SegmentationSettings::default() };
    let (overlap, outline) = portrait(&settings);
    println!("isnet-small: portrait IoU {overlap:.3}, F {outline:.3}");
    assert!(overlap > 0.9 && outline > 0.7);
}

/// Every eye has a memory of its own: side by side, each sees what it would see alone.
#[test]
fn the_eyes_remember_apart() {
    let settings = SegmentationSettings {
        method: Method::VideoMatting,
        matting_side: 256,
        stereo_agreement: false,
        stereo: Stereo::SideBySide,
        ..SegmentationSettings::default()
    };
    let portrait = astronaut();
    let side = 384;
    let left = |n: u32, x: u32, y: u32| portrait.get(x + 2 * n, y);
    let right = |n: u32, x: u32, y: u32| portrait.get(side - 1 - x + 4 * n, y);
    let both =
        |n: u32| Picture::from_fn(2 * side, side, |x, y| if x < side { left(n, x, y) } else { right(n, x - side, y) });
    let stereo = Footage::new((0..6).map(both).collect()).run(&settings);
    let alone = SegmentationSettings { stereo: Stereo::Mono, ..settings.clone() };
    let of = |paint: &dyn Fn(u32, u32, u32) -> [u8; 3]| {
        let frame = |n: u32| Picture::from_fn(side, side, |x, y| paint(n, x, y));
        Footage::new((0..6).map(frame).collect()).run(&alone)
    };
    for (eye, offset, single) in [("left", 0, of(&left)), ("right", side as i32, of(&right))] {
        for frame in [0, 5] {
            let own = stereo.masks[&frame].iter().filter(|mask| mask.eye == eye).map(picture);
            let own = own.max_by_key(|mask| opencv::core::count_non_zero(mask).unwrap()).unwrap();
            let part = Mat::roi(&own, Rect::new(offset, 0, side as i32, side as i32)).unwrap().try_clone().unwrap();
            let largest = single.masks[&frame].iter().max_by_key(|mask| mask.area).unwrap();
            assert!(iou(&part, &picture(largest)) > 0.999, "{eye} {frame}");
        }
    }
}
