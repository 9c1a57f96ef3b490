use super::*;
use crate::SyncSettings;
use framefleet_stage::Settings as _;

const RTTM: &str = ";; a comment\nSPKR-INFO talk 1 <NA> <NA> <NA> unknown ada <NA> <NA>\n\
    SPEAKER talk 1 2.50 1.25 <NA> <NA> ada <NA> <NA>\nSPEAKER talk 1 0.5 1 <NA> <NA> bob <NA> <NA>\n";

#[test]
fn both_formats_say_the_same() {
    let json = r#" {"segments": [{"start": 0.5, "end": 1.5, "speaker": "bob", "file": "talk"},
        {"start": 2.5, "end": 3.75, "speaker": "ada", "file": "talk"}]}"#;
    let diarisation = Diarisation::parse(RTTM.as_bytes()).unwrap();
    assert_eq!(diarisation, Diarisation::parse(json.as_bytes()).unwrap());
    assert_eq!(diarisation.of("films/talk.mp4").map(|turn| turn.speaker.as_str()).collect::<Vec<_>>(), ["bob", "ada"]);
    assert_eq!(diarisation.of("films/scene2_talk.mp4").count(), 0);
}

#[test]
fn what_is_no_diarisation_is_refused_without_being_quoted() {
    for (content, words) in [
        ("{\"hunter2\": 1}", "line 1"),
        ("SPEAKER talk 1 0.5 1 <NA> <NA>\n", "eighth field"),
        ("root:hunter2:0:0\n", "begin with SPEAKER"),
        ("", "begin with SPEAKER"),
        ("{\"segments\": [{\"start\": 2.0, \"end\": 1.0, \"speaker\": \"hunter2\"}]}", "segment 0"),
    ] {
        let problem = SyncSettings::check_file("diarisation", content.as_bytes()).unwrap_err();
        assert!(problem.contains(words) && !problem.contains("hunter2"), "{problem}");
    }
    assert_eq!(Diarisation::parse(&[0xff, 0xfe]), Err(DiarisationError::Format));
}
