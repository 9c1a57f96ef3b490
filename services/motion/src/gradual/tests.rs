//! Transitions of made-up series: every rule by itself.
use super::*;
use crate::cells::SIDE;
use crate::series::tests::frame;

/// A scene of patches, each of its own brightness; scenes of different seeds have nothing to do with each other.
fn scene(seed: u32) -> Vec<f64> {
    let patch = |x: u32, y: u32| {
        let mixed = (x * 73 + y * 179 + seed * 283 + 11).wrapping_mul(2_654_435_761);
        f64::from((mixed >> 13) % 200) + 20.0
    };
    (0..CELLS as u32).map(|at| patch(at % SIDE as u32 / 2, at / SIDE as u32 / 2)).collect()
}

/// A series whose frame n shows `paint(n)`: cells, and how much detail.
fn series(count: u64, paint: impl Fn(u64) -> (Vec<f64>, f64)) -> Vec<FrameFacts> {
    let showing = |number: u64| {
        let (cells, detail) = paint(number);
        FrameFacts { picture: cells.iter().map(|cell| cell.clamp(0.0, 255.0) as u8).collect(), detail, ..frame(number) }
    };
    (0..count).map(showing).collect()
}

fn mixed(a: &[f64], b: &[f64], share: f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + share * (b - a)).collect()
}

/// Detail of a mixture of two pictures of detail 100 that have nothing to do with each other.
fn blurred(share: f64) -> f64 {
    100.0 * ((1.0 - share).powi(2) + share.powi(2))
}

/// Scene 1 to frame 40, scene 2 from then on, over `length` frames.
fn share(n: u64, length: u64) -> f64 {
    ((n as f64 - 39.0) / (length + 1) as f64).clamp(0.0, 1.0)
}

#[test]
fn dissolves_of_any_length_are_found_where_they_are() {
    for length in [4, 6, 12, 25, 50] {
        let frames = series(130, |n| {
            let share = share(n, length);
            (mixed(&scene(1), &scene(2), share), blurred(share))
        });
        let found = transitions(&frames);
        let [dissolve] = &found[..] else { panic!("{length}: {found:?}") };
        assert_eq!(dissolve.transition, Transition::Dissolve);
        let middle = 40 + length as usize / 2;
        assert!(dissolve.middle.abs_diff(middle) <= 1, "{length}: {dissolve:?}");
        assert!(dissolve.mixed.start.abs_diff(40) <= 2 && dissolve.mixed.end.abs_diff(40 + length as usize) <= 2);
    }
}

#[test]
fn a_picture_that_keeps_its_detail_is_not_mixed() {
    // A slow pan over something smooth: its cells go over into each other, and what is fine is as sharp as before.
    let frames = series(100, |n| (mixed(&scene(1), &scene(2), share(n, 12)), 100.0));
    assert_eq!(transitions(&frames), []);
}

#[test]
fn light_that_changes_is_no_transition() {
    let gain = |n| 1.0 - 0.8 * share(n, 12);
    let frames = series(100, |n| (scene(1).iter().map(|cell| cell * gain(n)).collect(), 100.0 * gain(n).powi(2)));
    assert_eq!(transitions(&frames), []);
    let from_a_side = |n, at: usize| 1.0 - 0.9 * share(n, 12) * (at % SIDE) as f64 / SIDE as f64;
    let lit = |n| scene(1).iter().enumerate().map(|(at, cell)| cell * from_a_side(n, at)).collect();
    assert_eq!(transitions(&series(100, |n| (lit(n), 50.0))), []);
}

#[test]
fn a_flash_that_decays_is_no_transition() {
    let glow = |n: u64| if n < 40 { 0.0 } else { 250.0 * (1.0 - (n - 40) as f64 / 12.0).max(0.0) };
    let frames = series(100, |n| (scene(1).iter().map(|cell| cell + glow(n)).collect(), 100.0 - glow(n) / 3.0));
    assert_eq!(transitions(&frames), []);
}

#[test]
fn cuts_are_not_gradual() {
    let frames = series(100, |n| (scene(if n < 50 { 1 } else { 2 }), 100.0));
    assert_eq!(transitions(&frames), []);
}

/// Scene 2 where `front(x, y)` (0–1) is behind the share of the way, else scene 1.
fn wiped(share: f64, front: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let place = |at: usize| (at as f64 + 0.5) / SIDE as f64;
    let second = |at: usize| front(place(at % SIDE), place(at / SIDE)) < share;
    let (one, two) = (scene(1), scene(2));
    (0..CELLS).map(|at| if second(at) { two[at] } else { one[at] }).collect()
}

/// When a front reaches a place of the picture (both 0–1), as a share of its way.
type Front = fn(f64, f64) -> f64;

#[test]
fn wipes_are_found_whatever_their_front() {
    let fronts: [(&str, Front); 4] = [
        ("to the right", |x, _| x),
        ("up", |_, y| 1.0 - y),
        ("across", |x, y| (x + y) / 2.0),
        ("iris", |x, y| 2.0 * ((x - 0.5).powi(2) + (y - 0.5).powi(2))),
    ];
    for (name, front) in fronts {
        for length in [8, 25] {
            let frames = series(110, |n| (wiped(share(n, length), front), 100.0));
            let found = transitions(&frames);
            let [wipe] = &found[..] else { panic!("{name} {length}: {found:?}") };
            assert_eq!(wipe.transition, Transition::Wipe, "{name} {length}");
            let changed = |n: &usize| {
                let shown = wiped(share(*n as u64, length), front);
                shown.iter().zip(scene(2)).filter(|(shown, second)| **shown == *second).count() > CELLS / 2
            };
            let middle = (0..110).find(changed).unwrap();
            assert!(wipe.middle.abs_diff(middle) <= 3, "{name} {length}: {wipe:?} for {middle}");
        }
    }
}

#[test]
fn what_passes_before_the_camera_is_no_wipe() {
    // A front covers the picture, and another one uncovers it again.
    let frames = series(120, |n| {
        let (on, off) = (share(n, 12), share(n.saturating_sub(16), 12));
        let passing = wiped(on, |x, _| x);
        let uncovered = |at: usize| ((at % SIDE) as f64 + 0.5) / (SIDE as f64) < off;
        ((0..CELLS).map(|at| if uncovered(at) { scene(1)[at] } else { passing[at] }).collect(), 100.0)
    });
    assert_eq!(transitions(&frames), []);
}

#[test]
fn pictures_that_are_not_known_have_no_transitions() {
    let mut frames = series(100, |n| (mixed(&scene(1), &scene(2), share(n, 12)), blurred(share(n, 12))));
    frames.iter_mut().for_each(|frame| frame.picture.clear());
    assert_eq!(transitions(&frames), []);
}
