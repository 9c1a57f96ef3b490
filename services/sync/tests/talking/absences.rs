//! What is not there is said to be not there, and nothing is made up for it.
use crate::harness::{Footage, Results, step, tale};
use crate::offset::talking_face;
use framefleet_frames::{ItemKind, SyncState};
use framefleet_testkit::Picture;
use sync::{STILL, SyncSettings};

fn heard(sound: Option<Vec<f32>>) -> Results {
    let (footage, processed) = talking_face();
    footage.heard(sound).finish(&step(&SyncSettings::default()), processed)
}

fn says_nothing(results: &Results, state: SyncState) {
    let offset = results.offset();
    assert_eq!(offset.state(), state);
    assert_eq!(
        (offset.offset_ms, offset.offset_frames, offset.confidence, offset.correlation),
        (None, None, None, None)
    );
    assert_eq!(results.offsets.len(), 1);
    let item = &results.statistics["items"][0];
    assert_eq!(item["state"], framefleet_frames::annotation::to_json(&annotation(offset)).unwrap()["state"]);
    assert_eq!(item["offset_ms"], serde_json::Value::Null);
}

fn annotation(offset: &framefleet_frames::AvOffset) -> framefleet_frames::Annotation {
    let value = Some(framefleet_frames::annotation::Value::AvOffset(offset.clone()));
    framefleet_frames::Annotation { instance: 0, value }
}

#[test]
fn without_sound() {
    let results = heard(None);
    says_nothing(&results, SyncState::NoAudio);
    assert_eq!(results.offset().sound, None);
    assert!(results.speaking.is_empty());
    assert!(
        results.amended.values().all(|fields| *fields == (0, None)) && results.amended.len() == results.mouths.len()
    );
}

#[test]
fn without_speech() {
    let seconds = tale().len();
    let silence = heard(Some(vec![0.0; seconds]));
    says_nothing(&silence, SyncState::NoSpeech);
    // Music of a kind: a chord that swells and fades.
    let note = |n: usize, hertz: f32| (n as f32 / 16_000.0 * hertz * std::f32::consts::TAU).sin();
    let chord = |n: usize| {
        let swell = 0.5 + 0.5 * (n as f32 / 16_000.0 * 3.0).sin();
        0.2 * swell * (note(n, 262.0) + note(n, 330.0) + note(n, 392.0) + 0.5 * note(n, 1048.0))
    };
    let music = heard(Some((0..seconds).map(chord).collect()));
    says_nothing(&music, SyncState::NoSpeech);
    for results in [silence, music] {
        assert!(results.speaking.is_empty() && results.offset().sound.is_some());
        assert!(results.amended.values().all(|fields| *fields == (0, Some(false))));
    }
}

#[test]
fn without_a_face() {
    let frames = tale().len() * 25 / 16_000;
    let pictures = vec![Picture::filled(64, 64, [90; 3]); frames];
    let results = Footage::new(pictures, vec![vec![]; frames], Some(tale().to_vec())).run(&SyncSettings::default());
    says_nothing(&results, SyncState::NoFace);
    assert!(results.mouths.is_empty() && results.failed.is_empty() && results.amended.is_empty());
    // That somebody speaks is heard all the same.
    assert!(results.offset().speech_seconds > 8.0 && results.seconds_of("off screen") > 8.0);
}

#[test]
fn a_detection_that_is_no_face_is_not_trusted() {
    let frames = 100;
    let pictures = vec![Picture::from_fn(240, 240, |x, y| [(x * 7 % 256) as u8, (y * 5 % 256) as u8, 90]); frames];
    let faces = vec![vec![crate::harness::detected()]; frames];
    let results = Footage::new(pictures, faces, Some(tale().to_vec())).run(&SyncSettings::default());
    says_nothing(&results, SyncState::NoFace);
    assert!(results.mouths.values().all(|mouth| mouth.confidence < 0.5));
}

#[test]
fn faces_that_are_too_small_are_left_out() {
    let frames = 40;
    let mut face = crate::harness::detected();
    face.r#box = vec![100.0, 100.0, 120.0, 125.0];
    let pictures = vec![Picture::filled(240, 240, [90; 3]); frames];
    let results = Footage::new(pictures, vec![vec![face]; frames], None).run(&SyncSettings::default());
    assert!(results.mouths.is_empty() && results.failed.is_empty());
}

#[test]
fn stills_are_skipped() {
    let mut footage = Footage::talking(&tale()[..16_000], None);
    footage.film.item.kind = ItemKind::Stills.into();
    let results = footage.run(&SyncSettings::default());
    assert_eq!(results.skipped.len(), 25);
    assert!(results.skipped.iter().all(|(_, rule)| rule == STILL) && results.mouths.is_empty());
    assert!(results.offsets.is_empty());
}
