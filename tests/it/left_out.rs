//! Nothing of a source is passed over silently: it is said at the terminal, in job.json, in the report and in a dry run.
use crate::footage::{folder, moving};
use crate::program::{framefleet, json, records, try_run};
use framefleet_testkit::{image_folder, numbered};
use serde_json::{Value, json};

#[test]
fn what_is_not_read_of_a_source_is_said_everywhere() {
    let work = folder();
    let source = work.path().join("source");
    std::fs::create_dir(&source).unwrap();
    moving(&source.join("film.mp4"), 6);
    for name in ["a.heic", "b.HEIC", "notes.md", "break\n.xcf"] {
        std::fs::write(source.join(name), "?").unwrap();
    }
    let shots = image_folder(&source.join("shots"), "png", 20, |frame| numbered(64, 48, frame)).unwrap();
    std::fs::remove_file(&shots[11]).unwrap();
    let output = work.path().join("out");
    let passed = "4 files of kinds not read: 2 .heic, 1 .md, 1 .xcf";
    let film = "shots: read as a film: pictures 0 to 19 of one size; 1 missing, a failed frame each";

    let more = ["--stages", "lighting", "--dry-run"];
    let dry = try_run(&source, &output, &more);
    assert!(dry.out.contains(passed) && dry.out.contains(film), "{dry:#?}");
    let dry = try_run(&source, &output, &[&more[..], &["--json"]].concat());
    let said: Value = serde_json::from_str(dry.out.lines().last().unwrap()).unwrap();
    assert_eq!(said["dry_run"]["left_out"]["passed_over"], json!({ ".heic": 2, ".md": 1, ".xcf": 1 }));

    // The missing picture is a failed frame: done, but for that.
    let ran = try_run(&source, &output, &more[..2]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert!(ran.err.contains(passed) && ran.err.contains(film), "{ran:#?}");
    let left_out = json(&output, "job.json")["results"]["left_out"].clone();
    assert_eq!(left_out["passed_over"], json!({ ".heic": 2, ".md": 1, ".xcf": 1 }));
    assert_eq!(left_out["notes"][0]["item"], "shots");
    let report = std::fs::read_to_string(output.join("report.html")).unwrap();
    assert!(report.contains(passed) && report.contains(film));
    let rows = records(&output, "lighting");
    let of_shots: Vec<&Value> = rows.iter().filter(|row| row["item"] == "shots").collect();
    assert_eq!(of_shots.len(), 20, "the gap has its line");
    let verified = framefleet(["verify".as_ref(), output.as_os_str(), "--deep".as_ref()]);
    assert_eq!(verified.code, Some(0), "{verified:#?}");
}

#[test]
fn one_bad_file_among_300_is_named_and_hundreds_are_counted() {
    let work = folder();
    let source = work.path().join("images");
    image_folder(&source, "png", 1, |frame| numbered(64, 48, frame)).unwrap();
    let good = source.join("frame_000000.png");
    for number in 0..299 {
        std::fs::copy(&good, source.join(format!("{number}x.png"))).unwrap();
    }
    std::fs::write(source.join("bad.png"), "no picture").unwrap();
    let output = work.path().join("out");
    let ran = try_run(&source, &output, &["--stages", "lighting"]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert!(ran.err.contains("images/bad.png"), "{ran:#?}");
    assert_eq!(records(&output, "lighting").len(), 300);

    let films = work.path().join("films");
    std::fs::create_dir(&films).unwrap();
    (0..300).for_each(|number| std::fs::write(films.join(format!("{number}.mp4")), "no film").unwrap());
    let ran = try_run(&films, &work.path().join("none"), &[]);
    assert_eq!(ran.code, Some(64), "{}", ran.err.len());
    assert!(ran.err.contains("and 290 more"), "{ran:#?}");
}
