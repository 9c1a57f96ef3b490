//! Tracks of drawn skeletons whose truth is known.
use super::*;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Item, ItemKind, Pose, Rational, SequenceType, TrackEnd};
use framefleet_testkit_stage::{self as made, Kept, job, only, shot};
use std::ops::Range;

const RATE: i64 = 30;
const ITEM: &str = "clip.mp4";

/// A person `height` pixels tall who stands at x on the ground line y = 400, facing the camera; `phase` swings arms and legs.
fn person(x: f32, height: f32, phase: f32, score: f32) -> Pose {
    let swing = 0.05 * phase.sin();
    // x and height above the ground of the person's left side, in heights.
    let left = [
        (0.02, 0.94),
        (0.04, 0.93),
        (0.12, 0.80),
        (0.15 + swing, 0.63),
        (0.16 + 2.0 * swing, 0.48),
        (0.07, 0.52),
        (0.08 - swing, 0.28),
        (0.08 - 2.0 * swing, 0.04),
    ];
    let mut keypoints = vec![x, 400.0 - 0.91 * height, 0.9];
    for (dx, up) in left {
        for side in [1.0, -1.0] {
            keypoints.extend([x + side * dx * height, 400.0 - up * height, 0.9]);
        }
    }
    let bbox = vec![x - 0.2 * height, 400.0 - height, x + 0.2 * height, 400.0];
    Pose { r#box: bbox, score, keypoints, ..Pose::default() }
}

fn walker(x: f32, n: u64) -> Pose {
    person(x, 160.0, n as f32 * 0.25, 0.8)
}

/// What finish made of frames.
struct Finished {
    tracks: Vec<(Range<u64>, PersonTrack)>,
    /// (frame, instance, fields)
    amended: Vec<(u64, u32, Json)>,
    statistics: Json,
}

impl Finished {
    /// The track of an instance of a frame.
    fn track(&self, frame: u64, instance: u32) -> Option<u64> {
        let found = self.amended.iter().find(|(f, i, _)| (*f, *i) == (frame, instance));
        found.and_then(|(_, _, fields)| fields["track"].as_u64())
    }
}

fn poses(frames: &[Vec<Pose>]) -> Kept {
    Kept::of(ITEM, RATE, frames.iter().map(|poses| poses.iter().cloned().map(Value::Pose).collect()))
}

/// What finish makes of an item's records.
fn finish_of(item: Item, records: &Kept, cuts: &[u64], settings: &PoseSettings) -> made::Finished {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job("pose", vec![item], folder.path());
    job.scoped = cuts.iter().map(|start| shot(ITEM, *start..start + 1)).collect();
    let mut out = Outputs::new(folder.path());
    finish(&job, records, settings, &mut out).unwrap();
    made::Finished::of(out).unwrap()
}

fn finished(frames: &[Vec<Pose>], cuts: &[u64], settings: &PoseSettings) -> Finished {
    let item = Item { name: ITEM.to_owned(), frame_rate: Some(Rational { num: RATE, den: 1 }), ..Item::default() };
    let made = finish_of(item, &poses(frames), cuts, settings);
    let tracks = made.on_frames(only!(PersonTrack)).into_iter();
    Finished {
        tracks: tracks.map(|(range, track)| (range.start..range.end, track)).collect(),
        amended: made.amended().unwrap(),
        statistics: made.statistics,
    }
}

fn usual() -> PoseSettings {
    PoseSettings::default()
}

/// Noise that is the same every time, −0.5..0.5.
fn noise(n: u64) -> f32 {
    ((n.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407) >> 33) % 1000) as f32 / 1000.0 - 0.5
}

/// One walks to the right, one to the left; each frame lists who is further left first, so instances change places. Within
/// `hidden` pixels of each other only one is found.
fn crossing(hidden: f32) -> Vec<Vec<Pose>> {
    let frame = |n: u64| {
        let (a, b) = (100.0 + 4.0 * n as f32, 500.0 - 4.0 * n as f32);
        match (a - b).abs() < hidden {
            true => vec![walker(a, n)],
            false if a < b => vec![walker(a, n), walker(b, n + 7)],
            false => vec![walker(b, n + 7), walker(a, n)],
        }
    };
    (0..100).map(frame).collect()
}

