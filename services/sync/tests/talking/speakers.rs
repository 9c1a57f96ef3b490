//! Who speaks.
use crate::harness::{Footage, detected, face, openings, other_tale, step, step_told, tale};
use framefleet_frames::{Face, SyncState};
use framefleet_testkit::Picture;
use serde_json::{Value, json};
use std::ops::Range;
use sync::SyncSettings;

/// Frames of the images here.
const FRAMES: usize = 150;

/// Two images side by side.
fn beside(left: &Picture, right: &Picture) -> Picture {
    Picture::from_fn(left.width + right.width, left.height, |x, y| {
        if x < left.width { left.get(x, y) } else { right.get(x - left.width, y) }
    })
}

/// The photographed face, and the same in a mirror to its right.
fn pair() -> [Face; 2] {
    let left = detected();
    let mut right = left.clone();
    // What was at x is at 240 − x, 240 to the right.
    let [x0, y0, x1, y1] = <[f32; 4]>::try_from(left.r#box.clone()).unwrap();
    right.r#box = vec![480.0 - x1, y0, 480.0 - x0, y1];
    let at = |index: usize| [480.0 - left.landmarks[2 * index], left.landmarks[2 * index + 1]];
    right.landmarks = [1, 0, 2, 4, 3].into_iter().flat_map(at).collect();
    [left, right]
}

fn turn(seconds: Range<f64>, speaker: &str) -> Value {
    json!({ "start": seconds.start, "end": seconds.end, "speaker": speaker })
}

#[test]
fn of_two_faces_the_one_that_talks_is_found() {
    let said = &tale()[..FRAMES * 640];
    let mirrored = face().mirrored();
    let open = openings(said, FRAMES as u64, 25);
    let not = openings(&other_tale()[..FRAMES * 640], FRAMES as u64, 25);
    // The left one listens and moves its mouth a little, to something else.
    let picture = |n: usize| beside(&face().paint(0.15 * not[n]), &mirrored.paint(open[n]));
    let pictures = (0..FRAMES).map(picture).collect();
    // The detector changes their order all the time.
    let [left, right] = pair();
    let order = |n: usize| {
        if n.is_multiple_of(3) { vec![right.clone(), left.clone()] } else { vec![left.clone(), right.clone()] }
    };
    // Who is who, as face clustering has it: in frame 0 the right one comes first.
    let instances = |first: u64| (0..FRAMES as u64).map(move |n| (n, (u64::from(!n.is_multiple_of(3)) ^ first) as u32));
    let [of_right, of_left] = [0, 1].map(|first| instances(first).collect::<Vec<_>>());
    let footage = Footage::new(pictures, (0..FRAMES).map(order).collect(), Some(said.to_vec()));
    let results = footage.face_track(0, &of_right).face_track(1, &of_left).run(&SyncSettings::default());
    assert_eq!(results.state(), SyncState::Measured, "{:?}", results.offset());
    assert!(results.offset().offset_frames.unwrap().abs() <= 1.0, "{:?}", results.offset());
    let (right, left) = (results.seconds_of("face 0"), results.seconds_of("face 1"));
    assert!(right > 4.5 && left < 0.5, "right {right} s, left {left} s: {:?}", results.speaking);
    for ((frame, instance), (track, speaking)) in &results.amended {
        let is_right = frame.is_multiple_of(3) == (*instance == 0);
        assert_eq!(*track, u64::from(!is_right), "frame {frame}");
        assert!(!speaking.unwrap() || is_right || left > 0.0, "frame {frame}");
    }
    let faces = &results.statistics["items"][0]["faces"];
    assert_eq!(faces[0]["track"], 0);
    assert!(faces[0]["speaking_share"].as_f64().unwrap() > 0.75, "{faces}");
}

/// Two people who take turns, as two mouths.
fn dialogue() -> (Footage, Vec<Vec<f64>>) {
    let (a, b) = (&tale()[..80_000], &other_tale()[..80_000]);
    let silence = vec![0.0; 16_000];
    let sound = [a, &silence, b].concat();
    let closed = |sound: &[f32]| vec![0.0; sound.len() * 25 / 16_000];
    let first = [openings(a, 125, 25), closed(&silence), closed(b)].concat();
    let second = [closed(a), closed(&silence), openings(b, 125, 25)].concat();
    (Footage::new(vec![Picture::filled(64, 64, [0; 3])], vec![vec![]], Some(sound)), vec![first, second])
}

#[test]
fn people_who_take_turns_are_told_apart() {
    let (footage, mouths) = dialogue();
    let results = footage.finish(&step(&SyncSettings::default()), &footage.with_mouths(&mouths));
    let spans: Vec<(&str, i64, i64)> = results
        .speaking
        .iter()
        .map(|(_, s)| (s.label.as_str(), s.start_ns / 1_000_000, s.end_ns / 1_000_000))
        .collect();
    assert!(results.seconds_of("face 0") > 4.0 && results.seconds_of("face 1") > 4.0, "{spans:?}");
    assert!(
        spans.iter().all(|(label, start, end)| match *label {
            "face 0" => *end < 5_600,
            "face 1" => *start > 5_400,
            _ => end - start < 1_000,
        }),
        "{spans:?}"
    );
}

#[test]
fn names_of_a_diarisation_go_to_the_faces_that_move_with_them() {
    let (mut footage, mouths) = dialogue();
    let turns = vec![turn(0.0..5.0, "ada"), turn(6.0..11.0, "bob"), turn(5.2..5.8, "narrator")];
    let step = step_told(&json!({ "segments": turns }));
    let results = footage.finish(&step, &footage.with_mouths(&mouths));
    let reported: Vec<(&str, Option<u32>)> =
        results.speaking.iter().map(|(_, s)| (s.speaker.as_str(), s.track)).collect();
    assert_eq!(reported, [("ada", Some(0)), ("narrator", None), ("bob", Some(1))]);
    assert_eq!(results.speaking[1].1.label, "narrator (off screen)");
    let faces = results.statistics["items"][0]["faces"].as_array().unwrap().clone();
    let named = |track: u64| faces.iter().find(|face| face["track"] == track).unwrap()["speaker"].clone();
    assert_eq!((named(0), named(1)), ("ada".into(), "bob".into()));
    // Being in the image is not speaking: with the mouths swapped the names are swapped.
    let swapped = footage.finish(&step, &footage.with_mouths(&[mouths[1].clone(), mouths[0].clone()]));
    assert_eq!(swapped.speaking[0].1.track, Some(1));
    // Segments of another recording are not this one's, whatever number its name begins with.
    let mut elsewhere = turns;
    elsewhere.iter_mut().for_each(|turn| turn["file"] = json!("0042"));
    footage.film.item.name = "scenes/0042_talk.mp4".to_owned();
    let results = footage.finish(&step_told(&json!({ "segments": elsewhere })), &footage.with_mouths(&mouths));
    assert!(results.speaking.iter().all(|(_, speaking)| speaking.speaker.is_empty()));
}

#[test]
fn somebody_off_screen_is_nobody_in_the_picture() {
    let (footage, mouths) = dialogue();
    let shut = vec![0.0; mouths[0].len()];
    let results = footage.finish(&step(&SyncSettings::default()), &footage.with_mouths(&[shut.clone(), shut]));
    assert_eq!(results.state(), SyncState::Uncertain);
    assert!(results.speaking.iter().all(|(_, speaking)| speaking.label == "off screen" && speaking.track.is_none()));
    assert!(results.statistics["items"][0]["off_screen_seconds"].as_f64().unwrap() > 8.0);
}

#[test]
fn tracks_and_shots_of_other_steps_are_taken() {
    let (footage, mouths) = dialogue();
    let frames = mouths[0].len() as u64;
    let of = |instance: u32| (0..frames).map(|frame| (frame, instance)).collect::<Vec<_>>();
    let footage = footage.shot(0, 0, 137).shot(1, 137, frames).face_track(7, &of(0)).face_track(3, &of(1));
    let results = footage.finish(&step(&SyncSettings::default()), &footage.with_mouths(&mouths));
    assert!(results.seconds_of("face 7") > 4.0 && results.seconds_of("face 3") > 4.0, "{:?}", results.speaking);
    assert!(results.amended.iter().all(|((_, instance), (track, _))| *track == [7, 3][*instance as usize]));
    let ranges: Vec<_> = results.offsets.iter().map(|(range, _)| range.map(|range| (range.start, range.end))).collect();
    assert_eq!(ranges, [None, Some((0, 137)), Some((137, frames))]);
    for (_, offset) in &results.offsets {
        assert_eq!(offset.state(), SyncState::Measured);
        assert!(offset.offset_frames.unwrap().abs() <= 1.0, "{offset:?}");
    }
}
