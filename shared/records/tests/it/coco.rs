//! coco.json, made of the rows of several steps.
use crate::completion::{self, run};
use framefleet_frames::{Amendment, Annotation, Face, FrameAnnotations, Mask, Pose, RunLengths};
use framefleet_ledger::{Ledger, Output, PartKind};
use framefleet_proto::v1::annotation::Value;
use framefleet_records::{RecordsOptions, verify};
use framefleet_testkit_ledger::{Job, Results, Task, commit, open};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::Path;

/// The fixture's job with masks and the pictures of its frames, or with faces and poses.
fn tasks(step: &str, setting: u64, of: impl Fn(u64) -> Vec<Annotation>) -> (Vec<Task>, Results) {
    let job = Job { step: step.to_owned(), setting };
    let mut tasks = job.tasks();
    for task in &mut tasks {
        for frame in &mut task.block.frames {
            *frame = FrameAnnotations { frame: frame.frame, annotations: of(frame.frame) };
        }
        for amendment in &mut task.block.amendments {
            *amendment = Amendment { kind: "mask".to_owned(), json: r#"{"track": 5}"#.to_owned(), ..amendment.clone() };
        }
        if step != "segmentation" {
            task.block.amendments.clear();
            task.files.clear();
        } else if let Some(range) = task.entry.id.as_ref().and_then(|id| id.range) {
            let stem = task.entry.id.as_ref().unwrap().item.trim_end_matches(".mp4").to_owned();
            for frame in range.start..range.end {
                let jpeg = b"a picture".to_vec();
                task.files.push((PartKind::Artifact, format!("{stem}/frames/{frame:06}.jpg"), jpeg));
            }
        }
    }
    let kinds = if step == "segmentation" { vec!["mask"] } else { vec!["face", "pose"] };
    let mut results = job.results();
    results.head.kinds = kinds.into_iter().map(str::to_owned).collect();
    for (item, _) in &mut results.items {
        (item.width, item.height) = (6, 4);
    }
    (tasks, results)
}

/// Two masks of 4×6 pixels: the two columns on the left; the third one's two lower pixels.
fn masks(_: u64) -> Vec<Annotation> {
    let mask = |instance, counts: &str, area, corners: [f32; 4], label: &str| {
        let run_lengths = Some(RunLengths { height: 4, width: 6, counts: counts.to_owned() });
        let mask =
            Mask { r#box: corners.to_vec(), area, score: 0.5, label: label.to_owned(), run_lengths, ..Mask::default() };
        Annotation { instance, value: Some(Value::Mask(mask)) }
    };
    vec![mask(0, "08`0", 8, [0.0, 0.0, 2.0, 4.0], "person"), mask(1, ":2<", 2, [2.0, 2.0, 3.0, 4.0], "")]
}

fn people(frame: u64) -> Vec<Annotation> {
    let face = Face { r#box: vec![1.0, 1.0, 2.0, 2.5], score: 0.9, ..Face::default() };
    // Nine points are seen, three hidden, five anywhere.
    let visibility = |point| match point {
        0..9 => 0.9,
        9..12 => 0.3,
        _ => 0.1,
    };
    let keypoints = (0..17).flat_map(|point| [(point % 6) as f32, 1.0, visibility(point)]).collect();
    let pose = Pose { r#box: vec![0.0, 0.0, 6.0, 4.0], score: 0.8, keypoints, ..Pose::default() };
    let mut all = vec![Annotation { instance: 0, value: Some(Value::Pose(pose)) }];
    if frame == 2 {
        all.push(Annotation { instance: 0, value: Some(Value::Face(face)) });
    }
    all
}

async fn complete(ledger: &Ledger, (tasks, results): (Vec<Task>, Results)) {
    for task in &tasks {
        if ledger.entry(&task.key).is_none() {
            commit(ledger, task).await.unwrap();
        }
    }
    completion::complete(ledger, &results, RecordsOptions::default()).await.unwrap();
}

fn read(folder: &Path) -> Json {
    serde_json::from_slice(&std::fs::read(folder.join("coco.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn results_of_all_steps_are_in_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::parse(folder.path().to_str().unwrap()).unwrap();
    let ledger = open(&output).await.unwrap();
    run(&ledger, &Job::new(1)).await.unwrap();
    assert!(!folder.path().join("coco.json").exists(), "light alone has nothing to say");
    complete(&ledger, tasks("segmentation", 2, masks)).await;
    let first = read(folder.path());
    complete(&ledger, tasks("people", 3, people)).await;
    let coco = read(folder.path());

    // Frames 5 (failed), 9 and 10 (sampled out) of twelve are in no picture.
    assert_eq!(list(&coco, "images").len(), 2 * 9);
    assert_eq!(list(&first, "annotations").len(), 2 * 9 * 2);
    assert_eq!(list(&coco, "annotations").len(), 2 * 9 * 3 + 2);
    let categories: Vec<_> =
        list(&coco, "categories").iter().map(|one| (one["name"].clone(), one["id"].clone())).collect();
    assert_eq!(categories, [("person", 1), ("face", 2), ("object", 3)].map(|(name, id)| (name.into(), id.into())));
    assert_eq!((&coco["categories"], &first["categories"]), (&first["categories"], &coco["categories"]));
    assert_eq!(coco["info"]["root"], ".", "the output has a picture of every frame");
    for image in list(&coco, "images") {
        assert!(folder.path().join(image["file_name"].as_str().unwrap()).is_file(), "{image}");
    }
    let of = |step: &str| -> Vec<&Json> {
        list(&coco, "annotations").iter().filter(|annotation| annotation["step"] == step).collect()
    };
    assert_eq!(list(&coco, "annotations").iter().filter(|one| one.get("track_id").is_some()).count(), 1);
    let pose = of("people").into_iter().find(|one| one["category_id"] == 1).unwrap();
    let points = pose["keypoints"].as_array().unwrap();
    assert_eq!((&pose["num_keypoints"], points.len()), (&12.into(), 51));
    assert_eq!((&points[2], &points[29]), (&2.into(), &1.into()));
    assert_eq!(
        points[48..],
        [Json::from(0.0), Json::from(0.0), Json::from(0)],
        "a point that is not labelled lies nowhere"
    );
    assert_eq!(of("segmentation")[0]["bbox"], serde_json::json!([0.0, 0.0, 2.0, 4.0]));
    // A step that is added moves no number.
    let ids = |of: &Json| -> BTreeSet<u64> {
        list(of, "annotations").iter().chain(list(of, "images")).map(|one| one["id"].as_u64().unwrap()).collect()
    };
    assert!(ids(&first).is_subset(&ids(&coco)));
}

fn list<'j>(coco: &'j Json, name: &str) -> &'j [Json] {
    coco[name].as_array().unwrap()
}

#[tokio::test]
async fn it_is_part_of_the_digest_and_made_again_where_it_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::parse(folder.path().to_str().unwrap()).unwrap();
    let ledger = open(&output).await.unwrap();
    complete(&ledger, tasks("segmentation", 1, masks)).await;
    let report = verify(&output, true).await.unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let written = std::fs::read(folder.path().join("coco.json")).unwrap();

    std::fs::write(folder.path().join("coco.json"), "{}").unwrap();
    let other = verify(&output, true).await.unwrap();
    assert!(other.digest != report.digest && other.problems[0].contains("coco.json"), "{:?}", other.problems);

    std::fs::remove_file(folder.path().join("coco.json")).unwrap();
    assert!(verify(&output, false).await.unwrap().problems[0].contains("missing"));
    complete(&ledger, tasks("segmentation", 1, masks)).await;
    assert_eq!(std::fs::read(folder.path().join("coco.json")).unwrap(), written);
    complete(&ledger, tasks("segmentation", 2, |frame| masks(frame).split_off(1))).await;
    assert_ne!(std::fs::read(folder.path().join("coco.json")).unwrap(), written);
    assert_eq!(verify(&output, true).await.unwrap().problem_count, 0);
}