#[test]
fn two_persons_who_cross_keep_their_ids() {
    for hidden in [0.0, 30.0] {
        let found = finished(&crossing(hidden), &[], &usual());
        assert_eq!(found.tracks.len(), 2, "{hidden}: {:?}", found.tracks);
        let (right, left) = (found.track(0, 0), found.track(0, 1));
        assert!(right.is_some() && left.is_some() && right != left);
        assert_eq!((found.track(99, 1), found.track(99, 0)), (right, left), "{hidden}");
    }
}

#[test]
fn the_order_of_instances_does_not_matter() {
    let frames = crossing(20.0);
    let turned: Vec<Vec<Pose>> = frames.iter().map(|poses| poses.iter().rev().cloned().collect()).collect();
    let ways = |found: Finished| {
        let mut ways: Vec<_> =
            found.tracks.into_iter().map(|(range, track)| (range.start, range.end, track.shown_boxes)).collect();
        ways.sort_by(|a, b| a.partial_cmp(b).unwrap());
        ways
    };
    assert_eq!(ways(finished(&frames, &[], &usual())), ways(finished(&turned, &[], &usual())));
}

#[test]
fn a_track_survives_half_a_second_behind_something() {
    let frames: Vec<Vec<Pose>> =
        (0..90).map(|n| if (40..55).contains(&n) { vec![] } else { vec![walker(100.0 + 4.0 * n as f32, n)] }).collect();
    let found = finished(&frames, &[], &usual());
    let [(range, track)] = &found.tracks[..] else { panic!("{:?}", found.tracks) };
    assert_eq!((range.clone(), track.seen, track.interpolated), (0..90, 75, 15));
    assert_eq!(track.ended(), TrackEnd::Footage);
    for frame in 40..55 {
        let (_, instance, fields) = found.amended.iter().find(|(number, ..)| *number == frame).unwrap();
        assert_eq!((*instance, fields["interpolated"].as_bool(), fields["track"].as_u64()), (0, Some(true), Some(0)));
        let middle = (fields["box"][0].as_f64().unwrap() + fields["box"][2].as_f64().unwrap()) / 2.0;
        assert!((middle - (100.0 + 4.0 * frame as f64)).abs() < 1.0, "{frame}: {middle}");
    }
    let none = finished(&frames, &[], &PoseSettings { interpolate: false, ..usual() });
    assert_eq!((none.tracks[0].1.interpolated, none.amended.len()), (0, 75));
}

#[test]
fn a_track_ends_when_the_person_stays_away() {
    let gone = |n: u64| (30..80).contains(&n);
    let frames: Vec<Vec<Pose>> = (0..120).map(|n| if gone(n) { vec![] } else { vec![walker(300.0, n)] }).collect();
    let found = finished(&frames, &[], &usual());
    let ends: Vec<_> = found.tracks.iter().map(|(range, track)| (range.clone(), track.ended())).collect();
    assert_eq!(ends, [(0..30, TrackEnd::Lost), (80..120, TrackEnd::Footage)]);
}

#[test]
fn a_cut_ends_every_track_though_somebody_stands_in_the_same_place() {
    let frames: Vec<Vec<Pose>> = (0..60).map(|n| vec![walker(300.0, n)]).collect();
    let found = finished(&frames, &[0, 25], &usual());
    let ends: Vec<_> = found.tracks.iter().map(|(range, track)| (range.clone(), track.ended())).collect();
    assert_eq!(ends, [(0..25, TrackEnd::Cut), (25..60, TrackEnd::Footage)]);
    assert_eq!(finished(&frames, &[], &usual()).tracks.len(), 1);
}

