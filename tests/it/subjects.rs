//! Persons as subjects by the program: two who cross stay who they are, and who is chosen is removed, nobody else.
use crate::faces::done;
use crate::program::{json, records, with_models};
use framefleet_testkit::{Clip, Picture, decode_rgb8, sample};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const SIZE: (u32, u32) = (640, 360);
const FRAMES: u64 = 48;
const MODELS: [&str; 3] = ["movenet-multipose", "selfie-square", "yunet-2023mar"];

/// A person of the samples: a part of a picture, so many pixels wide and high.
fn person(folder: &Path, picture: &str, part: &str, [width, height]: [u32; 2]) -> Picture {
    let path = folder.join("person.png");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(sample(picture).unwrap())
        .args(["-vf", &format!("crop={part},scale={width}:{height}"), "-frames:v", "1"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    decode_rgb8(&path).unwrap().swap_remove(0)
}

fn paste(onto: &mut Picture, what: &Picture, x: u32, y: u32) {
    for (dx, dy) in (0..what.width).flat_map(|dx| (0..what.height).map(move |dy| (dx, dy))) {
        onto.set(x + dx, y + dy, what.get(dx, dy));
    }
}

/// Left sides of the two in a frame, who walk past each other, the first in front.
fn places(frame: u64) -> [u32; 2] {
    let share = frame as f64 / (FRAMES - 1) as f64;
    [10.0 + share * 510.0, 460.0 - share * 440.0].map(|x| x as u32)
}

/// A film of two persons who cross before a plain wall.
fn crossing(folder: &Path) -> PathBuf {
    let front = person(folder, "basketball1.png", "160:410:30:70", [110, 280]);
    let behind = person(folder, "messi5.jpg", "175:281:170:55", [165, 270]);
    let clip = Clip::new(SIZE.0, SIZE.1, FRAMES).codec("ffv1", "bgr0");
    let path = folder.join("cross.mkv");
    clip.write(&path, |frame| {
        let mut picture = Picture::filled(SIZE.0, SIZE.1, [70, 95, 110]);
        let [first, second] = places(frame);
        paste(&mut picture, &behind, second, 60);
        paste(&mut picture, &front, first, 60);
        picture
    })
    .unwrap()
}

/// Middle of a box across.
fn middle(of: &Value) -> f64 {
    let side = |at: usize| of["box"][at].as_f64().unwrap();
    (side(0) + side(2)) / 2.0
}

#[test]
fn two_who_cross_stay_who_they_are_and_one_can_be_removed() {
    for model in MODELS {
        framefleet_testkit_models::model(model).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (film, output) = (crossing(folder.path()), folder.path().join("out"));
    let arguments =
        ["--set", "inpainting.subjects=[0]", "--set", "inpainting.rest=none", "--set", "assemble.encoding=ffv1"];
    let (film, out) = (film.to_str().unwrap(), output.to_str().unwrap());
    // The step that joins is added, since a setting needs it.
    done(&[&["run", film, "--pipeline", "remove-people", "--output", out][..], &arguments].concat());

    let tracks = json(&output, "summary/subjects.json")["subject_track"].as_array().unwrap().clone();
    assert_eq!(tracks.len(), 2, "{tracks:#?}");
    assert!(
        tracks.iter().all(|track| track["frames"].as_array().unwrap().len() as u64 >= FRAMES * 7 / 10),
        "{tracks:#?}"
    );
    // Who is left at the beginning is on the right at the end.
    let (mut wrong, mut seen) = (0, 0);
    let widths = [110.0, 165.0];
    let mut who_is: [Option<usize>; 2] = [None; 2];
    for (frame, row) in records(&output, "subjects").iter().enumerate() {
        let truth: Vec<f64> =
            places(frame as u64).iter().zip(widths).map(|(x, width)| f64::from(*x) + width / 2.0).collect();
        // Where one covers the other's middle, the box says nothing of who it is.
        if (truth[0] - truth[1]).abs() < 90.0 {
            continue;
        }
        for subject in row["subject"].as_array().unwrap().iter().filter(|subject| subject["subject"].is_u64()) {
            let nearest = usize::from((middle(subject) - truth[0]).abs() > (middle(subject) - truth[1]).abs());
            let known = who_is[subject["subject"].as_u64().unwrap() as usize].get_or_insert(nearest);
            seen += 1;
            wrong += u64::from(*known != nearest);
        }
    }
    assert!(seen > FRAMES && wrong == 0, "{wrong} of {seen}");

    // Subject 0 is removed wherever it is; where the other stands by himself, nothing changes.
    let made = decode_rgb8(&output.join("artifacts/assemble/cross.mkv")).unwrap();
    let given = decode_rgb8(Path::new(film)).unwrap();
    let removed = who_is[0].unwrap();
    for frame in [2, 6, 10, FRAMES - 8, FRAMES - 3] {
        let changed = |who: usize| {
            let (left, width) = (places(frame)[who], widths[who] as u32);
            let pixels = (left..left + width).flat_map(|x| (60..330).map(move |y| (x, y)));
            pixels.filter(|(x, y)| made[frame as usize].get(*x, *y) != given[frame as usize].get(*x, *y)).count()
        };
        let (of_removed, of_other) = (changed(removed), changed(1 - removed));
        assert!(
            of_removed > 4000 && of_other < of_removed / 20,
            "frame {frame}: {of_removed} and {of_other} pixels changed"
        );
    }
}

#[test]
fn a_name_that_nobody_has_removes_nobody_and_says_so() {
    for model in MODELS.into_iter().chain(["sface-2021dec"]) {
        framefleet_testkit_models::model(model).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (film, output) = (crossing(folder.path()), folder.path().join("out"));
    let (film, out) = (film.to_str().unwrap(), output.to_str().unwrap());
    let arguments = ["run", film, "--pipeline", "remove-people", "--identity", "Ada", "--end", "8", "--output", out];
    let ran = with_models(&arguments);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    let failures = std::fs::read_to_string(output.join("failures.jsonl")).unwrap();
    assert!(failures.contains("\\\"Ada\\\" is no identity of this job"), "{failures}");
}
