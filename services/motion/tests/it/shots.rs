//! Shots of rendered footage with known cuts, and what finish makes of little or nothing.

use crate::harness::{Results, run};
use framefleet_frames::{ActionLabel, CameraLabel, Transition};
use framefleet_testkit::{Picture, Similarity, Texture, Timeline};
use framefleet_testkit_stage::Film;
use motion::MotionSettings;

const SIZE: (u32, u32) = (160, 96);
/// Of films of many frames.
const SMALL: (u32, u32) = (96, 64);

fn film(timeline: &Timeline) -> Results {
    run(&Film::painted(timeline.frames(), |n| timeline.paint(n)), &MotionSettings::default())
}

fn starts(results: &Results) -> Vec<u64> {
    results.shots.iter().map(|(range, _)| range.start).collect()
}

#[test]
fn cuts_are_found_exactly() {
    let timeline = Timeline::new(SIZE.0, SIZE.1).shot(31).shot(45).shot(20).shot(33);
    let results = film(&timeline);
    assert_eq!(starts(&results)[1..], timeline.cuts());
    assert!(results.shots.iter().skip(1).all(|(_, shot)| shot.transition() == Transition::Cut && shot.exact));
    let ranges: Vec<_> = results.shots.iter().map(|(range, _)| range.start..range.end).collect();
    assert_eq!(ranges, timeline.shots());
    assert_eq!(results.shots[1].1.start_ns, 31 * 40_000_000);
    assert_eq!(results.shots[1].1.end_ns, 76 * 40_000_000);
    assert_eq!(results.statistics["shots"], 4);
}

#[test]
fn flash_is_no_cut() {
    let timeline = Timeline::new(SIZE.0, SIZE.1).shot(40).shot(60).flash(20).flash(70).flash(71);
    assert_eq!(starts(&film(&timeline)), vec![0, 40]);
}

#[test]
fn fade_is_found_between_the_shots() {
    let timeline = Timeline::new(SIZE.0, SIZE.1).shot(40).fade(12, 50).shot(30);
    let results = film(&timeline);
    let transitions: Vec<_> = results.shots.iter().map(|(_, shot)| shot.transition()).collect();
    assert_eq!(transitions, vec![Transition::Start, Transition::Fade, Transition::Cut]);
    assert!(timeline.transitions()[0].contains(&results.shots[1].0.start));
    assert!(results.shots[1].0.start.abs_diff(40) <= 2, "{:?}", starts(&results));
    assert_eq!(results.shots[2].0.start, 90);
}

#[test]
fn dissolves_wipes_and_fades_through_white_begin_shots() {
    let timeline = Timeline::new(SMALL.0, SMALL.1)
        .shot(25)
        .dissolve(6, 31)
        .dissolve(25, 50)
        .wipe(12, 37)
        .fade_through([255; 3], 12, 35);
    let results = film(&timeline);
    let transitions: Vec<_> = results.shots.iter().map(|(_, shot)| shot.transition()).collect();
    let (dissolve, wipe, fade) = (Transition::Dissolve, Transition::Wipe, Transition::Fade);
    assert_eq!(transitions, [Transition::Start, dissolve, dissolve, wipe, fade], "{:?}", starts(&results));
    for ((range, shot), truth) in results.shots.iter().skip(1).zip(timeline.transitions()) {
        let (start, end) = (shot.transition_start.unwrap(), shot.transition_end.unwrap());
        assert!(start.abs_diff(truth.start) <= 3 && end.abs_diff(truth.end) <= 3, "{start}–{end} for {truth:?}");
        assert!(range.start.abs_diff((truth.start + truth.end) / 2) <= 3, "{range:?} for {truth:?}");
    }
}

/// Paints a frame.
type Painter<'a> = Box<dyn Fn(u64) -> Picture + 'a>;

