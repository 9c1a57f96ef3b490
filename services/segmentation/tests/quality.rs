//! How good masks are, on frames with outlines drawn by hand. docs/quality.md has the numbers.
#![cfg(test)]

mod harness;
mod labelled;

use framefleet_testkit::{Picture, decode_rgb8, sample};
use harness::{Footage, boundary_f, iou, picture, polygons, read};
use labelled::{ASTRONAUT, HELMET, PEDESTRIANS, bounds};
use opencv::core::{Mat, Scalar, min};
use opencv::prelude::*;
use segmentation::{Network, SegmentationSettings};

fn astronaut() -> Picture {
    read(&sample("astronaut.png").unwrap())
}

/// Frame 300 of the pedestrians.
fn pedestrians() -> Picture {
    decode_rgb8(&sample("vtest.avi").unwrap()).unwrap().swap_remove(300)
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

#[test]
fn persons_of_a_portrait_and_of_a_street() {
    for (name, model) in [("square", "selfie-square"), ("landscape", "selfie-landscape")] {
        let settings = SegmentationSettings { model: Some(model.to_owned()), ..SegmentationSettings::default() };
        let (overlap, outline) = portrait(&settings);
        let street = street(&settings);
        let (people, edges) = (mean(street.iter().map(|s| f64::from(s.0))), mean(street.iter().map(|s| s.1)));
        println!("{name}: portrait IoU {overlap:.3}, F {outline:.3}; street mIoU {people:.3}, F {edges:.3} {street:?}");
    }
}
