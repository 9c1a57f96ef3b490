//! What the report says of results whose truth is known.

use crate::fixture::{Drawings, SHOT, film, manifest, pts_ns, report};
use framefleet_frames::{AnnotationBlock, FrameRange, ImageFile, Item, ItemKind, Outcome};
use framefleet_ledger::Manifest;
use framefleet_proto::v1::{ManifestItem, TaskResult};
use framefleet_report::model::{Counts, Run};
use framefleet_report::{Gathering, JobFacts, MAX_COLUMNS, MAX_FAILURES, MAX_THUMBNAIL_BYTES, Thumbnails};
use framefleet_report::{item_page_path, item_pages, render, render_item_page};
use serde_json::{Map, json};

struct NoPictures;

impl Thumbnails for NoPictures {
    fn jpeg(&self, _: &Item, _: &[u64], _: u32) -> Vec<(u64, Vec<u8>)> {
        Vec::new()
    }
}

/// A picture that is as large as pictures come.
struct LargePictures;

impl Thumbnails for LargePictures {
    fn jpeg(&self, _: &Item, frames: &[u64], _: u32) -> Vec<(u64, Vec<u8>)> {
        frames.iter().map(|frame| (*frame, vec![0xA5; 40_000])).collect()
    }
}

fn run(start: u64, end: u64, label: &str) -> Run {
    Run { start, end, label: label.to_owned() }
}

#[test]
fn every_frame_is_counted_once_and_failures_are_named() {
    let report = report(&[(film("a.mov", 900), 900)], &NoPictures);
    let counts: Vec<Counts> = report.steps.iter().map(|step| step.counts).collect();
    assert_eq!(counts[0], Counts { result: 897, failed: 3, skipped: 0 });
    assert_eq!(counts[1], Counts { result: 900, failed: 0, skipped: 0 });
    assert_eq!(report.failures.total, 3);
    let first = &report.failures.shown[0];
    assert_eq!((first.item.as_str(), first.frame, first.step.as_str()), ("a.mov", 700, "lighting"));
    let problems = report.items[0].bands.iter().find(|band| band.name == "Problems").unwrap();
    assert_eq!(problems.runs, [run(700, 703, "failed: decode")]);
}

#[test]
fn timelines_show_the_truth() {
    let report = report(&[(film("a.mov", 900), 900)], &Drawings);
    let item = &report.items[0];
    assert_eq!(item.seconds, Some(36.0));
    assert_eq!(item.shots.len(), 6);
    assert_eq!((item.shots[2].start, item.shots[2].start_seconds), (2 * SHOT, Some(12.0)));
    assert_eq!(item.shots[2].labels[1].value, "pan left");
    let exposure = item.series.iter().find(|series| series.name == "Exposure").unwrap();
    assert_eq!((exposure.unit.as_str(), exposure.primary), ("EV", true));
    let range = item.series.iter().find(|series| series.name == "Range").unwrap();
    assert_eq!((range.unit.as_str(), range.primary), ("stops", false), "named, but shown on request");
    assert!((exposure.mean[320].unwrap() + 1.0).abs() < 0.11);
    assert_eq!(exposure.mean[701], None);
    let camera = item.bands.iter().find(|band| band.name == "Camera").unwrap();
    assert_eq!(camera.runs[..3], [run(0, 60, "pan left"), run(60, 150, "static"), run(150, 210, "pan left")]);
    let action = item.bands.iter().find(|band| band.name == "Character of motion").unwrap();
    assert_eq!(action.runs[0], run(0, 60, "dynamic action"));
    let shots_with_picture = item
        .shots
        .iter()
        .filter(|shot| item.thumbnails.iter().any(|picture| (shot.start..shot.end).contains(&picture.frame)));
    assert_eq!(shots_with_picture.count(), 6);
    let picture = &item.thumbnails[10];
    assert!((picture.pts_ns - pts_ns(picture.frame)).abs() < 1_000_000);
}

/// As the output of a version whose job.json did not say.
#[test]
fn results_that_no_stage_says_anything_of_are_shown_under_their_own_names() {
    let films = [(film("a.mov", 300), 300)];
    let manifest = manifest("motion", &films);
    let mut gathering = crate::fixture::gathering(JobFacts::default(), std::slice::from_ref(&manifest), &films);
    gathering.begin_step(&manifest);
    for frame in 0..300 {
        gathering.row("a.mov", frame, pts_ns(frame), &Outcome::Result, &crate::fixture::motion_row(frame));
    }
    gathering.scoped(&crate::fixture::motion_block(&films)).unwrap();
    gathering.end_step();
    let item = &gathering.finish(&NoPictures).items[0];
    let shown: Vec<&str> = item.series.iter().filter(|one| one.primary).map(|one| one.name.as_str()).collect();
    assert_eq!(shown, ["Magnitude percent", "Density"]);
    assert!(item.bands.iter().any(|band| band.name == "Motion type"));
    assert_eq!(item.bands.iter().find(|band| band.name == "Action").unwrap().runs[0], run(0, 60, "dynamic action"));
    assert_eq!((item.shots.len(), item.shots[0].labels.len()), (2, 0));
}

