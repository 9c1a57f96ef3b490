//! coco.json, made of the rows of several steps.
use crate::completion::{self, run};
use framefleet_frames::{Amendment, Annotation, Face, FrameAnnotations, Mask, Pose, RunLengths};
use framefleet_ledger::{Ledger, Output, PartKind};
use framefleet_proto::v1::annotation::Value;
use framefleet_records::{RecordsOptions, verify};
use framefleet_testkit_ledger::{Job, Results, Task, commit, open};
use serde_json::Value as Json;
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
    let keypoints = (0..17).flat_map(|point| [point as f32, 1.0, visibility(point)]).collect();
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
    assert_eq!(coco["images"].as_array().unwrap().len(), 2 * 9);
    assert_eq!(first["annotations"].as_array().unwrap().len(), 2 * 9 * 2);
    assert_eq!(coco["annotations"].as_array().unwrap().len(), 2 * 9 * 3 + 2);
    let names: Vec<&str> = coco["categories"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["person", "face", "object"]);
    for image in coco["images"].as_array().unwrap() {
        assert!(folder.path().join(image["file_name"].as_str().unwrap()).is_file(), "{image}");
    }
    let of = |key: &str| {
        let found = coco["annotations"].as_array().unwrap().iter().filter(|annotation| annotation.get(key).is_some());
        found.cloned().collect::<Vec<Json>>()
    };
    assert_eq!(of("track_id").len(), 1);
    let pose = &of("keypoints")[0];
    let points = pose["keypoints"].as_array().unwrap();
    assert_eq!((&pose["num_keypoints"], points.len()), (&12.into(), 51));
    assert_eq!((&points[2], &points[29]), (&2.into(), &1.into()));
    assert_eq!(
        points[48..],
        [Json::from(0.0), Json::from(0.0), Json::from(0)],
        "a point that is not labelled lies nowhere"
    );
    assert_eq!(of("segmentation")[0]["bbox"], serde_json::json!([0.0, 0.0, 2.0, 4.0]));
    pycocotools(folder.path());
}

/// What COCO's own tools make of it, where they are installed (`FRAMEFLEET_PYTHON` names a Python that has them).
fn pycocotools(folder: &Path) {
    let script = r#"
import json, pathlib, sys
try:
    from pycocotools.coco import COCO
except ImportError:
    sys.exit(77)
folder = pathlib.Path(sys.argv[1])
coco = COCO(folder / "coco.json")
masks = [a for a in coco.loadAnns(coco.getAnnIds()) if "segmentation" in a]
assert len(masks) == 36, len(masks)
for annotation in masks:
    mask = coco.annToMask(annotation)
    assert mask.shape == (4, 6) and mask.sum() == annotation["area"], annotation
    ys, xs = mask.nonzero()
    assert annotation["bbox"] == [xs.min(), ys.min(), xs.max() + 1 - xs.min(), ys.max() + 1 - ys.min()], annotation
    picture = coco.loadImgs(annotation["image_id"])[0]
    assert (folder / picture["file_name"]).is_file() and (picture["height"], picture["width"]) == mask.shape
poses = [a for a in coco.loadAnns(coco.getAnnIds()) if "keypoints" in a]
assert len(poses) == 18 and all(len(a["keypoints"]) == 51 for a in poses)
assert all(a["num_keypoints"] == sum(flag > 0 for flag in a["keypoints"][2::3]) for a in poses)
assert len(coco.getImgIds(catIds=coco.getCatIds(catNms=["face"]))) == 2
"#;
    let python = std::env::var("FRAMEFLEET_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let Ok(out) = std::process::Command::new(python).args(["-c", script]).arg(folder).output() else { return };
    let missing = out.status.code() == Some(77);
    assert!(out.status.success() || missing, "{}", String::from_utf8_lossy(&out.stderr));
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
