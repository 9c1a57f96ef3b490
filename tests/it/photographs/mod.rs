//! Photographs of several sizes in one folder, through every stage and every pipeline: results lie on the persons, and everything is called as
//! the photograph is.
mod source;

use crate::footage::folder;
use crate::processes::Fleet;
use crate::program::{digest, json, records, with_models};
use serde_json::{Value, json};
use source::{ALL, Photograph, numbers, photographs};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every stage that writes nothing but results.
const PERCEPTION: &str = r#"
[steps.lighting]
[steps.motion]
[steps.face-clustering]
[steps.pose]
[steps.segmentation.settings]
artifacts = ["cutouts", "context", "blurred", "masks", "backgrounds", "overlay", "frames"]
[steps.sync]
"#;

/// Models of all pipelines.
const MODELS: [&str; 7] = [
    "yunet-2023mar",
    "sface-2021dec",
    "movenet-multipose",
    "blazepose-full",
    "selfie-square",
    "face-mesh-attention",
    "silero-vad",
];

fn fetch_models() {
    for model in MODELS {
        framefleet_testkit_models::model(model).unwrap();
    }
}

fn run(source: &Path, pipeline: &str, output: &Path) {
    let ran =
        with_models(&["run", source.to_str().unwrap(), "--pipeline", pipeline, "--output", output.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{pipeline}: {ran:#?}");
    assert!(!output.join("failures.jsonl").exists(), "{pipeline}");
}

/// Overlap of two boxes over what they cover together.
fn iou(a: &[f64], b: &[f64]) -> f64 {
    let area = |corners: &[f64]| (corners[2] - corners[0]).max(0.0) * (corners[3] - corners[1]).max(0.0);
    let both = [a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])];
    let shared = if both[0] < both[2] { area(&both) } else { 0.0 };
    shared / (area(a) + area(b) - shared)
}

/// The boxes of what a record has of a kind.
fn boxes(record: &Value, kind: &str) -> Vec<Vec<f64>> {
    record[kind].as_array().unwrap().iter().map(|found| numbers(&found["box"])).collect()
}

/// The records of a step, one of each photograph under its name.
fn of_photographs(output: &Path, step: &str) -> Vec<Value> {
    let rows = records(output, step);
    let files: Vec<&str> = rows.iter().map(|row| row["file"].as_str().unwrap()).collect();
    assert_eq!(files, ALL.map(|photograph| photograph.file), "{step}");
    rows
}

/// Poses, masks and faces lie on the persons, in pixels of the photograph that they are on.
fn check_coordinates(output: &Path) {
    let [poses, masks, faces] = ["pose", "segmentation", "face-clustering"].map(|step| of_photographs(output, step));
    for (at, photograph) in ALL.iter().enumerate() {
        let (width, height) = photograph.size();
        let inside = |corners: &Vec<f64>| corners[2] <= width as f64 + 1.0 && corners[3] <= height as f64 + 1.0;
        let (poses, faces) = (boxes(&poses[at], "pose"), boxes(&faces[at], "face"));
        assert!(faces.iter().all(inside), "{}: {faces:?}", photograph.file);
        for person in photograph.persons() {
            let best = poses.iter().map(|found| iou(found, &person.corners)).fold(0.0, f64::max);
            assert!(best > 0.5, "{}: {:?} among {poses:?}", photograph.file, person.corners);
        }
        for mask in masks[at]["mask"].as_array().unwrap() {
            let runs = &mask["run_lengths"];
            assert_eq!(
                (runs["width"].as_u64(), runs["height"].as_u64()),
                (Some(width), Some(height)),
                "{}",
                photograph.file
            );
        }
    }
    // Who looks into the camera has a face around the nose, and a mask around the body.
    let astronaut = ALL.iter().position(|photograph| photograph.file == "street.jpg").unwrap();
    let person = &ALL[astronaut].persons()[0];
    let [x, y] = person.nose.unwrap();
    let around = |corners: &Vec<f64>| corners[0] < x && x < corners[2] && corners[1] < y && y < corners[3];
    let (faces, masks) = (boxes(&faces[astronaut], "face"), boxes(&masks[astronaut], "mask"));
    assert!(faces.iter().any(around), "{faces:?} around {x}, {y}");
    assert!(masks.iter().any(|mask| iou(mask, &person.corners) > 0.7), "{masks:?} on {:?}", person.corners);
}

/// A COCO file has every photograph with its size and its name, which opens below the folder that it names.
fn check_coco(document: &Path) {
    let coco: Value = serde_json::from_slice(&std::fs::read(document).unwrap()).unwrap();
    let reported: Vec<Value> =
        coco["images"].as_array().unwrap().iter().map(|image| json!([image["width"], image["height"]])).collect();
    assert_eq!(reported, ALL.map(|photograph| json!([photograph.size().0, photograph.size().1])));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/it/photographs/coco.py");
    framefleet_testkit::read_by(&script, &[document]).unwrap_or_else(|error| panic!("{error}"));
}

/// Names of files below a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let files =
        walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    files.map(|file| file.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned()).collect()
}

fn each(name: impl Fn(&Photograph) -> String) -> BTreeSet<String> {
    ALL.iter().map(name).collect()
}

