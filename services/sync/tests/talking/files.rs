//! A real file: H.264 and AAC, read back by the decoder and by the reader of sound.
use crate::harness::{Footage, FromFile, ahead, detected, face, openings, tale};
use framefleet_frames::{SoundTrack, SyncState};
use framefleet_testkit::{Audio, Clip, decode_rgb8, remux};
use std::sync::Arc;
use sync::SyncSettings;

#[test]
fn offsets_of_files_come_back() {
    let said = &tale()[..8 * 16_000];
    let open = openings(said, 200, 25);
    let folder = tempfile::tempdir().unwrap();
    for (name, frames) in [("late.mp4", -3.0_f64), ("early.mkv", 6.0)] {
        let sound = Audio::Samples(16_000, ahead(said, frames / 25.0)[..said.len()].to_vec());
        let clip = Clip::new(240, 240, 200).quality(20).audio(sound);
        let path = clip.write(&folder.path().join(name), |n| face().paint(open[n as usize])).unwrap();
        let pictures = decode_rgb8(&path).unwrap();
        assert_eq!(pictures.len(), 200);
        let mut footage = Footage::new(pictures, vec![vec![detected()]; 200], None);
        footage.film.item.has_audio = true;
        footage.film.item.location = path.display().to_string();
        footage.film.audio = Arc::new(FromFile);
        let results = footage.run(&SyncSettings::default());
        assert_eq!(results.state(), SyncState::Measured, "{:?}", results.offset());
        let found = f64::from(results.offset().offset_frames.unwrap());
        println!("{name}: {frames} frames, found {found:.2}");
        assert!((found - frames).abs() <= 1.0, "{name}: {:?}", results.offset());
        let sound = results.offset().sound.clone().unwrap();
        assert!(sound.low.len() == sound.voice.len() && sound.high.iter().any(|high| *high > 0.2));
    }
}

/// Recordings with a silent track first and the microphone on the second.
#[test]
fn speech_on_the_second_track_of_a_file_is_heard() {
    let said = &tale()[..8 * 16_000];
    let open = openings(said, 200, 25);
    let folder = tempfile::tempdir().unwrap();
    let clip = |name: &str, samples: Vec<f32>| {
        let clip = Clip::new(240, 240, 200).quality(20).audio(Audio::Samples(16_000, samples));
        clip.write(&folder.path().join(name), |n| face().paint(open[n as usize])).unwrap()
    };
    let silent = clip("silent.mp4", vec![0.0; said.len()]);
    let spoken = clip("spoken.mp4", ahead(said, 0.16)[..said.len()].to_vec()).display().to_string();
    let arguments = ["-i", &spoken, "-map", "1:a"];
    let path = remux(&silent, &folder.path().join("second-track.mp4"), &arguments).unwrap();
    let mut footage = Footage::new(decode_rgb8(&path).unwrap(), vec![vec![detected()]; 200], None);
    footage.film.item.has_audio = true;
    footage.film.item.sound_tracks =
        [true, false].map(|is_default| SoundTrack { is_default, ..SoundTrack::default() }).to_vec();
    footage.film.item.location = path.display().to_string();
    footage.film.audio = Arc::new(FromFile);
    let results = footage.run(&SyncSettings::default());
    let offset = results.offset();
    assert_eq!((offset.state(), offset.sound_track), (SyncState::Measured, Some(1)), "{offset:?}");
    assert!((offset.offset_frames.unwrap() - 4.0).abs() <= 1.0, "{offset:?}");
}
