//! Stages beside bare loops over their models: the same micro-batches, as often, on inputs that are ready.
use crate::{Effort, median, models, row, timed};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Face};
use framefleet_infer::{Session, StepModels};
use framefleet_stage::{Batch, LoadedStage, Outputs};
use framefleet_testkit::{Picture, decode_rgb8, sample};
use framefleet_testkit_models::host;
use framefleet_testkit_stage::{Film, Found, job, rgb8};
use opencv::core::{Mat, Size};
use opencv::imgproc;
use opencv::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;

/// Frames of a film.
const FRAMES: usize = 32;

/// A stage on a film, and which models it runs how often: `(role, items)`, by the number of frames and of things found.
struct Case {
    stage: &'static str,
    what: &'static str,
    settings: Json,
    film: Film,
    ran: fn(usize, usize) -> Vec<(&'static str, usize)>,
}

/// The rows of the table.
pub fn rows(effort: &Effort) {
    opencv::core::set_num_threads(1).expect("OpenCV");
    for case in cases() {
        compare(&case, if effort.quick { 3 } else { 9 });
    }
}

fn cases() -> [Case; 4] {
    let portrait = image("astronaut.png", 640);
    [
        Case {
            stage: "face-clustering",
            what: "one sure face a frame",
            settings: json!({}),
            film: film(&portrait),
            ran: |frames, faces| vec![("face-detection", frames), ("face-embedding", faces)],
        },
        Case {
            stage: "pose",
            what: "one person a frame, without tiles",
            settings: json!({ "tiles": 1 }),
            film: film(&portrait),
            ran: |frames, persons| vec![("multi-person-pose", frames), ("pose-landmarks", persons)],
        },
        Case {
            stage: "segmentation",
            what: "whole proxies",
            settings: json!({ "full_frames": false }),
            film: film(&portrait),
            ran: |frames, _| vec![("person-segmentation", frames)],
        },
        Case {
            stage: "sync",
            what: "one face a frame",
            settings: json!({}),
            film: with_face(film(&portrait), &portrait),
            ran: |_, faces| vec![("face-mesh", faces)],
        },
    ]
}

fn compare(case: &Case, rounds: usize) {
    let registry = registry::stages().expect("the registry");
    let stage = registry.get(case.stage).expect("a known stage");
    let given: Map<String, Json> = serde_json::from_value(case.settings.clone()).expect("settings");
    let resolved = stage.resolve(None, &given).expect("settings");
    let host = host(case.stage, &resolved.needs).expect("models");
    let loaded = stage.load(&host, &resolved.settings).expect("the stage loads");
    let batches: Vec<Batch> = case.film.batches(&resolved.needs).map(|batch| batch.expect("a batch")).collect();
    let found = process(case, &loaded, &batches);
    let open = host.get::<StepModels>().expect("models");
    let ran: Vec<(Session, usize)> = (case.ran)(case.film.images.len(), found)
        .into_iter()
        .map(|(role, items)| (open.open(role).expect("a model"), items))
        .collect();
    ran.iter().for_each(|(session, _)| models::fill(session));
    let bare = || ran.iter().for_each(|(session, items)| models::again(session, *items));
    let round = |_| (timed(|| assert!(process(case, &loaded, &batches) > 0)), timed(bare));
    let (own, bare) = median((0..rounds).map(round).collect());
    let rate = |took: std::time::Duration| case.film.images.len() as f64 / took.as_secs_f64();
    let sizes: Vec<String> = ran
        .iter()
        .map(|(session, _)| session.micro_batch().map_or_else(|_| "?".to_owned(), |n| n.to_string()))
        .collect();
    row(
        &format!("{} beside its models, {}, micro-batch {}", case.stage, case.what, sizes.join(" and ")),
        &format!("{:.1} frames/s", rate(own)),
        &format!("{:.1} frames/s", rate(bare)),
        Some(bare.as_secs_f64() / own.as_secs_f64()),
        "≥ .95",
    );
}

/// Runs the stage over batches that are in memory; how many things it found.
fn process(case: &Case, stage: &Arc<dyn LoadedStage>, batches: &[Batch]) -> usize {
    let scratch = tempfile::tempdir().expect("a folder");
    let job = job(case.stage, vec![case.film.item.clone()], scratch.path());
    let mut found = 0;
    for batch in batches {
        let mut out = Outputs::new(scratch.path());
        stage.process(&job, batch, &mut out).expect("the stage works");
        found += out.into_output().annotations.frames.iter().map(|frame| frame.annotations.len()).sum::<usize>();
    }
    found
}

/// An image of the samples, so many pixels wide.
fn image(name: &str, width: i32) -> Picture {
    let whole = decode_rgb8(&sample(name).expect("make samples")).expect("an image").remove(0);
    let bytes = Mat::from_slice(&whole.rgb).expect("pixels");
    let picture = bytes.reshape(3, whole.height as i32).expect("an image");
    let height = (f64::from(width) * f64::from(whole.height) / f64::from(whole.width)).round() as i32;
    let mut small = Mat::default();
    imgproc::resize(&picture, &mut small, Size::new(width, height), 0.0, 0.0, imgproc::INTER_AREA).expect("a size");
    Picture { width: width as u32, height: height as u32, rgb: small.data_bytes().expect("pixels").to_vec() }
}

fn film(picture: &Picture) -> Film {
    Film::new(vec![rgb8(picture); FRAMES])
}

/// The film with what face-clustering finds on it.
fn with_face(mut film: Film, picture: &Picture) -> Film {
    let alone = Film::new(vec![rgb8(picture)]);
    let registry = registry::stages().expect("the registry");
    let stage = registry.get("face-clustering").expect("a known stage");
    let resolved = stage.resolve(None, &Map::new()).expect("defaults");
    let host = host("face-clustering", &resolved.needs).expect("models");
    let loaded = stage.load(&host, &resolved.settings).expect("the stage loads");
    let scratch = tempfile::tempdir().expect("a folder");
    let mut out = Outputs::new(scratch.path());
    let batch = alone.batch_at(0, &resolved.needs).expect("a batch");
    loaded.process(&job("face-clustering", vec![alone.item.clone()], scratch.path()), &batch, &mut out).expect("faces");
    let annotations = out.into_output().annotations.frames.into_iter().flat_map(|frame| frame.annotations);
    let face = |annotation: Annotation| match annotation.value {
        Some(Value::Face(face)) => Some(Value::Face(Face { embedding: Vec::new(), ..face })),
        _ => None,
    };
    let faces: Vec<Value> = annotations.filter_map(face).collect();
    film.found = vec![Found::new("face-clustering", "face", (0..FRAMES as u64).map(|frame| (frame, faces.clone())))];
    film
}
