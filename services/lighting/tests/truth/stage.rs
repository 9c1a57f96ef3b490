//! The stage as the runner calls it: process, finish, settings and a golden digest.
use crate::{lighting, lit};
use framefleet_frames::annotation::Value as AnnotationValue;
use framefleet_frames::{
    Annotation, Frame, FrameRange, Item, ItemKind, KeyLevel, Look, Outcome, Rendition, annotation::to_json,
};
use framefleet_stage::{Batch, Host, Outputs, Record, Registry, Stage, codes};
use framefleet_testkit::{Picture, Sphere, temperature_rgb};
use framefleet_testkit_stage::{Film, Finished, Kept, Step, golden, only, rgb8, shot};
use lighting::{LightingSettings, LightingStage};
use serde_json::{Map, Value, json};
use std::ops::Range;

fn item(name: &str, kind: ItemKind) -> Item {
    Item { name: name.to_owned(), kind: kind.into(), ..Item::default() }
}

/// A record of an evenly lit frame.
fn record(item: &str, frame: u64, light: f64) -> Record {
    let found = lighting(&lit(32, 18, |_, _| light));
    Record {
        item: item.to_owned(),
        frame,
        pts_ns: frame as i64 * 40_000_000,
        file: None,
        outcome: Outcome::Result,
        annotations: vec![Annotation { instance: 0, value: Some(AnnotationValue::Lighting(found)) }],
    }
}

/// What finish makes of records of one item, which falls into shots.
fn finish(item: Item, shots: &[Range<u64>], records: Vec<Record>) -> Finished {
    finish_all(vec![item], shots, records)
}

fn finish_all(items: Vec<Item>, shots: &[Range<u64>], records: Vec<Record>) -> Finished {
    let mut films: Vec<Film> = items.into_iter().map(|item| Film { item, ..Film::new(Vec::new()) }).collect();
    for film in &mut films {
        film.scoped = shots.iter().map(|frames| shot(&film.item.name, frames.clone())).collect();
    }
    step().finish(&films, &Kept::new(records)).unwrap()
}

fn step() -> Step<LightingStage> {
    Step::load(&Host::default(), &LightingSettings::default()).unwrap()
}

/// Frame and change of exposure of every amendment.
fn deltas(made: &Finished) -> Vec<(u64, f64)> {
    assert!(made.amendments.iter().all(|of| (of.kind.as_str(), of.instance) == ("lighting", 0)));
    let amended = made.amended().unwrap().into_iter();
    amended.map(|(frame, _, fields)| (frame, fields["exposure_delta_ev"].as_f64().unwrap())).collect()
}

/// Range and look of every scoped result.
fn looks(made: &Finished) -> Vec<(Option<(u64, u64)>, Look)> {
    made.each(only!(Look)).into_iter().map(|(range, look)| (range.map(|of| (of.start, of.end)), look)).collect()
}

#[test]
fn process_gives_every_frame_a_result_or_a_reason() {
    let bright = rgb8(&lit(64, 36, |_, _| 0.5));
    let film = Film::new(vec![bright, rgb8(&Picture::filled(0, 0, [0; 3]))]);
    let made = step().process(&[film]).unwrap().records;
    assert_eq!(made.each(only!(Lighting)).map(|(record, of)| (record.frame, of.len())).collect::<Vec<_>>(), [(0, 1)]);
    assert_eq!(made.failed(), [(1, codes::BAD_IMAGE.to_owned())]);
}

#[test]
fn a_frame_without_a_proxy_fails_alone() {
    let (film, folder) = (Film::new(vec![rgb8(&lit(64, 36, |_, _| 0.5))]), tempfile::tempdir().unwrap());
    let range = FrameRange { start: 10, end: 12 };
    let mut batch = Batch::new(film.item.clone(), range, range, vec![10, 11], vec![0, 1]);
    batch.insert_frame(Rendition::Proxy, Frame { number: 11, pts_ns: 1, image: film.images[0].clone() });
    let (step, mut out) = (step(), Outputs::new(folder.path()));
    step.stage.process(&step.job(&film, &batch, folder.path()), &batch, &mut out).unwrap();
    let made = out.into_output();
    assert_eq!(made.annotations.frames.iter().map(|of| of.frame).collect::<Vec<_>>(), [11]);
    assert_eq!((made.outcomes.failed[0].frame, made.outcomes.failed[0].code.as_str()), (10, codes::ABSENT));
}

#[test]
fn no_frames_make_valid_statistics() {
    let made = finish_all(Vec::new(), &[], Vec::new());
    let statistics = &made.statistics;
    assert_eq!((&statistics["frames"], &statistics["warnings"]), (&json!(0), &json!([])));
    assert_eq!((&statistics["exposure_ev"], &statistics["keys"]), (&Value::Null, &json!({})));
    assert!(made.scoped.is_empty() && made.amendments.is_empty());
}

#[test]
fn exposure_changes_are_amended_within_shots() {
    let lights = [0.1, 0.1, 0.2, 0.8, 0.4, 0.4];
    let records = (0..).zip(lights).map(|(frame, light)| record("a.mp4", frame, light)).collect();
    let made = finish(item("a.mp4", ItemKind::Video), &[0..3, 3..6], records);
    let deltas = deltas(&made);
    assert_eq!(deltas.iter().map(|(frame, _)| *frame).collect::<Vec<_>>(), [1, 2, 4, 5]);
    for ((frame, found), truth) in deltas.iter().zip([0.0, 1.0, -1.0, 0.0]) {
        assert!((found - truth).abs() < 0.05, "frame {frame}: {found}");
    }
    let looks = looks(&made);
    assert_eq!(
        looks.iter().map(|(range, look)| (*range, look.frames)).collect::<Vec<_>>(),
        [(Some((0, 3)), 3), (Some((3, 6)), 3)]
    );
    assert!((looks[0].1.flicker_ev.unwrap() - 0.5).abs() < 0.05);
}