#[test]
fn a_person_at_the_edge_is_followed_out_of_the_picture() {
    let clipped = |n: u64| {
        let mut pose = walker(60.0 - 2.0 * n as f32, n);
        pose.r#box[0] = pose.r#box[0].max(0.0);
        for point in pose.keypoints.as_chunks_mut::<3>().0 {
            point[2] = if point[0] < 0.0 { 0.05 } else { point[2] };
        }
        (pose.r#box[2] > 8.0).then_some(pose).into_iter().collect()
    };
    let frames: Vec<Vec<Pose>> = (0..60).map(clipped).collect();
    let last = frames.iter().filter(|poses: &&Vec<Pose>| !poses.is_empty()).count() as u64;
    let found = finished(&frames, &[], &usual());
    let [(range, track)] = &found.tracks[..] else { panic!("{:?}", found.tracks) };
    assert_eq!((range.clone(), track.ended()), (0..last, TrackEnd::Lost));
}

#[test]
fn nobody_is_a_result_too() {
    for frames in [vec![], vec![Vec::new(); 40]] {
        let found = finished(&frames, &[], &usual());
        assert!(found.tracks.is_empty() && found.amended.is_empty());
        assert_eq!(found.statistics["poses"], 0);
        assert_eq!(found.statistics["frames"], frames.len());
    }
}

#[test]
fn who_is_hardly_found_goes_on_but_does_not_begin() {
    let score = |n: u64| if n.is_multiple_of(3) { 0.8 } else { 0.25 };
    let frames: Vec<Vec<Pose>> =
        (0..60).map(|n| vec![person(300.0, 160.0, 0.0, score(n)), person(600.0, 160.0, 0.0, 0.25)]).collect();
    let found = finished(&frames, &[], &usual());
    let [(range, track)] = &found.tracks[..] else { panic!("{:?}", found.tracks) };
    assert_eq!((range.clone(), track.seen), (0..60, 60));
    assert_eq!(found.track(30, 1), None);
    assert_eq!(found.amended.iter().filter(|(_, instance, _)| *instance == 1).count(), 60);
}

#[test]
fn far_persons_are_not_one_track_and_flashes_are_none() {
    // Two who stand an image apart and are seen in turns: with a limit in the wrong unit they were one.
    let frames: Vec<Vec<Pose>> =
        (0..60u64).map(|n| vec![walker(if n.is_multiple_of(2) { 100.0 } else { 900.0 }, 0)]).collect();
    assert_eq!(finished(&frames, &[], &usual()).tracks.len(), 2);
    let flash: Vec<Vec<Pose>> = (0..60).map(|n| if n < 2 { vec![walker(100.0, n)] } else { vec![] }).collect();
    assert!(finished(&flash, &[], &usual()).tracks.is_empty());
}

#[test]
fn smoothing_steadies_without_lag() {
    let shaken = |n: u64| {
        let mut pose = walker(100.0 + 3.0 * n as f32, n);
        pose.keypoints
            .iter_mut()
            .enumerate()
            .filter(|(at, _)| at % 3 != 2)
            .for_each(|(at, value)| *value += 4.0 * noise(n * 100 + at as u64));
        vec![pose]
    };
    let frames: Vec<Vec<Pose>> = (0..120).map(shaken).collect();
    let found = finished(&frames, &[], &usual());
    let track = &found.tracks[0].1;
    assert!(track.jitter_smoothed.unwrap() < 0.65 * track.jitter_raw.unwrap(), "{track:?}");
    // The nose walks at a steady pace: where it is late, it lies behind.
    let late: f64 = found.amended[20..100]
        .iter()
        .map(|(frame, _, fields)| fields["smoothed"][0].as_f64().unwrap() - (100.0 + 3.0 * *frame as f64))
        .sum::<f64>()
        / 80.0;
    assert!(late.abs() < 0.3, "{late} pixels at 3 pixels a frame");
}

#[test]
fn tracks_say_how_the_person_moves() {
    let of = |frame: &dyn Fn(u64) -> Pose| {
        let frames: Vec<Vec<Pose>> = (0..90).map(|n| vec![frame(n)]).collect();
        finished(&frames, &[], &usual()).tracks[0].1.clone()
    };
    assert_eq!(of(&|_| walker(300.0, 0)).sequence_type(), SequenceType::Idle);
    let walking = of(&|n| walker(100.0 + 3.5 * n as f32, n));
    assert_eq!(walking.sequence_type(), SequenceType::Walking);
    assert!((walking.speed_mean.unwrap() - 3.5 * 30.0 / 160.0).abs() < 0.05, "{walking:?}");
    assert_eq!(of(&|n| walker(100.0 + 12.0 * n as f32, n)).sequence_type(), SequenceType::Dynamic);
    assert_eq!((walking.view(), walking.pose_type()), (PoseView::Frontal, PoseType::Standing));
    assert!(walking.diversity < 0.2 && walking.shown_frames.len() == 8 && walking.shown_boxes.len() == 32);
}

#[test]
fn stills_have_no_tracks() {
    let item = Item { name: ITEM.to_owned(), kind: ItemKind::Stills.into(), ..Item::default() };
    let made = finish_of(item, &poses(&vec![vec![walker(100.0, 0)]; 9]), &[], &usual());
    assert!(made.scoped.is_empty());
    assert_eq!(made.amendments.len(), 9);
    assert!(made.amendments[0].json.contains("\"frontal\""), "{}", made.amendments[0].json);
}
