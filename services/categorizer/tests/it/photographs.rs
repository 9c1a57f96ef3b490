//! What the usual model says of real photographs and painted cut-outs.
use crate::harness::{host, named, photograph, rows, run};
use categorizer::{CategorizerSettings, CategorizerStage, Of};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Image, Mask, PixelFormat, Pose};
use framefleet_masks::Rle;
use framefleet_stage::Stage;
use framefleet_testkit::Picture;
use framefleet_testkit_stage::{Film, Found, golden, rgb8};
use opencv::core::{CV_8UC1, Mat, Rect, Scalar, no_array};
use opencv::prelude::*;
use serde_json::json;

/// Photographs of the samples: an astronaut, basketball players, a footballer, a man in a suit.
fn photographs() -> Film {
    let names = ["astronaut.png", "basketball1.png", "messi5.jpg", "faces/obama.jpg"];
    Film::new(names.iter().map(|name| rgb8(&photograph(name))).collect()).stills()
}

#[test]
fn photographs_are_what_they_show_or_uncertain() {
    let categories = named(&["ball", "person", "vehicle", "animal"]);
    let (embeddings, finished) =
        run(&[photographs()], &CategorizerSettings { categories, ..Default::default() }, vec![]);
    for found in &embeddings {
        assert_eq!((found.len(), found[0].of), (1, None));
        assert_eq!((found[0].vector.len(), found[0].classes.len()), (2 * 1280, 2 * 1000), "f16");
    }
    let rows: Vec<_> = rows(&finished).into_values().collect();
    let categories: Vec<&str> = rows.iter().map(|row| row["category"].as_str().unwrap()).collect();
    assert_eq!(categories, ["uncertain", "uncertain", "ball", "person"]);
    for row in &rows {
        let scores: Vec<f64> =
            row["scores"].as_array().unwrap().iter().map(|score| score["probability"].as_f64().unwrap()).collect();
        let mut order = scores.clone();
        order.sort_by(|a, b| b.total_cmp(a));
        assert_eq!((scores.len(), row["p1"].as_f64(), row["p2"].as_f64()), (4, Some(order[0]), Some(order[1])));
        assert!(scores.iter().sum::<f64>() < 1.0, "the rest is none of them");
    }
    let statistics = &finished.statistics;
    assert_eq!((&statistics["total_instances"], &statistics["confident_predictions"]), (&json!(4), &json!(2)));
    assert_eq!((&statistics["confidence_rate"], &statistics["uncertain_predictions"]), (&json!(0.5), &json!(2)));
    assert_eq!(statistics["category_distribution"], json!({"ball": 1, "person": 1, "vehicle": 0, "animal": 0}));
    assert_eq!(
        (&statistics["model"], &statistics["calibration"]),
        (&json!("efficientnet-lite0"), &json!("not calibrated"))
    );
}

/// Pictures side by side, each made a square.
fn row_of(pictures: &[Picture], side: u32) -> Picture {
    let at = |x: u32, y: u32| {
        let picture = &pictures[(x / side) as usize];
        let short = picture.width.min(picture.height);
        let (left, top) = ((picture.width - short) / 2, (picture.height - short) / 2);
        picture.get(left + (x % side) * short / side, top + y * short / side)
    };
    Picture::from_fn(side * pictures.len() as u32, side, at)
}

/// Defect D-08: models look at the middle of a picture. Of a cut-out they would see what lies under its transparent middle.
#[test]
fn a_long_thin_cutout_is_seen_to_its_ends_and_never_under_its_alpha() {
    let (man, ball) = (photograph("faces/obama.jpg"), photograph("messi5.jpg"));
    let picture = row_of(&[man.clone(), ball, man], 240);
    let opaque = |at: usize| !(240..480).contains(&(at % 720));
    let cut = |is_cut: bool| {
        let pixels = picture.rgb.as_chunks::<3>().0.iter().enumerate();
        let bytes = pixels.flat_map(|(at, [r, g, b])| [*r, *g, *b, if is_cut && !opaque(at) { 0 } else { 255 }]);
        Image::new(PixelFormat::Rgba8, 720, 240, bytes.collect::<Vec<u8>>()).unwrap()
    };
    let film = Film::new(vec![cut(false), cut(true)]).stills();
    let categories = named(&["ball", "person"]);
    let (_, finished) = run(&[film], &CategorizerSettings { categories, ..Default::default() }, vec![]);
    let raw: Vec<_> = rows(&finished).into_values().map(|row| row["raw"].clone()).collect();
    assert_eq!(raw, ["ball", "person"]);
}

/// A frame with a man on its left and a ball on its right, as each of its kinds of instances sees it.
fn two() -> Film {
    let mut film = Film::new(vec![rgb8(&row_of(&[photograph("faces/obama.jpg"), photograph("messi5.jpg")], 400))]);
    let halves = [[0.0, 0.0, 400.0, 400.0], [400.0, 0.0, 800.0, 400.0]];
    let mask = |place: &[f32; 4]| {
        let mut mask = Mat::new_rows_cols_with_default(400, 800, CV_8UC1, Scalar::default()).unwrap();
        let part = Rect::new(place[0] as i32, 0, 400, 400);
        mask.roi_mut(part).unwrap().set_to(&Scalar::all(255.0), &no_array()).unwrap();
        let runs = Rle::of(&mask).unwrap();
        Value::Mask(Mask {
            r#box: place.to_vec(),
            area: runs.area(),
            run_lengths: Some(runs.text()),
            ..Mask::default()
        })
    };
    let pose = |place: &[f32; 4]| Value::Pose(Pose { r#box: place.to_vec(), ..Pose::default() });
    let outside = Value::Pose(Pose { r#box: vec![900.0, 0.0, 950.0, 10.0], ..Pose::default() });
    let poses = halves.iter().map(pose).chain([outside]).collect();
    film.found = vec![
        Found::new("segmentation", "mask", [(0, halves.iter().map(mask).collect())]),
        Found::new("pose", "pose", [(0, poses)]),
    ];
    film
}

#[test]
fn instances_are_seen_alone() {
    for of in [Of::Mask, Of::Pose] {
        let settings = CategorizerSettings { of, categories: named(&["ball", "person"]), ..Default::default() };
        let (embeddings, finished) = run(&[two()], &settings, vec![]);
        let of: Vec<_> = embeddings[0].iter().map(|embedding| embedding.of).collect();
        assert_eq!(of, [Some(0), Some(1)], "what lies outside of the frame has none");
        assert_eq!(embeddings[0][1].r#box, [400.0, 0.0, 800.0, 400.0]);
        let raw: Vec<_> = rows(&finished).into_values().map(|row| row["raw"].clone()).collect();
        assert_eq!(raw, ["person", "ball"]);
    }
}

#[test]
fn process_reads_no_finish_setting() {
    let settings = CategorizerSettings::default();
    framefleet_testkit_stage::process_reads_no_finish_setting::<CategorizerStage>(
        &host(&settings),
        &settings,
        &[two()],
    );
}

#[test]
fn golden_digest() {
    let (_, finished) = run(&[photographs()], &CategorizerSettings::default(), vec![]);
    let row =
        |row: &serde_json::Value| format!("{} {} {:.2}\n", row["raw"], row["status"], row["p1"].as_f64().unwrap());
    let text: String = rows(&finished).values().map(row).collect();
    golden(&text, CategorizerStage::VERSION, (1, "5c92fb549a1ad6ad"));
}