#[test]
fn an_unknown_stage_is_shown_by_its_first_numbers_and_its_instances() {
    let manifest = manifest("faces", &[(film("a.mov", 50), 50)]);
    let mut gathering = Gathering::new(JobFacts::default(), std::slice::from_ref(&manifest));
    gathering.begin_step(&manifest);
    for frame in (0..50).step_by(5) {
        let faces =
            if frame < 25 { json!([{"instance": 0, "score": 0.5}, {"instance": 1, "score": 0.9}]) } else { json!([]) };
        let row = json!({"face": faces, "sharpness": [{"instance": 0, "edge_width": 2.5, "name": format!("{frame}")}]});
        gathering.row("a.mov", frame, pts_ns(frame), &Outcome::Result, row.as_object().unwrap());
    }
    gathering.scoped(&AnnotationBlock::default()).unwrap();
    gathering.end_step();
    let report = gathering.finish(&NoPictures);
    assert_eq!(report.steps[0].counts, Counts { result: 10, failed: 0, skipped: 40 });
    let faces = report.items[0].series.iter().find(|series| series.name == "Face per frame").unwrap();
    assert_eq!((faces.mean[20], faces.mean[25], faces.mean[21]), (Some(2.0), Some(0.0), None));
    let score = report.items[0].series.iter().find(|series| series.name == "Score").unwrap();
    assert_eq!((score.min[0], score.mean[0], score.max[0]), (Some(0.5), Some(0.7), Some(0.9)));
    assert!(report.items[0].series.iter().any(|series| series.name == "Edge width"));
}

/// A job with `--end`: its last batch was decoded whole, and only a part of it is the job's.
#[test]
fn frames_are_those_that_the_job_does_not_those_of_the_batches_that_it_touches() {
    let films = [(film("a.mov", 160), 160)];
    let part = FrameRange { start: 32, end: 132 };
    let of_part = ManifestItem { item: Some(films[0].0.clone()), frames: Some(part), count: 100 };
    let manifests = [manifest("ingest", &films), Manifest::new(crate::fixture::head("lighting"), vec![of_part])];
    let mut gathering = crate::fixture::gathering(JobFacts::default(), &manifests, &films);
    for (manifest, frames) in manifests.iter().zip([0..140, 32..132]) {
        gathering.begin_step(manifest);
        frames.for_each(|frame| gathering.row("a.mov", frame, pts_ns(frame), &Outcome::Result, &Map::new()));
        gathering.end_step();
    }
    let report = gathering.finish(&NoPictures);
    let axis = &report.items[0].axis;
    assert_eq!((axis.start, axis.end, report.items[0].seconds), (32, 132, Some(4.0)));
    for step in &report.steps {
        assert_eq!(step.counts, Counts { result: 100, failed: 0, skipped: 0 }, "{}", step.name);
    }
}

#[test]
fn failures_beyond_the_list_are_counted_only() {
    let manifest = manifest("lighting", &[(film("a.mov", 1000), 1000)]);
    let mut gathering = Gathering::new(JobFacts::default(), std::slice::from_ref(&manifest));
    gathering.begin_step(&manifest);
    for frame in 0..1000 {
        let outcome = Outcome::Failed { code: "decode".to_owned(), reason: "x".repeat(100_000) };
        gathering.row("a.mov", frame, 0, &outcome, &Map::new());
    }
    gathering.end_step();
    let report = gathering.finish(&NoPictures);
    assert_eq!((report.failures.total, report.failures.shown.len()), (1000, MAX_FAILURES));
    assert!(render(&report).unwrap().len() < 1 << 20);
}

#[test]
fn stills_are_named_and_may_be_of_several_sizes() {
    let names = ["street.jpg", "beach.png", "broken.jpg"];
    let mut folder = film("holiday", 3);
    folder.set_kind(ItemKind::Stills);
    let manifest = manifest("lighting", &[(folder, 3)]);
    let sizes = [(1920, 700), (800, 1080), (0, 0)];
    let file = |((frame, name), (width, height)): ((u64, &str), (u32, u32))| ImageFile {
        frame,
        name: name.to_owned(),
        width,
        height,
        ..ImageFile::default()
    };
    let files = (0..).zip(names).zip(sizes).map(file).collect();
    let mut gathering = Gathering::new(JobFacts::default(), std::slice::from_ref(&manifest));
    gathering.task("holiday", &TaskResult { files, ..crate::fixture::task(3) });
    gathering.begin_step(&manifest);
    for (frame, name) in (0..).zip(names) {
        let failed = || Outcome::Failed { code: "decode".to_owned(), reason: "cut".to_owned() };
        let outcome = if name == "broken.jpg" { failed() } else { Outcome::Result };
        let row = json!({"frame": frame, "file": name});
        gathering.row("holiday", frame, 0, &outcome, row.as_object().unwrap());
    }
    gathering.end_step();
    let report = gathering.finish(&Drawings);
    let shown: Vec<_> = report.items[0].thumbnails.iter().map(|one| one.file.as_deref().unwrap()).collect();
    assert_eq!((shown, report.items[0].mixed_sizes), (names.to_vec(), true));
    assert_eq!(report.failures.shown[0].file.as_deref(), Some("broken.jpg"));
}