/// Pictures of masks and photographs that were written anew are called as the photographs are.
fn check_names(output: &Path) {
    let pictures = names(&output.join("artifacts/segmentation/photographs"));
    for product in ["backgrounds", "overlay", "frames"] {
        let of_product = pictures.iter().filter(|name| name.starts_with(product)).cloned().collect::<BTreeSet<_>>();
        // What comes out under the photograph's own name has it in any case.
        let name = |photograph: &Photograph| match photograph.file.ends_with(".jpg") {
            true => format!("{product}/{}", photograph.file),
            false => format!("{product}/{}.jpg", photograph.stem),
        };
        assert_eq!(of_product, each(name));
    }
    for photograph in &ALL {
        for (product, ending) in [("cutouts", ""), ("context", "_ctx"), ("blurred", "_blur"), ("masks", "_mask")] {
            let first = format!("{product}/{}_inst0{ending}.png", photograph.stem);
            assert!(pictures.contains(&first), "{first} among {pictures:#?}");
        }
    }
}

/// Exports ask for the size and the name of each photograph.
fn check_exports(output: &Path, work: &Path) {
    let export = |format: &str| -> PathBuf {
        let to = work.join(format);
        let (from, folder) = (output.to_str().unwrap(), to.to_str().unwrap());
        let step = if format == "coco" { "pose" } else { "segmentation" };
        let ran = with_models(&["export", from, "--to", format, "--step", step, "-o", folder]);
        assert_eq!(ran.code, Some(0), "{format}: {ran:#?}");
        to
    };
    check_coco(&export("coco").join("annotations/instances_default.json"));
    let mut overlays = names(&export("overlay"));
    assert!(overlays.remove(".framefleet-export.json"), "the list of what the export wrote");
    assert_eq!(
        overlays,
        each(|photograph| match photograph.file.ends_with(".png") {
            true => format!("photographs/{}", photograph.file),
            false => format!("photographs/{}.png", photograph.stem),
        })
    );
    let masks: BTreeSet<String> = names(&output.join("artifacts/segmentation/photographs/masks"));
    assert_eq!(names(&export("masks").join("photographs/masks")), masks, "as the stage calls them");
}

/// Written anew with name, format and size.
fn check_restored(output: &Path, pipeline: &str) {
    let folder = output.join("artifacts/assemble/photographs");
    assert_eq!(names(&folder), each(|photograph| photograph.file.to_owned()), "{pipeline}");
    for photograph in &ALL {
        let picture = framefleet_testkit::decode_rgb8(&folder.join(photograph.file)).unwrap().swap_remove(0);
        let size = (u64::from(picture.width), u64::from(picture.height));
        assert_eq!(size, photograph.size(), "{pipeline}: {}", photograph.file);
    }
}

#[test]
fn photographs_of_four_sizes_go_through_every_stage_and_pipeline() {
    fetch_models();
    let work = folder();
    let source = photographs(work.path());
    let (everything, output) = (work.path().join("everything.toml"), work.path().join("out"));
    std::fs::write(&everything, PERCEPTION).unwrap();
    run(&source, everything.to_str().unwrap(), &output);
    for step in ["lighting", "motion", "face-clustering", "pose", "segmentation", "sync"] {
        let rows = of_photographs(&output, step);
        let expected = if matches!(step, "motion" | "sync") { json!({"skipped": "still"}) } else { Value::Null };
        assert!(rows.iter().all(|row| row["outcome"] == expected), "{step}: {rows:#?}");
    }
    check_coordinates(&output);
    check_names(&output);
    check_coco(&output.join("coco.json"));
    check_exports(&output, work.path());
    let tracks = json(&output, "summary/face-clustering.json")["face_track"].clone();
    assert!(tracks.as_array().unwrap().iter().all(|track| track["best"]["file"] == track["file"]), "{tracks:#}");
    let report = std::fs::read_to_string(output.join("report.html")).unwrap();
    assert!(ALL.iter().all(|photograph| report.contains(&format!("\"file\":\"{}\"", photograph.file))));

    for pipeline in ["analyse", "categorize", "dataset-people", "remove-background", "remove-people"] {
        run(&source, pipeline, &output);
        if pipeline.starts_with("remove") {
            check_restored(&output, pipeline);
        }
    }
    let said = with_models(&["verify", output.to_str().unwrap(), "--deep"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
}

/// Over NATS, in processes of their own, the same comes out.
#[test]
fn a_fleet_makes_the_same_of_photographs() {
    fetch_models();
    let work = folder();
    let source = photographs(work.path());
    let everything = work.path().join("everything.toml");
    std::fs::write(&everything, PERCEPTION).unwrap();
    let cache = framefleet_testkit_models::cache_folder().canonicalize().unwrap();
    let mut fleet = Fleet::bus_only();
    let models = cache.join("models").to_str().unwrap().to_owned();
    let library = cache.join("onnxruntime/capi").join(framefleet_infer::runtime::LIBRARY_NAME);
    fleet.arguments = ["--model-cache", &models, "--onnxruntime", library.canonicalize().unwrap().to_str().unwrap()]
        .map(str::to_owned)
        .to_vec();
    fleet.start_orchestrator();
    fleet.start_worker(&[]);
    for pipeline in [everything.to_str().unwrap(), "remove-background", "remove-people"] {
        let name = Path::new(pipeline).file_stem().unwrap().to_str().unwrap();
        let (alone, output) = (work.path().join(format!("{name}-alone")), work.path().join(name));
        run(&source, pipeline, &alone);
        fleet.wait_done(&fleet.submit(&source, &output, &["--pipeline", pipeline]));
        assert_eq!(digest(&output), digest(&alone), "{name}");
        assert!(!output.join("failures.jsonl").exists(), "{name}");
    }
}
