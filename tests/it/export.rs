//! `framefleet export`, by the program itself on a job that it ran.
use crate::footage::{folder, moving};
use crate::program::{framefleet, records, run, with_models};
use framefleet_testkit::{Picture, decode_rgb8, ffprobe};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const FRAMES: usize = 12;

/// A portrait that pans by two pixels a frame.
fn portrait(path: &Path) {
    let picture = framefleet_testkit::sample("astronaut.png").unwrap();
    let filter = "crop=400:400:x=2*n:y=0,scale=320:320,format=yuv420p";
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-loop", "1", "-framerate", "25", "-i"])
        .arg(picture)
        .args(["-frames:v", &FRAMES.to_string(), "-vf", filter, "-c:v", "libx264", "-g", "12"])
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

/// Exports, and what the program says of it.
fn exported(output: &Path, to: &Path, more: &[&str]) -> Value {
    let (output, to) = (output.to_str().unwrap(), to.to_str().unwrap());
    let ran = framefleet([&["export", output, "-o", to, "--json"], more].concat());
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    serde_json::from_str(&ran.out).unwrap()
}

fn files(said: &Value) -> Vec<PathBuf> {
    said["files"].as_array().unwrap().iter().map(|file| PathBuf::from(file.as_str().unwrap())).collect()
}

fn read(path: &Path) -> Picture {
    decode_rgb8(path).unwrap_or_else(|error| panic!("{}: {error:?}", path.display())).swap_remove(0)
}

/// One job, and everything that can be made of it without running a model again.
#[test]
fn a_finished_job_is_exported_in_every_format() {
    for model in ["movenet-multipose", "blazepose-full", "selfie-square"] {
        framefleet_testkit_models::model(model).unwrap();
    }
    let work = folder();
    let (clip, output) = (work.path().join("clip.mp4"), work.path().join("out"));
    portrait(&clip);
    let job = ["run", clip.to_str().unwrap(), "--stages", "pose,segmentation", "--output", output.to_str().unwrap()];
    let ran = with_models(&job);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let masks = records(&output, "segmentation");
    let instances: usize = masks.iter().map(|row| row["mask"].as_array().map_or(0, Vec::len)).sum();
    assert!(instances >= FRAMES, "{instances}");

    let to = work.path().join("masks");
    let said = exported(&output, &to, &["--to", "masks"]);
    assert_eq!((&said["steps"][0], said["frames"].as_u64()), (&Value::from("segmentation"), Some(FRAMES as u64)));
    assert_eq!(files(&said).len(), instances);
    let first = &masks[3]["mask"][0];
    let picture = read(&to.join("clip/masks/000003_inst0_mask.png"));
    assert_eq!((picture.width, picture.height), (320, 320));
    let set = picture.rgb.chunks(3).filter(|pixel| pixel[0] > 0).count() as u64;
    assert_eq!(set, first["area"].as_u64().unwrap());

    let to = work.path().join("cutouts");
    let said = exported(&output, &to, &["--to", "cutouts", "--every", "5"]);
    assert!(files(&said).iter().all(|file| {
        let name = file.file_name().unwrap().to_str().unwrap();
        ["000000", "000005", "000010"].iter().any(|frame| name.starts_with(frame))
    }));
    assert_eq!(said["frames"], 3);
    let path = to.join("clip/cutouts/000000_inst0.png");
    let cutout = read(&path);
    let sides = masks[0]["mask"][0]["box"].as_array().unwrap();
    let corners: Vec<u32> = sides.iter().map(|side| side.as_f64().unwrap() as u32).collect();
    assert_eq!((cutout.width, cutout.height), (corners[2] - corners[0], corners[3] - corners[1]));
    assert_eq!(ffprobe(&path).unwrap()["streams"][0]["pix_fmt"], "rgba");

    let poses = records(&output, "pose");
    let persons: usize = poses.iter().map(|row| row["pose"].as_array().map_or(0, Vec::len)).sum();
    let to = work.path().join("coco");
    let said = exported(&output, &to, &["--to", "coco", "--step", "pose", "--frames"]);
    assert_eq!(said["files"].as_array().unwrap().len(), FRAMES + 2);
    let coco = to.join("annotations/instances_default.json");
    let coco: Value = serde_json::from_slice(&std::fs::read(coco).unwrap()).unwrap();
    let images = coco["images"].as_array().unwrap();
    assert_eq!(images.len(), FRAMES);
    for image in images {
        let picture = read(&to.join("images").join(image["file_name"].as_str().unwrap()));
        assert_eq!((picture.width, picture.height), (320, 320));
    }
    assert_eq!((coco["annotations"].as_array().unwrap().len(), persons > 0), (persons, true));
    let to = work.path().join("mot");
    let said = exported(&output, &to, &["--to", "mot"]);
    assert_eq!(said["steps"][0], "pose");
    let lines = std::fs::read_to_string(to.join("clip.mp4/gt/gt.txt")).unwrap();
    assert!(lines.lines().count() > 0 && lines.lines().all(|line| line.split(',').count() == 9), "{lines}");

    // One picture of the shot, which the export then has.
    let ran = framefleet(["select", output.to_str().unwrap(), "--one-per-shot", "--name", "one", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["frames"], 1);
    assert!(output.join("selections/one.jsonl").is_file() && output.join("selections/one.jpg").is_file());
    let said = exported(&output, &work.path().join("one"), &["--to", "webdataset", "--select"]);
    assert_eq!((said["frames"].as_u64(), said["files"].as_array().unwrap().len()), (Some(1), 2));

    // Poses go first where a film could show both; a step that is named is taken.
    for (more, step) in [(&[][..], "pose"), (&["--step", "segmentation"], "segmentation")] {
        let said = exported(&output, &work.path().join(step), &[&["--to", "overlay"], more].concat());
        assert_eq!(said["steps"][0], step);
        let film = decode_rgb8(&files(&said)[0]).unwrap();
        assert_eq!(film.len(), FRAMES);
    }
}

#[test]
fn what_cannot_be_exported_is_refused_with_the_reason() {
    let work = folder();
    let output = work.path().join("out");
    let clip = moving(&work.path().join("clip.mp4"), 10);
    run(&clip, &output, &["--stages", "lighting"]);
    let refused = |arguments: &[&str]| {
        let to = work.path().join("to");
        let ran = framefleet([&["export", "-o", to.to_str().unwrap()], arguments].concat());
        (ran.code, ran.err)
    };
    let path = output.to_str().unwrap();
    let (code, text) = refused(&[path, "--to", "gif"]);
    assert!(
        code == Some(64) && text.contains("gif") && text.contains("webdataset") && text.contains("cutouts"),
        "{code:?} {text}"
    );
    let (code, text) = refused(&[path, "--to", "masks"]);
    assert!(
        code == Some(1) && text.contains("no step of this output makes mask") && text.contains("lighting"),
        "{code:?} {text}"
    );
    let (code, text) = refused(&[path, "--to", "mot", "--step", "lighting"]);
    assert!(
        code == Some(1) && text.contains("there is no step \"lighting\" that makes what mot shows"),
        "{code:?} {text}"
    );
    let (code, text) = refused(&[path, "--to", "masks", "--every", "0"]);
    assert!(code == Some(64) && text.contains("--every"), "{code:?} {text}");
    let nowhere = work.path().join("nowhere");
    let (code, text) = refused(&[nowhere.to_str().unwrap(), "--to", "mot"]);
    assert!(code.is_some_and(|code| code != 0) && text.contains("nowhere"), "{code:?} {text}");
}
