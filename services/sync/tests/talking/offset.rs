//! The offset of the sound, and its drift.
use crate::harness::{Footage, ahead, openings, other_tale, step, tale, talk};
use framefleet_frames::SyncState;
use framefleet_testkit::Picture;
use framefleet_testkit_stage::Kept;
use std::sync::LazyLock;
use sync::SyncSettings;

/// The tale spoken by a photographed face, processed once.
pub fn talking_face() -> &'static (Footage, Kept) {
    static TALKING: LazyLock<(Footage, Kept)> = LazyLock::new(|| {
        let footage = Footage::talking(tale(), Some(tale().to_vec()));
        let processed = footage.process(&step(&SyncSettings::default()));
        (footage, processed)
    });
    &TALKING
}

#[test]
fn injected_offsets_come_back() {
    let step = step(&SyncSettings::default());
    let (footage, processed) = talking_face();
    let mut errors = Vec::new();
    for frames in -10..=10 {
        let sound = Some(ahead(tale(), f64::from(frames) / 25.0));
        let offset = footage.heard(sound).finish(&step, processed).offset().clone();
        assert_eq!(offset.state(), SyncState::Measured, "{frames}: {offset:?}");
        let found = offset.offset_frames.unwrap();
        assert!((found - frames as f32).abs() <= 1.0, "{frames}: {offset:?}");
        assert!((offset.offset_ms.unwrap() / 40.0 - found).abs() < 1e-3, "{offset:?}");
        assert!(offset.confidence.unwrap() > 0.5 && offset.peak_ratio.unwrap() > 2.0, "{offset:?}");
        errors.push((offset.offset_ms.unwrap() - 40.0 * frames as f32).abs());
    }
    let mean = errors.iter().sum::<f32>() / errors.len() as f32;
    println!("mean error {mean:.1} ms, most {:.1} ms", errors.iter().copied().fold(0.0, f32::max));
}

#[test]
fn a_face_that_says_something_else_has_no_offset() {
    let (footage, processed) = talking_face();
    let results = footage.heard(Some(other_tale().to_vec())).finish(&step(&SyncSettings::default()), processed);
    assert_eq!(results.state(), SyncState::Uncertain, "{:?}", results.offset());
    assert_eq!((results.offset().offset_ms, results.offset().drift_ppm), (None, None));
    assert!(results.offset().speech_seconds > 8.0);
}

/// A minute of mouths, and the same minute played too fast or too slowly.
#[test]
fn drift_comes_back() {
    let text = "The north wind and the sun were disputing which was the stronger, when a traveller came along wrapped in a warm \
        cloak. They agreed that the one who first succeeded in making the traveller take his cloak off should be considered \
        stronger than the other. Then the north wind blew as hard as he could, but the more he blew the more closely did the \
        traveller fold his cloak around him; and at last the north wind gave up the attempt.";
    let said = [tale(), &talk(text), other_tale()].concat();
    let frames = said.len() as u64 * 25 / 16_000;
    let footage = Footage::new(vec![Picture::filled(64, 64, [0; 3])], vec![vec![]], None);
    let processed = footage.with_mouths(&[openings(&said, frames, 25)]);
    let step = step(&SyncSettings::default());
    for ppm in [0.0, 1000.0, -1500.0] {
        let speed = 1.0 + ppm / 1e6;
        let at = |n: usize| {
            let position = n as f64 * speed;
            let (left, right) = (said.get(position as usize), said.get(position as usize + 1));
            let (left, right) = (left.copied().unwrap_or(0.0), right.copied().unwrap_or(0.0));
            left + (right - left) * position.fract() as f32
        };
        let sound: Vec<f32> = (0..said.len()).map(at).collect();
        let results = footage.heard(Some(sound)).finish(&step, &processed);
        let offset = results.offset();
        assert_eq!(offset.state(), SyncState::Measured, "{offset:?}");
        let (found, error) = (f64::from(offset.drift_ppm.unwrap()), f64::from(offset.drift_error_ppm.unwrap()));
        println!("drift {ppm} ppm: found {found:.0} ± {error:.0} over {} s", frames / 25);
        assert!((found - ppm).abs() < 150.0 && error < 150.0, "{ppm}: {offset:?}");
        // In the middle of the minute the sound is ahead by half of what it gains.
        let middle_ms = ppm / 1e6 * frames as f64 / 25.0 / 2.0 * 1e3;
        assert!((f64::from(offset.offset_ms.unwrap()) - middle_ms).abs() < 20.0, "{ppm}: {offset:?}");
    }
}
