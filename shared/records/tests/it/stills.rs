//! A folder of pictures: each with a name and a size of its own in everything that is derived from it, and a renamed one without a task.
use crate::completion::complete;
use arrow_array::cast::AsArray;
use framefleet_frames::annotation::Value;
use framefleet_frames::{
    Annotation, AnnotationBlock, Face, FaceTrack, FrameAnnotations, FrameFailure, FrameRange, ImageFile, Item,
    ItemKind, Outcomes, ScopedAnnotation,
};
use framefleet_ledger::{CommitFile, Entry, KeyHasher, Ledger, Output, PartKind, StepManifest, TaskKey};
use framefleet_proto::v1::{FrameTimes, InstanceRef, TaskId, TaskKind, TaskResult};
use framefleet_records::{RecordsOptions, verify, write_failures};
use framefleet_testkit_ledger::{Results, open};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value as Json, json};
use std::path::Path;

const ITEM: &str = "day 1/holiday";
const SIZES: [(u32, u32); 3] = [(1370, 855), (960, 720), (0, 0)];
/// The last one cannot be read.
const BROKEN: u64 = 2;

fn key(name: &str) -> TaskKey {
    KeyHasher::new(name).finish()
}

fn files(names: [&str; 3]) -> Vec<ImageFile> {
    let file = |((frame, name), (width, height)): ((u64, &str), (u32, u32))| ImageFile {
        frame,
        name: name.to_owned(),
        width,
        height,
        shares_stem: name.starts_with("same."),
        ..ImageFile::default()
    };
    (0..).zip(names).zip(SIZES).map(file).collect()
}

/// What an output shows of the step while the stills have these names.
fn results(names: [&str; 3]) -> Results {
    let location = format!("/photos/{ITEM}");
    let mut item = Item { name: ITEM.to_owned(), location, width: 1370, height: 855, ..Item::default() };
    item.set_kind(ItemKind::Stills);
    let task = TaskResult {
        key: key("process").as_bytes().to_vec().into(),
        range: Some(FrameRange { start: 0, end: 3 }),
        times: Some(FrameTimes { count: 3, ..FrameTimes::default() }),
        files: files(names),
        ..TaskResult::default()
    };
    let head = StepManifest {
        step: "faces".to_owned(),
        stage: "face-clustering".to_owned(),
        finish_key: key("finish").as_bytes().to_vec().into(),
        complete: true,
        kinds: vec!["face".to_owned()],
        ..StepManifest::default()
    };
    Results { head, items: vec![(item, vec![task])] }
}

