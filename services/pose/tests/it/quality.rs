//! COCO keypoints judged on images that were marked by hand (`labels/coco17.json`); `--nocapture` prints the table of docs/quality.md.

use crate::harness::{frames, picture, run_with, step, still};
use framefleet_frames::skeleton::POINTS;
use framefleet_stage::Settings;
use framefleet_testkit::{Picture, sample};
use pose::{Detector, PoseSettings, SIGMAS};
use serde_json::{Map, Value};

/// A person's area as a share of the box.
const AREA: f64 = 0.53;

fn labels() -> Vec<Value> {
    let document: Value = serde_json::from_str(include_str!("../labels/coco17.json")).unwrap();
    document["pictures"].as_array().unwrap().clone()
}

fn labelled(label: &Value) -> Picture {
    let path = sample(label["sample"].as_str().unwrap()).unwrap();
    let side = |at: usize| label["size"][at].as_u64().unwrap() as u32;
    match label["frame"].as_u64() {
        Some(frame) => frames(&path, frame, 1, side(0), side(1)).remove(0),
        None => picture(&path),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Object keypoint similarity over the points that are marked.
fn oks(keypoints: &[f32], points: &Map<String, Value>, area: f64) -> f64 {
    let of = |(name, at): (&String, &Value)| {
        let index = POINTS.iter().position(|known| known == name).unwrap();
        let at = numbers(at);
        let [x, y] = [f64::from(keypoints[3 * index]) - at[0], f64::from(keypoints[3 * index + 1]) - at[1]];
        (-(x * x + y * y) / (2.0 * area * (2.0 * f64::from(SIGMAS[index])).powi(2))).exp()
    };
    points.iter().map(of).sum::<f64>() / points.len() as f64
}

/// The best similarity of every marked person, 0 for one who was not found.
fn judge(settings: &PoseSettings) -> Vec<f64> {
    let step = step(settings);
    let mut all = Vec::new();
    for label in labels() {
        let results = run_with(&step, &still(&labelled(&label)));
        for person in label["persons"].as_array().unwrap() {
            let corners = numbers(&person["box"]);
            let area = AREA * (corners[2] - corners[0]) * (corners[3] - corners[1]);
            let points = person["points"].as_object().unwrap();
            let best = results.poses[&0].iter().map(|pose| oks(&pose.keypoints, points, area)).fold(0.0, f64::max);
            all.push(best);
        }
    }
    all
}

#[test]
fn keypoints_agree_with_marks_made_by_hand() {
    let profile = |name: &str| PoseSettings::profiles().into_iter().find(|(known, _)| *known == name).unwrap().1;
    let bare = |settings| PoseSettings { landmarks: false, ..settings };
    let rows = [
        ("fast", profile("fast"), 0.4),
        ("balanced", bare(PoseSettings::default()), 0.5),
        ("quality", bare(profile("quality")), 0.7),
        ("detector = blazepose", PoseSettings { detector: Detector::Blazepose, ..PoseSettings::default() }, 0.1),
    ];
    for (name, settings, min) in rows {
        let all = judge(&settings);
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let share = |from: f64| all.iter().filter(|oks| **oks >= from).count();
        println!(
            "| {name} | {mean:.2} | {} | {} | {} |",
            share(0.5),
            share(0.75),
            all.iter().map(|oks| format!("{oks:.2}")).collect::<Vec<_>>().join(" ")
        );
        assert!(mean >= min, "{name}: mean OKS {mean} of {all:?}");
    }
}
