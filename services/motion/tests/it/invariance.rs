//! The same answer however the work is cut, and the same as the version before.

use crate::harness::{Results, run};
use framefleet_stage::{Host, Stage as _};
use framefleet_testkit::{MovingSquare, Timeline, decode_rgb8, sample};
use framefleet_testkit_stage::{Film, golden};
use motion::{Method, MotionSettings, MotionStage};

/// A pan with an object of its own, and a cut.
fn footage() -> Film {
    let timeline = Timeline::new(160, 96).shot(20).shot(25);
    let mut scene = MovingSquare::new(160, 96, 8);
    scene.camera.x = 1.5;
    scene.square = (20.0, 30.0, 30.0);
    scene.velocity = (2.0, 0.5);
    Film::painted(80, |n| if n < 35 { scene.paint(n) } else { timeline.paint(n - 35) })
}

fn assert_same(a: &Results, b: &Results) {
    assert_eq!(a.motions, b.motions);
    assert_eq!(a.finished, b.finished);
    assert_eq!(a.artifacts, b.artifacts);
}

#[test]
fn borders_of_batches_do_not_change_results() {
    for method in [Method::Dis, Method::LucasKanade] {
        let pictures = if method == Method::Dis { 20 } else { 0 };
        let settings = MotionSettings { method, flow_pictures_every: pictures, ..MotionSettings::default() };
        let mut footage = footage();
        let by_32 = run(&footage, &settings);
        for batch in [7, 11] {
            footage.batch = batch;
            assert_same(&run(&footage, &settings), &by_32);
        }
        assert!(by_32.trajectories.len() > 20 && by_32.shots.len() == 3, "{:?}", by_32.shots);
    }
}

#[test]
fn trajectories_follow_content() {
    let mut scene = MovingSquare::new(160, 96, 8);
    scene.camera.x = 1.5;
    scene.square = (20.0, 30.0, 30.0);
    scene.velocity = (2.0, 0.5);
    let settings = MotionSettings { trajectories: 40, ..MotionSettings::default() };
    let results = run(&Film::painted(40, |n| scene.paint(n)), &settings);
    assert_eq!(results.trajectories.len(), 40);
    let mut followed = 0;
    for (range, path) in &results.trajectories {
        assert!(
            path.x.len() >= 3 && path.x.len() as u64 == range.end - range.start && path.x.len() == path.object_y.len()
        );
        let steps = (path.x.len() - 1) as f32;
        let (vx, vy) = ((path.x[steps as usize] - path.x[0]) / steps, (path.y[steps as usize] - path.y[0]) / steps);
        let background = (vx - 1.5).abs() < 0.15 && vy.abs() < 0.15;
        let object = (vx - 2.0).abs() < 0.15 && (vy - 0.5).abs() < 0.15;
        followed += u32::from(background || object);
        if background && path.x.len() > 20 {
            assert!(path.object_length < 0.5 * path.total_length, "{path:?}");
        }
    }
    assert!(followed >= 36, "{followed} of 40");
    assert!(results.trajectories.iter().filter(|(range, _)| range.end - range.start > 25).count() > 10);
}

#[test]
fn golden_digest() {
    let results = run(&footage(), &MotionSettings::default());
    let mut text = String::new();
    // Across a cut there is no flow, only chance.
    for (number, motion) in results.motions.iter().filter(|(_, motion)| motion.confidence.is_some_and(|c| c > 0.5)) {
        let camera =
            motion.camera.map_or("-".to_owned(), |camera| format!("{:?} {:.0}", camera.label(), camera.dx * 2.0));
        let change = motion.change.unwrap();
        text += &format!(
            "{number} {:?} {:?} {:.0} {camera} {:.0}\n",
            motion.motion_type(),
            motion.compass(),
            motion.magnitude_median.unwrap_or_default() * 2.0,
            change.luma
        );
    }
    for (range, shot) in &results.shots {
        text += &format!("{range:?} {:?} {:?}\n", shot.transition(), shot.camera());
    }
    golden(&text, MotionStage::VERSION, (3, "6ea6425559ac6dc6"));
}

#[test]
fn real_footage_makes_sense() {
    let pictures = decode_rgb8(&sample("bikes.mp4").unwrap()).unwrap();
    let results = run(&Film::painted(80, |n| pictures[n as usize].clone()), &MotionSettings::default());
    assert_eq!(results.motions.len(), 80);
    for motion in results.motions.values().skip(1) {
        let (median, p95, max) =
            (motion.magnitude_median.unwrap(), motion.magnitude_p95.unwrap(), motion.magnitude_max.unwrap());
        assert!(median <= p95 && p95 <= max && max < 640.0);
        assert!((0.0..=1.0).contains(&motion.density.unwrap()) && (0.0..=1.0).contains(&motion.confidence.unwrap()));
    }
    // The cuts, as anybody sees them.
    let shots: Vec<_> = results.shots.iter().map(|(range, _)| range.start..range.end).collect();
    assert_eq!(shots, vec![0..30, 30..76, 76..80]);
    assert!(!results.trajectories.is_empty());
}

/// The runner gives process the defaults of what finish alone reads, and nobody may notice.
#[test]
fn process_reads_no_finish_setting() {
    let settings = MotionSettings { flow_pictures_every: 20, ..MotionSettings::default() };
    let films = [footage()];
    framefleet_testkit_stage::process_reads_no_finish_setting::<MotionStage>(&Host::default(), &settings, &films);
}
