use super::*;

const FRAME_NS: i64 = 40_000_000;

/// A segment whose curve has a bump of this height at an offset.
fn segment(second: i64, offset_ms: f64, correlation: f64) -> Segment {
    let bump = |lag: i64| correlation * (-((lag * 10) as f64 - offset_ms).powi(2) / 3200.0).exp();
    Segment {
        shot: 0,
        middle_ns: second * 1_000_000_000,
        curve: (-50..=50).map(bump).collect(),
        offset_ns: Some(offset_ms * 1e6),
        correlation,
    }
}

fn of(segments: &[Segment]) -> Option<Estimate> {
    estimate(&segments.iter().collect::<Vec<_>>(), FRAME_NS, &SyncSettings::default())
}

#[test]
fn the_weightier_half_decides() {
    let mut segments: Vec<Segment> = (0..6).map(|n| segment(3 * n, 120.0, 0.8)).collect();
    segments.extend((0..4).map(|n| segment(3 * n, -300.0, 0.45)));
    let found = of(&segments).unwrap();
    assert_eq!(found.offset_ns, 120e6);
    let alone = of(&segments[..6]).unwrap();
    assert!(found.confidence < alone.confidence && alone.confidence > 0.79, "{found:?} {alone:?}");
}

#[test]
fn segments_that_fit_nowhere_are_no_votes_but_doubts() {
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[segment(0, 80.0, 0.2)]), None);
    let one = segment(0, 80.0, 0.7);
    let nowhere = Segment { offset_ns: None, correlation: 0.0, ..segment(3, 0.0, 0.1) };
    let doubted = of(&[one.clone(), nowhere.clone(), nowhere]).unwrap();
    assert!(doubted.offset_ns == 80e6 && doubted.confidence < of(&[one]).unwrap().confidence, "{doubted:?}");
}

#[test]
fn a_drift_is_told_from_a_constant_offset() {
    let noise = [3.0, -4.0, 1.0, -2.0, 5.0, -3.0, 2.0];
    let steady: Vec<Segment> = (0..40).map(|n| segment(3 * n, 40.0 + noise[n as usize % 7], 0.8)).collect();
    let (slope, error) = of(&steady).unwrap().drift.unwrap();
    assert!(slope.abs() < 2.0 * error + 2e-5 && error < 5e-5, "{slope} {error}");
    // 1000 millionths: a millisecond per second.
    let mut drifting: Vec<Segment> =
        (0..40).map(|n| segment(3 * n, -60.0 + 3.0 * n as f64 + noise[n as usize % 7], 0.8)).collect();
    drifting[7] = segment(21, 400.0, 0.6);
    let found = of(&drifting).unwrap();
    let (slope, error) = found.drift.unwrap();
    assert!((slope - 1e-3).abs() < 4e-5 && error < 5e-5, "{slope} {error}");
    assert!(found.confidence > 0.75, "agreement is with the line: {found:?}");
}

#[test]
fn short_footage_has_no_drift() {
    let near: Vec<Segment> = (0..10).map(|n| segment(n, n as f64, 0.8)).collect();
    assert_eq!(of(&near).unwrap().drift, None);
}

#[test]
fn windows_hold_all_and_overlap() {
    let times: Vec<i64> = (0..500).map(|n| n * FRAME_NS).collect();
    let found = windows(&times, 6_000_000_000);
    assert_eq!((found.first().unwrap().start, found.last().unwrap().end), (0, 500));
    assert!(found.windows(2).all(|pair| pair[0].end > pair[1].start + 60), "{found:?}");
    assert_eq!(windows(&times[..80], 6_000_000_000), std::slice::from_ref(&(0..80)));
}

#[test]
fn a_still_mouth_and_silence_have_nothing_to_say() {
    let contour = Contour::new(10_000_000, &(0..2000).map(|n| (f64::from(n) * 0.17).sin()).collect::<Vec<_>>());
    let track = |amplitude: f64| {
        let seen = |n: u64| MouthObservation {
            frame: n,
            pts_ns: n as i64 * FRAME_NS,
            instance: 0,
            aperture: (0.1 + amplitude * (n as f64 * 0.68).sin()) as f32,
            confidence: 1.0,
        };
        Track { number: 0, shot: 0, observations: (0..250).map(seen).collect() }
    };
    let segments = |amplitude, speech: &[Range<i64>]| {
        let compared = compare(&track(amplitude), &contour, speech, FRAME_NS, &SyncSettings::default());
        (compared.stretches, compared.segments.len())
    };
    let always = std::slice::from_ref(&(0..10_000_000_000));
    assert_eq!(segments(0.1, always), (1, 3));
    assert_eq!(segments(0.005, always), (1, 0));
    assert_eq!(segments(0.1, &[]), (1, 0));
}
