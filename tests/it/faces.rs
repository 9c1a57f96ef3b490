//! Faces by the program: a person that the user names stays named when a film is added, and nothing is seen twice.
use crate::program::{Ran, json, records, with_models, worked};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A portrait of the samples as a short clip: the picture pans, so that the face moves.
fn clip(path: &Path, portrait: &str, part: &str) {
    let picture = framefleet_testkit::sample(&format!("faces/{portrait}")).unwrap();
    let filter = format!("crop={part},scale=480:-2,crop=400:300:x=2*n:y=n,format=yuv420p");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-loop", "1", "-framerate", "25", "-i"])
        .arg(picture)
        .args(["-frames:v", "36", "-vf", &filter, "-c:v", "libx264", "-g", "12"])
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

/// What the program says, with models, when all goes well.
pub fn done(arguments: &[&str]) -> String {
    let ran = with_models(arguments);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    ran.out
}

struct Place {
    films: PathBuf,
    output: PathBuf,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        for model in ["yunet-2023mar", "sface-2021dec"] {
            framefleet_testkit_models::model(model).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let (films, output) = (folder.path().join("films"), folder.path().join("out"));
        std::fs::create_dir(&films).unwrap();
        Self { films, output, _folder: folder }
    }

    fn run(&self) {
        let (films, output) = (self.films.to_str().unwrap(), self.output.to_str().unwrap());
        done(&["run", films, "--stages", "face-clustering", "--output", output]);
    }

    fn edit(&self, arguments: &[&str]) -> Ran {
        let output = self.output.to_str().unwrap();
        with_models(&[&["edit", output, "face-clustering"], arguments].concat())
    }

    fn identities(&self) -> Vec<Value> {
        json(&self.output, "summary/face-clustering.json")["identity"].as_array().unwrap().clone()
    }

    fn named(&self, name: &str) -> Value {
        self.identities().into_iter().find(|identity| identity["name"] == name).unwrap_or_default()
    }
}

#[test]
fn a_name_holds_when_a_film_is_added_and_first_films_are_not_seen_again() {
    let place = Place::new();
    clip(&place.films.join("m.mp4"), "obama.jpg", "700:800:100:0");
    clip(&place.films.join("n.mp4"), "biden.jpg", "700:800:200:0");
    place.run();
    assert_eq!((place.identities().len(), worked(&place.output, "face-clustering")), (2, 72));
    let face = &records(&place.output, "face-clustering")[3]["face"][0];
    assert!(face["identity"].is_u64() && face["track"].is_u64() && face["quality"]["value"].is_number(), "{face}");
    assert!(face.get("embedding").is_none(), "that is in Parquet alone");
    let president = place.identities().iter().find(|one| one["items"][0] == "m.mp4").unwrap()["number"].to_string();

    // A name: finish runs again, nothing is looked at again.
    let ran = place.edit(&["name", &president, "Barack"]);
    assert!(ran.code == Some(0) && ran.out.contains("again"), "{ran:?}");
    assert_eq!(place.named("Barack"), Value::Null, "an edit changes no result by itself");
    place.run();
    assert_eq!(worked(&place.output, "face-clustering"), 0);
    assert_eq!(place.named("Barack")["items"], serde_json::json!(["m.mp4"]));

    // Another film of the same person, before the others, so that every number may change; and a stranger.
    clip(&place.films.join("a.mp4"), "obama2.jpg", "560:640:40:60");
    place.run();
    assert_eq!(worked(&place.output, "face-clustering"), 36, "the new film and no other");
    assert_eq!(place.named("Barack")["items"], serde_json::json!(["a.mp4", "m.mp4"]));
    assert_eq!(place.identities().len(), 2);

    // The page of identities.
    let page = std::fs::read_to_string(place.output.join("report/identities-face-clustering.html")).unwrap();
    assert!(page.contains(">Barack</h2>") && page.matches("data:image/jpeg;base64,").count() >= 2);
    let report = std::fs::read_to_string(place.output.join("report.html")).unwrap();
    assert!(report.contains("report/identities-face-clustering.html"));

    // Dropped, and taken back.
    assert_eq!(place.edit(&["drop", "Barack"]).code, Some(0));
    place.run();
    assert_eq!((place.identities().len(), place.named("Barack")), (1, Value::Null));
    assert_eq!(place.edit(&["undo"]).code, Some(0));
    place.run();
    assert_eq!(place.named("Barack")["items"], serde_json::json!(["a.mp4", "m.mp4"]));
    let output = place.output.to_str().unwrap();
    done(&["verify", output, "--deep"]);

    // What cannot be is refused, and nothing is noted.
    let before = std::fs::read(place.output.join("edits.jsonl")).unwrap();
    for (arguments, says) in [
        (vec!["name", "17", "Anna"], "no identity"),
        (vec!["name", "m.mp4:3:9", "Anna"], "no face 9 on frame 3"),
        (vec!["split", "n.mp4:3:0"], "is left without"),
    ] {
        let ran = place.edit(&arguments);
        assert!(ran.code == Some(64) && ran.err.contains(says), "{ran:?}");
    }
    assert_eq!(with_models(&["edit", output, "motion", "drop", "0"]).code, Some(64));
    assert_eq!(std::fs::read(place.output.join("edits.jsonl")).unwrap(), before);
    std::fs::write(place.output.join("edits.jsonl"), "no correction\n").unwrap();
    let films = place.films.to_str().unwrap();
    let ran = with_models(&["run", films, "--stages", "face-clustering", "--output", output]);
    assert!(ran.code == Some(78) && ran.err.contains("edits.jsonl line 1"), "{ran:?}");
}
