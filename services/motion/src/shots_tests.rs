//! Shots of made-up series: every rule by itself.
use super::*;
use crate::series::tests::frame;
use proptest::prelude::*;

/// A series in which frame n shows scene `scene(n)`; content scores are those of the colours.
fn series(count: u64, scene: impl Fn(u64) -> u8) -> Vec<FrameFacts> {
    let showing = |number: u64| {
        let mut frame = frame(number);
        frame.colours = vec![scene(number); 48];
        frame.change.luma = f32::from(scene(number));
        if let Some(before) = number.checked_sub(1) {
            frame.change.content = Some(f32::from(scene(number).abs_diff(scene(before))).max(0.5));
        }
        frame
    };
    (0..count).map(showing).collect()
}

/// First frame numbers of the shots, and how they begin.
fn starts(frames: &[FrameFacts]) -> Vec<(u64, Transition, bool)> {
    let found = shots(frames, &MotionSettings::default());
    found.iter().map(|span| (frames[span.frames.start].number, span.transition, span.exact)).collect()
}

const START: (u64, Transition, bool) = (0, Transition::Start, true);

#[test]
fn no_frames_no_shots_and_one_frame_one_shot() {
    assert!(shots(&[], &MotionSettings::default()).is_empty());
    assert_eq!(starts(&series(1, |_| 90)), vec![START]);
}

#[test]
fn cuts_are_found_where_they_are() {
    let frames = series(100, |n| {
        if n < 20 {
            50
        } else if n < 63 {
            150
        } else {
            80
        }
    });
    assert_eq!(starts(&frames), vec![START, (20, Transition::Cut, true), (63, Transition::Cut, true)]);
}

#[test]
fn steady_change_is_no_cut() {
    assert_eq!(starts(&series(60, |n| if n % 2 == 0 { 80 } else { 120 })), vec![START]);
}

#[test]
fn flash_is_no_cut() {
    for length in 1..=4 {
        let frames = series(100, |n| if (50..50 + length).contains(&n) { 250 } else { 60 });
        assert_eq!(starts(&frames), vec![START], "{length} frames");
    }
    let longer = series(100, |n| if (50..70).contains(&n) { 250 } else { 60 });
    assert_eq!(starts(&longer).len(), 3);
}

#[test]
fn short_blackness_is_a_flash_too() {
    assert_eq!(starts(&series(100, |n| if (50..52).contains(&n) { 0 } else { 60 })), vec![START]);
}

#[test]
fn fade_through_black_begins_a_shot_in_the_middle_of_the_dark() {
    let fade = |n: u64| match n {
        0..40 => 120,
        40..50 => 120 - 12 * (n - 40) as u8,
        50..60 => 2,
        60..70 => 12 * (n - 60) as u8 + 8,
        _ => 128,
    };
    let found = starts(&series(110, fade));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1].1, Transition::Fade);
    assert!((53..=57).contains(&found[1].0), "{found:?}");
}

#[test]
fn dark_scene_is_a_scene_of_its_own() {
    let frames = series(300, |n| if (100..200).contains(&n) { 5 } else { 90 });
    assert_eq!(starts(&frames), vec![START, (100, Transition::Cut, true), (200, Transition::Cut, true)]);
}

/// A grey scene of stripes that goes over into a checkered one within twelve frames.
fn dissolving() -> Vec<FrameFacts> {
    let mut frames = series(100, |_| 90);
    for frame in &mut frames {
        let share = ((frame.number as f64 - 39.0) / 13.0).clamp(0.0, 1.0);
        let stripes = |at: usize| if at % 4 < 2 { 60.0 } else { 160.0 };
        let checks = |at: usize| if (at / 32 + at % 16 / 4).is_multiple_of(2) { 40.0 } else { 220.0 };
        frame.picture = (0..256).map(|at| (stripes(at) * (1.0 - share) + checks(at) * share) as u8).collect();
        frame.detail = 100.0 * ((1.0 - share).powi(2) + share.powi(2));
    }
    frames
}

#[test]
fn gradual_transitions_begin_shots_unless_they_are_turned_off() {
    let frames = dissolving();
    let found = shots(&frames, &MotionSettings::default());
    let [_, second] = &found[..] else { panic!("{found:?}") };
    assert_eq!((second.transition, second.exact), (Transition::Dissolve, true));
    assert!((45..=47).contains(&second.frames.start) && second.mixed.contains(&second.frames.start), "{second:?}");
    let off = MotionSettings { gradual: false, ..MotionSettings::default() };
    assert_eq!(shots(&frames, &off).len(), 1);
}

#[test]
fn a_fade_in_at_the_start_begins_no_shot() {
    let mut frames = dissolving();
    for frame in &mut frames {
        let share = ((frame.number as f64 - 19.0) / 13.0).clamp(0.0, 1.0);
        frame.picture.iter_mut().for_each(|cell| *cell = (255.0 + share * (f64::from(*cell) - 255.0)) as u8);
        frame.detail *= share * share;
    }
    let begin = |frames: &[FrameFacts]| {
        shots(frames, &MotionSettings::default()).iter().map(|s| s.frames.start).collect::<Vec<_>>()
    };
    let found = begin(&frames);
    assert!(found.len() == 2 && found[1] > 40, "{found:?}");
}

#[test]
fn shots_are_not_shorter_than_the_setting() {
    let frames = series(100, |n| {
        if n < 50 {
            50
        } else if n < 60 {
            120
        } else {
            220
        }
    });
    assert_eq!(starts(&frames), vec![START, (50, Transition::Cut, true)]);
}

#[test]
fn cut_among_missing_frames_is_found_by_colour() {
    let mut frames = series(200, |n| if n < 93 { 50 } else { 150 });
    frames.retain(|frame| frame.number % 10 == 0);
    assert_eq!(starts(&frames), vec![START, (100, Transition::Cut, false)]);
}

proptest! {
    #[test]
    fn shots_tile_the_series(
        scenes in prop::collection::vec(any::<u8>(), 1..200),
        keep in prop::collection::vec(prop::bool::weighted(0.8), 200),
    ) {
        let mut frames = series(scenes.len() as u64, |n| scenes[n as usize]);
        frames.retain(|frame| keep[frame.number as usize]);
        let found = shots(&frames, &MotionSettings::default());
        let mut next = 0;
        for span in &found {
            prop_assert_eq!(span.frames.start, next);
            prop_assert!(span.frames.end > span.frames.start);
            next = span.frames.end;
        }
        prop_assert_eq!(next, frames.len());
    }
}
