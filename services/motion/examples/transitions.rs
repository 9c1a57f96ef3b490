//! How well transitions between real shots are found, and what is taken for one that is none: rows for docs/quality.md.
//!
//! `cargo run --release -p motion --example transitions`; the footage comes from tools/samples.sh.
// A measurement that fails has nobody to tell but the terminal.
#![allow(clippy::unwrap_used, clippy::panic)]

use framefleet_frames::Transition;
use framefleet_stage::Host;
use framefleet_testkit::{Picture, decode_rgb8, sample};
use framefleet_testkit_stage::{Film, Step, only};
use motion::{MotionSettings, MotionStage};

/// Shot boundaries are found in frames of at most 160 pixels.
const WIDTH: u32 = 160;
const HEIGHT: u32 = 90;
/// Frames of each shot that nothing is mixed into.
const CLEAR: usize = 30;

/// A picture cut and scaled to the size of all, by the nearest pixels of a grid twice as fine.
fn fitted(picture: &Picture) -> Picture {
    let scale = (f64::from(picture.width) / f64::from(WIDTH)).min(f64::from(picture.height) / f64::from(HEIGHT));
    let at = |of: u32, all: u32, own: u32| {
        let first = (f64::from(own) - f64::from(all) * scale) / 2.0;
        move |part: f64| ((first + (f64::from(of) + part) * scale) as u32).min(own - 1)
    };
    Picture::from_fn(WIDTH, HEIGHT, |x, y| {
        let (x, y) = (at(x, WIDTH, picture.width), at(y, HEIGHT, picture.height));
        let parts = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)].map(|(u, v)| picture.get(x(u), y(v)));
        std::array::from_fn(|channel| (parts.iter().map(|of| u32::from(of[channel])).sum::<u32>() / 4) as u8)
    })
}

/// Shots of real films without a cut in them.
fn shots() -> Vec<(&'static str, Vec<Picture>)> {
    let part = |name: &'static str, from: usize, to: usize| {
        let frames = decode_rgb8(&sample(name).unwrap()).unwrap();
        (name, frames[from..to].iter().map(fitted).collect())
    };
    vec![
        part("bikes.mp4", 0, 30),
        part("bikes.mp4", 30, 76),
        part("bikes.mp4", 138, 187),
        part("vtest.avi", 0, 60),
        part("bigbuckbunny.mp4", 0, 60),
        part("bigbuckbunny.mp4", 70, 130),
    ]
}

/// How one shot goes over into the next.
#[derive(Clone, Copy, Debug)]
enum Join {
    Dissolve(usize),
    Fade(usize, u8),
    Wipe(usize, f64),
}

/// Two shots joined, and the frames that show both or a colour.
fn joined(a: &[Picture], b: &[Picture], join: Join) -> (Vec<Picture>, std::ops::Range<u64>) {
    let (Join::Dissolve(length) | Join::Fade(length, _) | Join::Wipe(length, _)) = join;
    // Shots are played to and fro where they are too short.
    let at = |shot: &[Picture], n: usize| {
        let (round, place) = (n / (shot.len() - 1), n % (shot.len() - 1));
        shot[if round % 2 == 0 { place } else { shot.len() - 1 - place }].clone()
    };
    let share = |n: usize| (n + 1) as f64 / (length + 1) as f64;
    let mut film: Vec<Picture> = (0..CLEAR).map(|n| at(a, n)).collect();
    match join {
        Join::Dissolve(_) => film.extend((0..length).map(|n| at(a, CLEAR + n).mix(&at(b, n), share(n)))),
        Join::Wipe(_, slope) => film.extend((0..length).map(|n| wiped(&at(a, CLEAR + n), &at(b, n), share(n), slope))),
        Join::Fade(_, level) => {
            let plain = Picture::filled(WIDTH, HEIGHT, [level; 3]);
            film.extend((0..length).map(|n| at(a, CLEAR + n).mix(&plain, share(n))));
            film.extend((0..length).map(|n| plain.mix(&at(b, n), share(n))));
        }
    }
    let end = film.len() as u64;
    film.extend((0..CLEAR).map(|n| at(b, length + n)));
    (film, CLEAR as u64..end)
}

/// The second picture behind a straight front that leans by `slope`.
fn wiped(a: &Picture, b: &Picture, share: f64, slope: f64) -> Picture {
    let front =
        |x: u32, y: u32| (f64::from(x) / f64::from(WIDTH) + slope * f64::from(y) / f64::from(HEIGHT)) / (1.0 + slope);
    Picture::from_fn(WIDTH, HEIGHT, |x, y| if front(x, y) < share { b.get(x, y) } else { a.get(x, y) })
}

/// Where shots begin, and how.
fn found(frames: Vec<Picture>) -> Vec<(u64, Transition)> {
    let mut frames = frames.into_iter();
    let film = Film::painted(frames.len() as u64, |_| frames.next().unwrap());
    // Flow has no part in it.
    let settings = MotionSettings { analysis_height: 64, trajectories: 0, actions: false, ..MotionSettings::default() };
    let step = Step::<MotionStage>::load(&Host::default(), &settings).unwrap();
    let (_, finished) = step.run(&[film]).unwrap();
    let shots = finished.on_frames(only!(Shot));
    shots.iter().skip(1).map(|(range, shot)| (range.start, shot.transition())).collect()
}

fn main() {
    let shots = shots();
    println!("| transition | found | share | other boundaries |\n|---|---|---|---|");
    let rows = [
        ("dissolve, 6 frames", Join::Dissolve(6)),
        ("dissolve, 12 frames", Join::Dissolve(12)),
        ("dissolve, 25 frames", Join::Dissolve(25)),
        ("fade through black, 2 × 12 frames", Join::Fade(12, 0)),
        ("fade through white, 2 × 12 frames", Join::Fade(12, 255)),
        ("wipe across, 12 frames", Join::Wipe(12, 0.0)),
        ("wipe across, 25 frames", Join::Wipe(25, 0.0)),
        ("wipe, leaning, 12 frames", Join::Wipe(12, 1.0)),
    ];
    for (name, join) in rows {
        let (mut all, mut hits, mut others) = (0, 0, 0);
        for (i, (_, a)) in shots.iter().enumerate() {
            for (_, b) in shots.iter().enumerate().filter(|(j, _)| (i + 1) % 6 == *j).map(|of| of.1) {
                let (film, mixed) = joined(a, b, join);
                let starts = found(film);
                let hit = starts.iter().any(|(start, _)| mixed.contains(start));
                all += 1;
                hits += u32::from(hit);
                others += starts.len() as u32 - u32::from(hit);
            }
        }
        println!("| {name} | {hits} of {all} | {:.2} | {others} |", f64::from(hits) / f64::from(all));
    }
    for name in ["bikes.mp4", "vtest.avi", "bigbuckbunny.mp4"] {
        let frames = decode_rgb8(&sample(name).unwrap()).unwrap();
        let small = frames.iter().map(fitted).collect();
        println!("{name}, {} frames: {:?}", frames.len(), found(small));
    }
}
