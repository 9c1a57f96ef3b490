use super::*;
use crate::SyncSettings;
use framefleet_stage::complete;
use serde_json::{Map, Value, json};

const RTTM: &str = ";; a comment\nSPKR-INFO talk 1 <NA> <NA> <NA> unknown ada <NA> <NA>\n\
    SPEAKER talk 1 2.50 1.25 <NA> <NA> ada <NA> <NA>\nSPEAKER talk 1 0.5 1 <NA> <NA> bob <NA> <NA>\n";

fn written(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

fn settings(value: Value) -> Result<Map<String, Value>, String> {
    let given = Map::from_iter([("diarisation".to_owned(), value)]);
    let typed = complete::<SyncSettings>("sync", None, &given).map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(typed).unwrap().as_object().unwrap().clone())
}

#[test]
fn both_formats_say_the_same() {
    let (_kept, rttm) = written("talk.rttm", RTTM);
    let text = r#"{"segments": [{"start": 0.5, "end": 1.5, "speaker": "bob", "file": "talk"},
        {"start": 2.5, "end": 3.75, "speaker": "ada", "file": "talk"}]}"#;
    let (_also, json) = written("other.JSON", text);
    let diarisation = Diarisation::read(&rttm).unwrap();
    assert_eq!(diarisation, Diarisation::read(&json).unwrap());
    assert_eq!(diarisation.of("films/talk.mp4").map(|turn| turn.speaker.as_str()).collect::<Vec<_>>(), ["bob", "ada"]);
    assert_eq!(diarisation.of("films/scene2_talk.mp4").count(), 0);
}

#[test]
fn a_path_becomes_its_content_and_another_content_other_settings() {
    let (_kept, path) = written("talk.rttm", RTTM);
    let before = settings(json!(path)).unwrap();
    assert_eq!(before["diarisation"][0]["speaker"], "bob");
    std::fs::write(&path, RTTM.replace("bob", "eve")).unwrap();
    let after = settings(json!(path)).unwrap();
    assert_ne!(before, after, "what is keyed is what the file says");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(settings(before["diarisation"].clone()).unwrap(), before, "a plan needs no file");
}

#[test]
fn what_is_no_diarisation_is_refused_without_being_quoted() {
    let (_kept, secret) = written("secret.json", "hunter2");
    let problem = settings(json!(secret)).unwrap_err();
    assert!(problem.contains("diarisation") && problem.contains("line 1") && !problem.contains("hunter2"), "{problem}");
    let (_also, short) = written("short.rttm", "SPEAKER talk 1 0.5 1 <NA> <NA>\n");
    assert!(settings(json!(short)).unwrap_err().contains("eighth field"));
    assert!(settings(json!("/etc/passwd")).unwrap_err().contains(".rttm or .json"));
    assert!(settings(json!("nowhere.rttm")).unwrap_err().contains("nowhere.rttm"));
    let backwards = json!([{"start": 2.0, "end": 1.0, "speaker": "ada"}]);
    assert!(settings(backwards).unwrap_err().contains("segment 0"));
}