/// What moves, changes its light or flashes is one shot.
#[test]
fn motion_and_light_are_no_transitions() {
    let texture = Texture::noise(11);
    let eased = |n: u64, length: f64| {
        let share = (n.saturating_sub(20) as f64 / length).min(1.0);
        share * share * (3.0 - 2.0 * share)
    };
    let view = |transform: &Similarity| texture.view(SMALL.0, SMALL.1, transform);
    let white = Picture::filled(SMALL.0, SMALL.1, [255; 3]);
    let films: [(&str, Painter<'_>); 4] = [
        ("whip pan", Box::new(|n| view(&Similarity { x: 300.0 * eased(n, 9.0), ..Similarity::default() }))),
        ("zoom", Box::new(|n| view(&Similarity { zoom: 1.0 + 1.5 * eased(n, 25.0), ..Similarity::default() }))),
        ("haze comes", Box::new(|n| view(&Similarity::default()).mix(&white, 0.6 * eased(n, 12.0)))),
        ("strobe", Box::new(|n| view(&Similarity::default()).mix(&white, if n % 6 < 2 { 0.8 } else { 0.0 }))),
    ];
    for (name, paint) in films {
        let results = run(&Film::painted(55, paint), &MotionSettings::default());
        assert_eq!(starts(&results), [0], "{name}: {:?}", results.shots);
    }
}

#[test]
fn motion_across_a_cut_does_not_count_for_the_shot() {
    let still = |seed| Texture::noise(seed).view(SIZE.0, SIZE.1, &Similarity::default());
    let (a, b) = (still(1), Picture::filled(SIZE.0, SIZE.1, [10, 40, 200]).mix(&still(2), 0.5));
    let results = run(&Film::painted(60, |n| if n < 30 { a.clone() } else { b.clone() }), &MotionSettings::default());
    assert_eq!(starts(&results), vec![0, 30]);
    for (_, shot) in &results.shots {
        assert!(shot.magnitude_mean.unwrap() < 0.05, "{shot:?}");
        assert_eq!(shot.camera(), CameraLabel::Static);
    }
    assert_eq!(results.actions.len(), 2);
    assert!(results.actions.iter().all(|(_, action)| action.label() == ActionLabel::Idle));
}

#[test]
fn camera_is_summed_up_per_shot() {
    let texture = Texture::noise(5);
    let pan = |n: u64| texture.view(SIZE.0, SIZE.1, &Similarity { x: 2.0 * n as f64, ..Similarity::default() });
    let results = run(&Film::painted(41, pan), &MotionSettings::default());
    let shot = results.shots[0].1;
    assert_eq!(shot.camera(), CameraLabel::PanLeft);
    let percent = 40.0 * 2.0 / f64::from(SIZE.0) * 100.0;
    assert!((f64::from(shot.path_dx_percent.unwrap()) - percent).abs() < 1.0, "{shot:?}");
    assert!((shot.path_zoom.unwrap() - 1.0).abs() < 0.02 && shot.shake.unwrap() < 0.1);
    assert_eq!(results.actions[0].1.label(), ActionLabel::ContinuousMotion);
    assert_eq!(results.statistics["compass"], "right");
    assert!(results.statistics["direction_concentration"].as_f64().unwrap() > 0.95);
}

#[test]
fn trembling_camera_shakes() {
    let texture = Texture::noise(6);
    let offset = |n: u64| [0.0, 3.0, 1.0, -2.0, 2.0, -3.0][n as usize % 6];
    let tremble =
        |n: u64| texture.view(SIZE.0, SIZE.1, &Similarity { x: offset(n), y: offset(n + 2), ..Similarity::default() });
    let shot = run(&Film::painted(50, tremble), &MotionSettings::default()).shots[0].1;
    assert_eq!(shot.camera(), CameraLabel::Shake, "{shot:?}");
}

#[test]
fn d13_no_frames_give_an_empty_result() {
    let results = run(&Film::new(Vec::new()), &MotionSettings::default());
    assert!(results.motions.is_empty() && results.shots.is_empty() && results.trajectories.is_empty());
    assert_eq!((&results.statistics["frames"], &results.statistics["magnitude_max"]), (&0.into(), &0.0.into()));
}

#[test]
fn d13_one_frame_gives_no_motion_and_one_shot() {
    let results = run(
        &Film::painted(1, |n| Texture::noise(n).view(SIZE.0, SIZE.1, &Similarity::default())),
        &MotionSettings::default(),
    );
    let motion = &results.motions[&0];
    assert!(!motion.compared && motion.magnitude_mean.is_none() && motion.camera.is_none());
    assert!(motion.change.unwrap().luma > 0.0 && motion.change.unwrap().content.is_none());
    assert_eq!(results.shots.len(), 1);
    assert_eq!((results.shots[0].0.start, results.shots[0].0.end), (0, 1));
    assert!(results.actions.is_empty() && results.trajectories.is_empty());
}

#[test]
fn sampled_frames_are_compared_with_their_true_predecessors() {
    let timeline = Timeline::new(SIZE.0, SIZE.1).shot(43).shot(57).shot(60);
    let mut footage = Film::painted(timeline.frames(), |n| timeline.paint(n));
    let all = run(&footage, &MotionSettings::default());
    footage.every = 5;
    let sampled = run(&footage, &MotionSettings::default());
    assert_eq!(sampled.motions.len(), 32);
    assert!(sampled.motions.iter().all(|(number, motion)| all.motions[number] == *motion));
    // Frame 43 was not looked at: the cut is noticed at 45. Frame 100 was.
    let found: Vec<(u64, bool)> = sampled.shots.iter().map(|(range, shot)| (range.start, shot.exact)).collect();
    assert_eq!(found, vec![(0, true), (45, false), (100, true)]);
    assert!(sampled.trajectories.is_empty());
}
