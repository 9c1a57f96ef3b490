//! The offset of the sound, on a face that talks.
#![cfg(test)]

mod harness;

use framefleet_media::SyncState;
use harness::{Footage, ahead, other_tale, stage, tale};
use sync::SyncSettings;

#[test]
fn injected_offsets_come_back() {
    let stage = stage(&SyncSettings::default());
    let mut footage = Footage::talking(tale(), None);
    let processed = footage.process(&stage);
    for frames in -10..=10 {
        footage.sound = Some(ahead(tale(), f64::from(frames) / 25.0));
        let results = footage.finish(&stage, &processed);
        let offset = results.offset();
        println!(
            "{frames:3} {:?} {:?} {:?} r {:?} ratio {:?} {} {:.1} s",
            offset.state(),
            offset.offset_frames,
            offset.confidence,
            offset.correlation,
            offset.peak_ratio,
            offset.segments,
            offset.speech_seconds
        );
        assert_eq!(offset.state(), SyncState::Measured, "{frames}");
        assert!((offset.offset_frames.unwrap() - frames as f32).abs() <= 1.0, "{frames}: {offset:?}");
    }
}

#[test]
fn a_dubbed_face_has_no_offset() {
    let results = Footage::talking(tale(), Some(other_tale().to_vec())).run(&SyncSettings::default());
    println!("{:?}", results.statistics);
    assert_eq!(results.state(), SyncState::Uncertain);
    assert_eq!(results.offset().offset_ms, None);
}