/// A face on each of the first two stills with a picture of it, and a track of the second.
async fn run(ledger: &Ledger, names: [&str; 3]) {
    let id = |kind: TaskKind| TaskId { kind: kind.into(), step: "faces".to_owned(), ..TaskId::default() };
    let face = |frame: u64| FrameAnnotations {
        frame,
        annotations: vec![Annotation {
            instance: 0,
            value: Some(Value::Face(Face { r#box: vec![10.0, 10.0, 20.0, 30.0], score: 0.9, ..Face::default() })),
        }],
    };
    let process = Entry {
        key: key("process").as_bytes().to_vec().into(),
        id: Some(TaskId {
            item: ITEM.to_owned(),
            range: Some(FrameRange { start: 0, end: 3 }),
            ..id(TaskKind::Process)
        }),
        outcomes: Some(Outcomes {
            failed: vec![FrameFailure { frame: BROKEN, code: "decode".to_owned(), reason: "no picture".to_owned() }],
            ..Outcomes::default()
        }),
        ..Entry::default()
    };
    let scratch = tempfile::tempdir().unwrap();
    let picture = |frame: u64| {
        let path = scratch.path().join(frame.to_string());
        std::fs::write(&path, format!("frame {frame}")).unwrap();
        CommitFile { kind: PartKind::Artifact, name: "masks/*_mask.png".to_owned(), frame: Some(frame), path }
    };
    let block = AnnotationBlock { frames: vec![face(0), face(1)], ..AnnotationBlock::default() };
    ledger.commit(process, block, vec![picture(0), picture(1)]).await.unwrap();
    let finish =
        Entry { key: key("finish").as_bytes().to_vec().into(), id: Some(id(TaskKind::Finish)), ..Entry::default() };
    let best = Some(InstanceRef { item: ITEM.to_owned(), frame: 1, instance: 0 });
    let track = ScopedAnnotation {
        item: ITEM.to_owned(),
        range: Some(FrameRange { start: 1, end: 2 }),
        annotation: Some(Annotation {
            instance: 0,
            value: Some(Value::FaceTrack(FaceTrack { best, ..FaceTrack::default() })),
        }),
    };
    ledger.commit(finish, AnnotationBlock { scoped: vec![track], ..Default::default() }, Vec::new()).await.unwrap();
    complete(ledger, &results(names), RecordsOptions::default()).await.unwrap();
}

fn read(folder: &Path, file: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn document(folder: &Path, file: &str) -> Json {
    serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap()
}

#[tokio::test]
async fn everything_names_the_file_and_has_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::parse(folder.path().to_str().unwrap()).unwrap();
    let ledger = open(&output).await.unwrap();
    let names = ["street.jpg", "beach.png", "broken.jpg"];
    run(&ledger, names).await;
    let records = read(folder.path(), "records/faces.jsonl");
    assert_eq!(records.iter().map(|record| record["file"].as_str().unwrap()).collect::<Vec<_>>(), names);

    let bytes = bytes::Bytes::from(std::fs::read(folder.path().join("records/faces.parquet")).unwrap());
    let batch = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap().next().unwrap().unwrap();
    let column = batch.column_by_name("file").unwrap().as_string::<i32>();
    assert_eq!((0..3).map(|row| column.value(row)).collect::<Vec<_>>(), names);

    write_failures(&ledger, &ledger.manifests().await.unwrap(), &[]).await.unwrap();
    assert_eq!(read(folder.path(), "failures.jsonl")[0]["file"], "broken.jpg");

    let track = document(folder.path(), "summary/faces.json")["face_track"][0].clone();
    assert_eq!((&track["file"], &track["best"]["file"]), (&json!("beach.png"), &json!("beach.png")), "{track:#}");

    let coco = document(folder.path(), "coco.json");
    let images = coco["images"].as_array().unwrap().iter();
    let sizes: Vec<_> = images.map(|image| json!([image["file_name"], image["width"], image["height"]])).collect();
    assert_eq!(sizes, [json!(["day 1/holiday/street.jpg", 1370, 855]), json!(["day 1/holiday/beach.png", 960, 720])]);
    assert_eq!(verify(&output, true).await.unwrap().problems, [""; 0]);
}

#[tokio::test]
async fn a_renamed_still_takes_its_artifacts_along_without_a_task() {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::parse(folder.path().to_str().unwrap()).unwrap();
    let ledger = open(&output).await.unwrap();
    run(&ledger, ["street.jpg", "beach.png", "broken.jpg"]).await;
    let masks = || {
        let folder = folder.path().join("artifacts/faces/day 1/holiday/masks");
        let named = |entry: std::fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        };
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| named(entry.unwrap())).collect();
        files.sort();
        files
    };
    let named = |names: [&str; 2], frames: [u64; 2]| {
        names.iter().zip(frames).map(|(name, frame)| ((*name).to_owned(), format!("frame {frame}"))).collect::<Vec<_>>()
    };
    assert_eq!(masks(), named(["beach_mask.png", "street_mask.png"], [1, 0]));
    // One has the other's old name, and then both differ in nothing but the extension.
    for (names, expected) in [
        (["beach.jpg", "sea.png", "broken.jpg"], named(["beach_mask.png", "sea_mask.png"], [0, 1])),
        (["same.jpg", "same.png", "broken.jpg"], named(["same.jpg_mask.png", "same.png_mask.png"], [0, 1])),
    ] {
        complete(&ledger, &results(names), RecordsOptions::default()).await.unwrap();
        assert_eq!(masks(), expected);
        assert_eq!(verify(&output, true).await.unwrap().problems, [""; 0]);
    }
}