/// 200 films of 100,000 frames would take minutes to make up row by row, so one is, and the report is of its copies.
#[test]
fn two_hundred_long_films_stay_small() {
    const LIMIT: usize = 25_000_000;
    let films: Vec<_> = (0..200).map(|i| (film(&format!("reel {i}.mov"), 100_000), 100_000)).collect();
    let manifest = manifest("motion", &films);
    let mut gathering = crate::fixture::gathering(crate::fixture::bare(), std::slice::from_ref(&manifest), &films);
    gathering.begin_step(&manifest);
    for frame in 0..100_000 {
        let row = crate::fixture::motion_row(frame);
        gathering.row("reel 0.mov", frame, pts_ns(frame), &Outcome::Result, &row);
    }
    gathering.scoped(&crate::fixture::motion_block(&films)).unwrap();
    gathering.end_step();
    let mut report = gathering.finish(&LargePictures);
    let (series, bands) = (report.items[0].series.clone(), report.items[0].bands.clone());
    assert!(series.iter().all(|series| series.mean.len() as u64 <= MAX_COLUMNS && series.mean[0].is_some()));
    for item in &mut report.items {
        item.series.clone_from(&series);
        item.bands.clone_from(&bands);
    }
    let pictures: usize =
        report.items.iter().flat_map(|item| &item.thumbnails).map(|one| one.jpeg.len().div_ceil(3) * 4).sum();
    assert!(pictures > 0 && pictures <= MAX_THUMBNAIL_BYTES, "{pictures} bytes of pictures");
    assert!(render(&report).unwrap().len() < LIMIT);
    assert_eq!(item_pages(&report), 17);
    for page in 0..item_pages(&report) {
        let size = render_item_page(&report, page).unwrap().len();
        assert!(size < LIMIT, "{} has {size} bytes", item_page_path(page));
    }
}

#[test]
fn an_output_without_any_result_is_a_page_too() {
    let mut film = film("a.mov", 0);
    film.frame_rate = None;
    let manifest = manifest("lighting", &[(film, 0)]);
    let report = Gathering::new(JobFacts::default(), &[manifest]).finish(&NoPictures);
    assert_eq!((report.items.len(), report.items[0].axis.end), (1, 0));
    assert!(render(&report).unwrap().contains("a.mov"));
}

#[test]
fn sound_is_shown_with_the_mouths() {
    use framefleet_frames::annotation::Value;
    use framefleet_frames::{Annotation, AvOffset, FrameRange, ScopedAnnotation, SoundOverview, Speaking, SyncState};
    let films = [(film("a.mov", 100), 100)];
    let manifest = manifest("sync", &films);
    let mut gathering = crate::fixture::gathering(crate::fixture::bare(), std::slice::from_ref(&manifest), &films);
    gathering.begin_step(&manifest);
    for frame in 0..100 {
        let mouth = json!({"mouth": [{"instance": 0, "aperture": 0.25, "speaking": true}]});
        gathering.row("a.mov", frame, pts_ns(frame), &Outcome::Result, mouth.as_object().unwrap());
    }
    let sound = SoundOverview { step_ns: 1_000_000_000, low: vec![-0.5; 4], high: vec![0.5; 4], voice: vec![1.0; 4] };
    let offset = AvOffset {
        state: SyncState::Measured.into(),
        offset_ms: Some(-120.0),
        sound: Some(sound),
        ..AvOffset::default()
    };
    let scoped = |range, value| ScopedAnnotation {
        item: "a.mov".to_owned(),
        range,
        annotation: Some(Annotation { instance: 0, value: Some(value) }),
    };
    let speaking = Speaking { label: "ada".to_owned(), ..Speaking::default() };
    let block = AnnotationBlock {
        scoped: vec![
            scoped(None, Value::AvOffset(offset)),
            scoped(Some(FrameRange { start: 20, end: 60 }), Value::Speaking(speaking)),
        ],
        ..AnnotationBlock::default()
    };
    gathering.scoped(&block).unwrap();
    gathering.end_step();
    let item = &gathering.finish(&NoPictures).items[0];
    let shown: Vec<&str> =
        item.series.iter().filter(|series| series.primary).map(|series| series.name.as_str()).collect();
    assert_eq!(shown, ["Sound (120 ms late)", "Voice activity", "Mouth aperture"]);
    assert_eq!((item.series[0].min[10], item.series[0].max[10]), (Some(-0.5), Some(0.5)));
    assert_eq!(item.series[2].mean[10], Some(25.0));
    let spoken = item.bands.iter().find(|band| band.name == "Who speaks").unwrap();
    assert_eq!(spoken.runs, [run(20, 60, "ada")]);
}