#[test]
fn gaps_and_items_end_comparisons() {
    let items = vec![item("a.mp4", ItemKind::Video), item("b.mp4", ItemKind::Video)];
    let records =
        [("a.mp4", 0), ("a.mp4", 2), ("a.mp4", 3), ("b.mp4", 4)].map(|(item, frame)| record(item, frame, 0.2));
    let made = finish_all(items, &[], records.to_vec());
    assert_eq!(deltas(&made), [(3, 0.0)]);
    assert_eq!(
        looks(&made).iter().map(|(range, look)| (*range, look.frames)).collect::<Vec<_>>(),
        [(None, 3), (None, 1)]
    );
}

#[test]
fn stills_are_not_compared() {
    let records = (0..4).map(|i| record("photos", i, 0.1 * (i + 1) as f64)).collect();
    let made = finish(item("photos", ItemKind::Stills), &[], records);
    assert!(made.amendments.is_empty());
    assert_eq!(looks(&made)[0].1.flicker_ev, None);
}

#[test]
fn statistics_count_labels_and_warn() {
    let mut records: Vec<Record> = (0..8).map(|i| record("a.mp4", i, if i % 2 == 0 { 0.1 } else { 0.2 })).collect();
    records.extend([record("a.mp4", 8, 1.0), record("a.mp4", 9, 0.0)]);
    records.push(Record {
        outcome: Outcome::Skipped { rule: "sampling".to_owned() },
        annotations: Vec::new(),
        ..record("a.mp4", 10, 0.0)
    });
    let made = finish(item("a.mp4", ItemKind::Video), &[], records);
    let statistics = &made.statistics;
    assert_eq!(statistics["frames"], 10);
    assert_eq!(statistics["keys"], json!({ "low": 0.1, "normal": 0.8, "high": 0.1 }));
    assert_eq!(statistics["temperatures"], json!({ "unspecified": 0.2, "neutral": 0.8 }));
    let warnings = statistics["warnings"].as_array().unwrap();
    let codes: Vec<_> = warnings.iter().map(|warning| warning["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["clipped_high", "clipped_low", "flicker"]);
    assert_eq!((&warnings[0]["frames"], &warnings[0]["share"]), (&json!(1), &json!(0.1)));
    assert_eq!(looks(&made)[0].1.key(), KeyLevel::Normal);
}

#[test]
fn profiles_and_settings_are_checked() {
    let registry = Registry::new().with::<LightingStage>().unwrap();
    let stage = registry.get("lighting").unwrap();
    for (profile, side) in [("fast", 160), ("balanced", 256), ("quality", 640)] {
        assert_eq!(stage.resolve(Some(profile), &Map::new()).unwrap().settings["analysis_side"], side);
    }
    for (key, value) in [("grid", json!(0)), ("analysis_side", json!(10_000)), ("direction_confidence", json!(2))] {
        let given = Map::from_iter([(key.to_owned(), value)]);
        assert!(stage.resolve(None, &given).unwrap_err().to_string().contains(key));
    }
    let described = stage.describe().schema;
    for (name, property) in described["properties"].as_object().unwrap() {
        assert!(property["description"].as_str().is_some_and(|text| text.len() > 20), "{name} is not documented");
    }
}

/// What floating-point filters had a part in is compared to three digits.
#[test]
fn golden_digest() {
    let sphere = Sphere { radius: 90.0, background: 0.2, ..Sphere::lit_from(480, 270, 40.0, 30.0) };
    let tint = temperature_rgb(4000.0, 1.0).map(f64::from);
    let picture = Picture::from_fn(480, 270, |x, y| {
        let light = sphere.radiance(x.into(), y.into()) * if x < 120 { 0.25 } else { 1.0 };
        tint.map(|channel| framefleet_testkit::srgb_encode(light.min(1.0) * (channel / 255.0).powf(2.2)))
    });
    let annotation = Annotation { instance: 0, value: Some(AnnotationValue::Lighting(lighting(&picture))) };
    let mut record = to_json(&annotation).unwrap();
    for (name, value) in &mut record {
        let filtered = ["source", "shadows", "grid_lightness", "grid_variance"].contains(&name.as_str());
        round(value, if filtered { 3 } else { 6 });
    }
    let text = Value::Object(record).to_string();
    golden(&text, LightingStage::VERSION, (1, "2ce1d4bfe1987897"));
}

/// Rounds all numbers to so many significant digits.
fn round(value: &mut Value, digits: usize) {
    match value {
        Value::Number(number) => *value = json!(format!("{:.*e}", digits - 1, number.as_f64().unwrap())),
        Value::Array(values) => values.iter_mut().for_each(|value| round(value, digits)),
        Value::Object(fields) => fields.values_mut().for_each(|value| round(value, digits)),
        _ => {}
    }
}

/// The runner gives process the defaults of what finish alone reads, and nobody may notice.
#[test]
fn process_reads_no_finish_setting() {
    let film = Film::new((0..4u32).map(|n| rgb8(&lit(64, 36, |x, _| f64::from((n + 1) * x) / 300.0))).collect());
    let settings = LightingSettings::default();
    framefleet_testkit_stage::process_reads_no_finish_setting::<LightingStage>(&Host::default(), &settings, &[film]);
}
