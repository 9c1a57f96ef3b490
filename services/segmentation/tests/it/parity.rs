//! SAM 2's pre- and post-processing against the reference, with a tiny model of fixed random weights (`tools/parity/segment_anything.py`): it
//! knows nothing, and says nothing of quality.

use crate::harness::{Footage, picture, polygons, read, to_mat};
use framefleet_frames::RunLengths;
use framefleet_infer::{Model, SessionOptions, StepModel, StepModels};
use framefleet_masks::Rle;
use framefleet_stage::Host;
use framefleet_testkit::Picture;
use opencv::core;
use opencv::prelude::*;
use segmentation::prompted::{Choice, Memory, Prompted, SmallRegions, normalised};
use segmentation::{
    DECODER, ENCODER, MEMORY_ATTENTION, MEMORY_DECODER, MEMORY_ENCODER, MEMORY_POINTER, SegmentationSettings,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(name)
}

fn expected() -> Value {
    serde_json::from_slice(&std::fs::read(file("expected.json")).unwrap()).unwrap()
}

fn host() -> Host {
    let model = |name: &str, micro_batch: usize| {
        let path = file(&format!("{name}.onnx"));
        let sha256 = Sha256::digest(std::fs::read(&path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
        let options = SessionOptions { micro_batch: Some(micro_batch), ..SessionOptions::default() };
        StepModel { model: Model { name: name.to_owned(), path, sha256 }, options }
    };
    let by_role = [
        (ENCODER, "encoder", 1),
        (DECODER, "decoder", 16),
        (MEMORY_POINTER, "memory-pointer", 1),
        (MEMORY_ENCODER, "memory-encoder", 1),
        (MEMORY_ATTENTION, "memory-attention", 1),
        (MEMORY_DECODER, "memory-decoder", 1),
    ];
    let by_role = BTreeMap::from(by_role.map(|(role, name, at_a_time)| (role.to_owned(), model(name, at_a_time))));
    Host::default().with(Arc::new(StepModels::new(framefleet_testkit_models::engine().unwrap(), by_role)))
}

fn choice(expected: &Value) -> Choice {
    let number = |key: &str| expected["choice"][key].as_f64().unwrap();
    Choice {
        points_per_side: number("points_per_side") as u32,
        at_a_time: number("points_per_batch") as usize,
        min_predicted_iou: number("pred_iou_thresh") as f32,
        min_stability: number("stability_score_thresh") as f32,
        duplicate_iou: number("box_nms_thresh") as f32,
        crop_layers: 0,
        crop_points_divisor: number("crop_n_points_downscale_factor") as u32,
        small: SmallRegions { islands: 0, holes: 0 },
    }
}

#[test]
fn the_picture_goes_in_as_the_reference_puts_it_in() {
    let expected = expected();
    let input = normalised(&to_mat(&read(&file("picture.png"))), 256).unwrap();
    let steps: Vec<usize> =
        expected["normalised"]["steps"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect();
    let values = expected["normalised"]["values"].as_array().unwrap();
    let mut at = 0;
    for channel in 0..3 {
        for y in (0..256).step_by(steps[0]) {
            for x in (0..256).step_by(steps[1]) {
                let (found, wanted) = (input[[0, channel, y, x]], values[at].as_f64().unwrap() as f32);
                assert!((found - wanted).abs() < 2e-4, "{channel} {y} {x}: {found} {wanted}");
                at += 1;
            }
        }
    }
    assert_eq!(at, values.len());
}

#[test]
fn masks_of_a_grid_are_those_of_the_reference() {
    let expected = expected();
    let choice = choice(&expected);
    same_masks(&expected, "masks", choice);
    same_masks(&expected, "with_duplicates", Choice { duplicate_iou: 1.0, ..choice });
}

/// Small things are looked for in parts of the image; what is cut off by a part's edge is left to the others.
#[test]
fn masks_of_parts_are_those_of_the_reference() {
    let expected = expected();
    let layers = expected["choice"]["crop_n_layers"].as_u64().unwrap() as u32;
    let of_parts = Choice { crop_layers: layers, ..choice(&expected) };
    same_masks(&expected, "of_parts", of_parts);
    let small = expected["choice"]["small"].as_u64().unwrap();
    same_masks(
        &expected,
        "of_parts_cleaned",
        Choice { small: SmallRegions { islands: small, holes: small }, ..of_parts },
    );
    let found = |key: &str| expected[key].as_array().unwrap();
    assert!(found("of_parts").len() > 2 && found("of_parts") != found("masks"));
    assert_ne!(found("of_parts"), found("of_parts_cleaned"));
}

fn same_masks(expected: &Value, key: &str, choice: Choice) {
    let model = Prompted::open(&host()).unwrap();
    let found = model.generate(&to_mat(&read(&file("picture.png"))), choice).unwrap();
    let wanted = expected[key].as_array().unwrap();
    assert_eq!(found.len(), wanted.len(), "{key}");
    for wanted in wanted {
        let size: Vec<u32> = wanted["size"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect();
        let counts = wanted["counts"].as_str().unwrap().to_owned();
        let mask = Rle::parse(&RunLengths { height: size[0], width: size[1], counts }).unwrap();
        let predicted = wanted["predicted_iou"].as_f64().unwrap() as f32;
        let point: Vec<f32> = wanted["point"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
        let same = found.iter().find(|candidate| {
            let near = |own: [f32; 2]| (own[0] - point[0]).abs() < 1e-3 && (own[1] - point[1]).abs() < 1e-3;
            (candidate.predicted_iou - predicted).abs() < 1e-4 && candidate.point.is_some_and(near)
        });
        let same = same.unwrap_or_else(|| panic!("{key}: no mask of {point:?} with predicted IoU {predicted}"));
        let overlap = same.runs.iou(&mask);
        assert!(overlap >= 0.99, "{key}, {point:?}: {overlap}");
        assert!((f64::from(same.stability) - wanted["stability"].as_f64().unwrap()).abs() < 0.01);
    }
}

/// The frames of the film: a photograph that passes by.
fn film(of: &Value) -> Vec<Picture> {
    let wide = read(&file("film.png"));
    let pan = of["pan"].as_u64().unwrap() as u32;
    (0..of["frames"].as_u64().unwrap() as u32)
        .map(|n| Picture::from_fn(300, 120, |x, y| wide.get(x + pan * n, y)))
        .collect()
}

/// Objects shown on the first frame are followed as the reference's video predictor follows them: through more frames than it looks
/// back, and through three on which they are gone.
#[test]
fn objects_are_followed_as_the_reference_follows_them() {
    let expected: Value = serde_json::from_slice(&std::fs::read(file("memory.json")).unwrap()).unwrap();
    let (frames, records) = (film(&expected), expected["masks"].as_array().unwrap());
    let host = host();
    let (model, memory) = (Prompted::open(&host).unwrap(), Memory::open(&host).unwrap());
    let mut hidden = 0;
    for (number, corners) in expected["boxes"].as_array().unwrap().iter().enumerate() {
        let [x0, y0, x1, y1] = [0, 1, 2, 3].map(|side| corners[side].as_f64().unwrap() as i32);
        let mask = polygons(&[&[[x0, y0], [x1 - 1, y0], [x1 - 1, y1 - 1], [x0, y1 - 1]]], 300, 120);
        let embedding = model.embed(&to_mat(&frames[0])).unwrap();
        let mut object = memory.shown(&model, 0, &embedding, &Rle::of(&mask).unwrap()).unwrap();
        for (frame, picture) in (1..).zip(&frames[1..]) {
            let embedding = model.embed(&to_mat(picture)).unwrap();
            let found = memory.follow(frame, &embedding, &mut object, frames.len() as u64).unwrap();
            let of_this = |record: &&Value| record["frame"] == frame && record["object"] == number;
            let record = records.iter().find(of_this).unwrap();
            let counts = record["counts"].as_str().unwrap().to_owned();
            let wanted = Rle::parse(&RunLengths { height: 120, width: 300, counts }).unwrap();
            match found {
                Some(found) => {
                    let overlap = found.runs.iou(&wanted);
                    // A memory looked at under the wrong frame's number costs .003.
                    assert!(overlap >= 0.999, "object {number}, frame {frame}: {overlap}");
                }
                None => {
                    hidden += 1;
                    assert!(record["area"] == 0 && record["object_score"].as_f64().unwrap() <= 0.0, "{frame}");
                }
            }
        }
    }
    assert!(hidden > 0, "the reference loses sight of them once");
}

/// The stage follows what it finds on every fourth frame, wherever batches begin.
#[test]
fn runs_of_followed_frames_do_not_depend_on_batches() {
    let expected: Value = serde_json::from_slice(&std::fs::read(file("memory.json")).unwrap()).unwrap();
    let host = host();
    let settings = SegmentationSettings {
        method: segmentation::Method::Promptable,
        follow_frames: 4,
        prompts_per_run: 16,
        min_area_percent: 0.0,
        hole_percent: 0.0,
        ..SegmentationSettings::default()
    };
    let boxes = expected["boxes"].as_array().unwrap().iter();
    let boxes: Vec<[f32; 4]> = boxes.map(|of| [0, 1, 2, 3].map(|side| of[side].as_f64().unwrap() as f32)).collect();
    let mut footage = Footage::new(film(&expected)).with_persons(&boxes);
    let whole = footage.run_on(&host, &settings);
    assert!(whole.failed.is_empty() && whole.masks.values().flatten().all(|mask| mask.label == "person"));
    let anew = footage.run_on(&host, &SegmentationSettings { follow_frames: 0, ..settings.clone() });
    for frame in [0, 4, 8] {
        assert_eq!(whole.masks.get(&frame), anew.masks.get(&frame), "{frame}: found anew");
    }
    assert!((1..4).any(|frame| whole.masks.get(&frame) != anew.masks.get(&frame)));
    for (batch, every) in [(3, 1), (5, 1), (9, 2)] {
        (footage.batch, footage.every) = (batch, every);
        let cut = footage.run_on(&host, &settings);
        for frame in (0..9).filter(|frame| frame % every == 0) {
            assert_eq!(cut.masks.get(&frame), whole.masks.get(&frame), "frame {frame}, batches of {batch}");
        }
    }
}

/// The whole stage: boxes of persons as prompts give the reference's masks, and without any, everything is found.
#[test]
fn boxes_of_persons_are_prompts() {
    let expected = expected();
    let host = host();
    let min = expected["choice"]["pred_iou_thresh"].as_f64().unwrap();
    let settings = SegmentationSettings {
        method: segmentation::Method::Promptable,
        prompts_per_run: 16,
        points_per_side: 6,
        min_predicted_iou: min,
        duplicate_iou: 0.9,
        crop_layers: 1,
        min_stability: 0.4,
        min_area_percent: 0.0,
        hole_percent: 0.0,
        ..SegmentationSettings::default()
    };
    let corners =
        |of: &Value| -> Vec<f32> { of["box"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect() };
    let boxes: Vec<[f32; 4]> =
        expected["boxes"].as_array().unwrap().iter().map(|of| corners(of).try_into().unwrap()).collect();
    let footage = Footage::new(vec![read(&file("picture.png"))]);
    let everything = footage.run_on(&host, &settings);
    assert!(everything.masks[&0].len() > 1);
    assert!(
        everything.masks[&0]
            .iter()
            .all(|mask| mask.label.is_empty() && mask.point.len() == 2 && mask.stability.is_some())
    );
    let persons = footage.with_persons(&boxes).run_on(&host, &settings);
    assert_eq!(persons.masks[&0].len(), 2);
    for wanted in expected["boxes"].as_array().unwrap() {
        let score = wanted["predicted_iou"].as_f64().unwrap() as f32;
        let mask = persons.masks[&0].iter().find(|mask| (mask.score - score).abs() < 1e-4).unwrap();
        assert!(mask.label == "person" && mask.point.is_empty());
        let area = wanted["area"].as_f64().unwrap();
        assert!((mask.area as f64 - area).abs() < 0.01 * area, "{} {area}", mask.area);
        let pixels = picture(mask);
        for (y, wanted) in wanted["row_sums"].as_array().unwrap().iter().enumerate() {
            let set = core::count_non_zero(&pixels.row(y as i32).unwrap()).unwrap();
            assert!((i64::from(set) - wanted.as_i64().unwrap()).abs() <= 4, "row {y}: {set} {wanted}");
        }
    }
}
