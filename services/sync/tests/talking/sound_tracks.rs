//! Of several sound tracks the one that somebody speaks in is heard, or the one that is asked for.
use crate::harness::{Footage, Results, SOUND, ahead, other_tale, step, tale};
use crate::offset::talking_face;
use framefleet_frames::{SoundTrack, SyncState};
use framefleet_testkit_stage::{Film, Heard, Tracks};
use std::sync::Arc;
use sync::{SyncSettings, TrackSetting};

/// The talking face of `talking_face` with these sound tracks, the first of which is the default one, under a setting of `track`.
fn heard(tracks: &[Vec<f32>], track: TrackSetting) -> Results {
    let (footage, processed) = talking_face();
    let heard = |samples: &Vec<f32>| Heard { rate: SOUND, samples: samples.clone() };
    let audio = Arc::new(Tracks(tracks.iter().map(heard).collect()));
    let mut item = footage.film.item.clone();
    item.has_audio = true;
    item.sound_tracks = ["deu", "eng", "fra"]
        .into_iter()
        .zip(tracks)
        .map(|(language, _)| SoundTrack {
            codec: "aac".to_owned(),
            language: language.to_owned(),
            ..Default::default()
        })
        .collect();
    item.sound_tracks[0].is_default = true;
    let film = Film { audio, item, ..footage.film.clone() };
    Footage { film }.finish(&step(&SyncSettings { track, ..SyncSettings::default() }), processed)
}

#[test]
fn speech_on_the_second_track_is_heard_and_said() {
    let silence = vec![0.0; tale().len()];
    let results = heard(&[silence.clone(), ahead(tale(), 0.12)], TrackSetting::default());
    let offset = results.offset();
    assert_eq!((offset.state(), offset.sound_track), (SyncState::Measured, Some(1)));
    assert!((offset.offset_ms.unwrap() - 120.0).abs() < 25.0, "{offset:?}");
    assert!(offset.sound_track_reason.contains("in the default track 0 for 0.0 s"), "{offset:?}");
    let item = &results.statistics["items"][0];
    assert_eq!((item["sound_track"].as_u64(), item["state"].as_str()), (Some(1), Some("measured")));
    let note = &results.statistics["notes"][0];
    assert_eq!(note["item"], item["item"]);
    assert!(note["note"].as_str().unwrap().starts_with("of its 2 sound tracks 1 (aac, eng) is heard for sync: "));

    for track in [TrackSetting::Number(0), TrackSetting::Word("deu".to_owned())] {
        let chosen = heard(&[silence.clone(), ahead(tale(), 0.12)], track);
        assert_eq!((chosen.state(), chosen.offset().sound_track), (SyncState::NoSpeech, Some(0)));
    }
}

#[test]
fn the_default_track_stays_where_somebody_speaks_in_it() {
    let results = heard(&[tale().to_vec(), other_tale().to_vec()], TrackSetting::default());
    assert_eq!((results.state(), results.offset().sound_track), (SyncState::Measured, Some(0)));
    let dubbed = heard(&[tale().to_vec(), other_tale().to_vec()], TrackSetting::Number(1));
    assert_eq!(dubbed.offset().sound_track, Some(1));
    assert!(dubbed.state() != SyncState::Measured, "another tale does not go with these lips: {:?}", dubbed.offset());
}

#[test]
fn of_one_track_nothing_is_said() {
    let results = heard(&[tale().to_vec()], TrackSetting::default());
    assert_eq!((results.offset().sound_track, results.offset().sound_track_reason.as_str()), (None, ""));
    assert_eq!(results.statistics["notes"], serde_json::json!([]));
}
