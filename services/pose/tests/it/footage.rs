//! The whole stage with its real models on real footage.

use crate::harness::{Results, cut, film, frames, picture, run, step, still};
use framefleet_frames::{Frame, FrameRange, Pose, PoseView, Rendition};
use framefleet_stage::{Batch, Outputs, Stage as _, codes};
use framefleet_testkit::{Picture, sample};
use framefleet_testkit_stage::{Film, golden, rgb8};
use pose::{Detector, PoseSettings, PoseStage};

/// Frames a second of the pedestrians.
const RATE: i64 = 10;

fn pedestrians(start: u64, count: u64) -> Film {
    film(&frames(&sample("vtest.avi").unwrap(), start, count, 768, 576), RATE)
}

/// Finds small persons, without landmarks.
fn crowd() -> PoseSettings {
    PoseSettings { landmarks: false, tiles: 2, detection_width: 384, detection_height: 384, ..PoseSettings::default() }
}

fn astronaut() -> Picture {
    picture(&sample("astronaut.png").unwrap())
}

fn point(pose: &Pose, at: usize) -> [f32; 3] {
    pose.keypoints.as_chunks::<3>().0[at]
}

fn near(found: [f32; 3], x: f32, y: f32, within: f32) -> bool {
    (found[0] - x).hypot(found[1] - y) < within
}

fn iou(a: &Pose, b: &Pose) -> f32 {
    let bbox = |pose: &Pose| [pose.r#box[0], pose.r#box[1], pose.r#box[2], pose.r#box[3]];
    framefleet_vision::boxes::iou(&bbox(a), &bbox(b))
}

fn assert_same(a: &Results, b: &Results) {
    assert_eq!(a.poses, b.poses);
    assert_eq!(a.amendments, b.amendments);
    assert_eq!(a.tracks, b.tracks);
    assert_eq!(a.statistics, b.statistics);
}

#[test]
fn a_crowd_is_found_and_followed() {
    let results = run(&pedestrians(295, 16), &crowd());
    let counts: Vec<usize> = results.poses.values().map(Vec::len).collect();
    assert!(counts.iter().filter(|count| **count >= 5).count() >= 12, "{counts:?}");
    // Nobody is found twice. (Two who walk side by side overlap, and are two.)
    for poses in results.poses.values() {
        for (at, a) in poses.iter().enumerate() {
            let twice = |b: &Pose| {
                iou(a, b) > 0.5
                    && (5..17).filter(|&i| near(point(a, i), point(b, i)[0], point(b, i)[1], 6.0)).count() >= 8
            };
            if let Some(b) = poses[at + 1..].iter().find(|b| twice(b)) {
                panic!("{:?} {} and {:?} {}", a.r#box, a.score, b.r#box, b.score);
            }
        }
    }
    for (_, track) in results.tracks.iter().filter(|(_, track)| track.seen >= 8) {
        let (raw, smoothed) = (track.jitter_raw.unwrap(), track.jitter_smoothed.unwrap());
        println!("track {}: {} frames, jitter {raw:.2} px/frame², smoothed {smoothed:.2}", track.track, track.seen);
        assert!(smoothed < 0.8 * raw, "{track:?}");
    }
    let long = results.tracks.iter().filter(|(_, track)| track.seen >= 12).count();
    assert!(long >= 4, "{:?}", results.tracks.iter().map(|(range, track)| (*range, track.seen)).collect::<Vec<_>>());
    assert!(results.tracks.len() <= 10, "{}", results.tracks.len());
}

#[test]
fn tiles_find_who_is_too_small_for_the_whole_frame() {
    let footage = pedestrians(300, 1);
    let (whole, tiled) = (run(&footage, &PoseSettings { tiles: 1, ..crowd() }), run(&footage, &crowd()));
    assert!(tiled.poses[&0].len() >= 6 && tiled.poses[&0].len() > whole.poses[&0].len(), "{:?}", whole.poses[&0].len());
}

#[test]
fn borders_of_batches_change_nothing() {
    let mut footage = pedestrians(60, 6);
    cut(&mut footage, 4);
    let settings = PoseSettings { tiles: 1, landmarks: true, ..crowd() };
    let together = run(&footage, &settings);
    assert!(!together.tracks.is_empty() && together.poses.values().any(|poses| !poses[0].landmarks.is_empty()));
    for batch in [1, 4] {
        footage.batch = batch;
        assert_same(&run(&footage, &settings), &together);
    }
}

#[test]
fn a_cut_ends_tracks() {
    let mut footage = pedestrians(300, 8);
    cut(&mut footage, 4);
    let results = run(&footage, &crowd());
    assert!(results.tracks.len() >= 2, "{:?}", results.tracks);
    assert!(results.tracks.iter().all(|(range, _)| range.end <= 4 || range.start >= 4), "{:?}", results.tracks);
}

#[test]
fn every_detector_finds_the_same_person() {
    for (detector, within) in [(Detector::Multi, 12.0), (Detector::Single, 12.0), (Detector::Blazepose, 12.0)] {
        let results = run(&still(&astronaut()), &PoseSettings { detector, ..PoseSettings::default() });
        let [pose] = &results.poses[&0][..] else { panic!("{detector:?}: {:?}", results.poses[&0].len()) };
        assert!(near(point(pose, 0), 223.0, 128.0, within), "{detector:?}: nose at {:?}", point(pose, 0));
        // Her left is on the right of the image.
        assert!(
            point(pose, 5)[0] > point(pose, 6)[0] + 100.0,
            "{detector:?}: {:?} {:?}",
            point(pose, 5),
            point(pose, 6)
        );
        assert_eq!(pose.landmarks.len(), 33 * 4, "{detector:?}");
        let geometry = &results.amendments[0].2["geometry"];
        assert_eq!(geometry["view"], serde_json::to_value(PoseView::Frontal).unwrap(), "{detector:?}: {geometry}");
    }
}

#[test]
fn a_person_at_the_edge_of_the_frame_is_found() {
    let whole = astronaut();
    let (left, width) = (170u32, 512 - 170);
    let row = |y: usize| &whole.rgb[(y * 512 + left as usize) * 3..(y + 1) * 512 * 3];
    let rgb: Vec<u8> = (0..512).flat_map(|y| row(y).iter().copied()).collect();
    let results = run(&still(&Picture { width, height: 512, rgb }), &PoseSettings::default());
    let [pose] = &results.poses[&0][..] else { panic!("{:?}", results.poses[&0].len()) };
    assert!(near(point(pose, 0), 223.0 - left as f32, 128.0, 15.0), "{:?}", point(pose, 0));
    assert!(pose.r#box[0] < 20.0, "{:?}", pose.r#box);
}

#[test]
fn coordinates_are_those_of_the_full_frame() {
    let settings = PoseSettings { landmarks: true, ..PoseSettings::default() };
    let proxy = film(&[astronaut()], 1);
    let mut full = proxy.clone();
    (full.item.width, full.item.height) = (1536, 1536);
    let (small, large) = (run(&proxy, &settings), run(&full, &settings));
    let (small, large) = (&small.poses[&0][0], &large.poses[&0][0]);
    assert!(near(point(large, 0), 3.0 * point(small, 0)[0], 3.0 * point(small, 0)[1], 0.1));
    assert!((large.r#box[2] - 3.0 * small.r#box[2]).abs() < 0.1);
    assert!(
        (large.landmarks[0] - 3.0 * small.landmarks[0]).abs() < 0.1
            && (large.landmarks[2] - 3.0 * small.landmarks[2]).abs() < 0.1
    );
}

/// A folder of photographs: what the largest is like says nothing of the others.
#[test]
fn coordinates_of_stills_are_each_of_its_own_picture() {
    let small = astronaut();
    let twice = |factor: u32| {
        Picture::from_fn(factor * small.width, factor * small.height, |x, y| small.get(x / factor, y / factor))
    };
    let stills = Film::new([3, 1, 2].map(|factor| rgb8(&twice(factor))).to_vec()).stills();
    let results = run(&stills, &PoseSettings { landmarks: false, ..PoseSettings::default() });
    for (frame, factor) in (0..).zip([3.0, 1.0, 2.0]) {
        let nose = point(&results.poses[&frame][0], 0);
        assert!(near(nose, 223.0 * factor, 128.0 * factor, 15.0 * factor), "{frame}: {nose:?}");
    }
}

/// Several pictures of one person in one, small.
fn many(across: u32, down: u32) -> Picture {
    let (one, side) = (astronaut(), 160);
    let scale = one.width / side;
    Picture::from_fn(across * side, down * side, |x, y| one.get(x % side * scale, y % side * scale))
}

#[test]
fn more_persons_than_the_model_finds_at_once_are_found_in_tiles() {
    let settings = PoseSettings { landmarks: false, ..PoseSettings::default() };
    let (picture, one_go) = (many(4, 3), PoseSettings { tiles: 1, ..settings.clone() });
    let limited = run(&still(&picture), &one_go);
    assert_eq!(limited.poses[&0].len(), 6);
    assert!(limited.poses[&0].iter().all(|pose| pose.at_limit == Some(true)));
    assert_eq!(limited.statistics["frames_at_limit"], 1);
    let said = limited.statistics["limit"].as_str().unwrap();
    assert!(said.contains("limit of 6 persons") && said.contains("set pose.tiles to 2"), "{said}");
    let all = run(&still(&picture), &settings);
    assert!((11..=13).contains(&all.poses[&0].len()), "{} of 12", all.poses[&0].len());
    assert!(all.poses[&0].iter().all(|pose| pose.at_limit.is_none()) && all.statistics["limit"].is_null());
}

/// Pedestrians of a sixth of the picture's height: the whole frame shows the model too little of them, and the first frame tells.
#[test]
fn tiles_are_chosen_where_people_are_small() {
    let settings = PoseSettings { landmarks: false, ..PoseSettings::default() };
    let pictures = frames(&sample("vtest.avi").unwrap(), 295, 3, 768, 576);
    let count = |settings: &PoseSettings| {
        run(&film(&pictures, RATE), settings).poses.values().map(Vec::len).collect::<Vec<_>>()
    };
    let (whole, chosen) = (count(&PoseSettings { tiles: 1, ..settings.clone() }), count(&settings));
    assert!(whole.iter().zip(&chosen).all(|(whole, chosen)| chosen > whole), "{whole:?} {chosen:?}");
    // A portrait is searched as before.
    let portrait = run(&still(&astronaut()), &settings);
    assert_eq!(portrait.poses[&0].len(), 1);
}

#[test]
fn boxes_and_visible_points_are_inside_the_picture() {
    // Her hips and legs lie below the picture.
    for detector in [Detector::Multi, Detector::Blazepose] {
        let results = run(&still(&astronaut()), &PoseSettings { detector, ..PoseSettings::default() });
        let outside = |x: f32, y: f32| !((0.0..=512.0).contains(&x) && (0.0..=512.0).contains(&y));
        let [pose] = &results.poses[&0][..] else { panic!("one person") };
        assert!(pose.r#box.iter().all(|at| (0.0..=512.0).contains(at)), "{:?}", pose.r#box);
        let landmarks = pose.landmarks.as_chunks::<4>().0;
        assert!(landmarks.iter().any(|[x, y, ..]| outside(*x, *y)), "nothing lies outside");
        assert!(landmarks.iter().all(|[x, y, _, v]| *v == 0.0 || !outside(*x, *y)));
        assert!(pose.keypoints.as_chunks::<3>().0.iter().all(|[x, y, v]| *v == 0.0 || !outside(*x, *y)));
    }
}

#[test]
fn nobody_is_found_where_nobody_is() {
    let grey = || Picture { width: 320, height: 180, rgb: vec![128; 320 * 180 * 3] };
    for detector in [Detector::Multi, Detector::Blazepose] {
        let results = run(&film(&[grey(), grey()], 25), &PoseSettings { detector, ..PoseSettings::default() });
        assert_eq!(results.poses.len(), 2, "a frame without persons has a result");
        assert!(results.poses.values().all(Vec::is_empty) && results.tracks.is_empty());
        assert_eq!(results.statistics["detection_rate"], 0.0);
    }
}

#[test]
fn frames_that_are_not_there_end_no_track() {
    let mut footage = film(&[astronaut(), astronaut(), astronaut(), astronaut()], 25);
    footage.absent = vec![1];
    let results = run(&footage, &PoseSettings { landmarks: false, ..PoseSettings::default() });
    assert_eq!(results.poses.keys().copied().collect::<Vec<_>>(), [0, 2, 3]);
    assert_eq!((results.tracks.len(), results.failed), (1, Vec::new()));
}

#[test]
fn a_frame_without_a_picture_fails_and_the_others_do_not() {
    let (footage, folder) = (film(&[astronaut()], 25), tempfile::tempdir().unwrap());
    let step = step(&PoseSettings { landmarks: false, ..PoseSettings::default() });
    let range = FrameRange { start: 0, end: 2 };
    let mut batch = Batch::new(footage.item.clone(), range, range, vec![0, 1], vec![0, 40_000_000]);
    batch.insert_frame(Rendition::Proxy, Frame { number: 1, pts_ns: 40_000_000, image: footage.images[0].clone() });
    let mut out = Outputs::new(folder.path());
    step.stage.process(&step.job(&footage, &batch, folder.path()), &batch, &mut out).unwrap();
    let made = out.into_output();
    assert_eq!((made.outcomes.failed[0].frame, made.outcomes.failed[0].code.as_str()), (0, codes::ABSENT));
    assert_eq!(made.annotations.frames.iter().map(|of| of.frame).collect::<Vec<_>>(), [1]);
}

#[test]
fn golden_digest() {
    let results = run(&still(&astronaut()), &PoseSettings::default());
    let pose = &results.poses[&0][0];
    let keypoints = pose.keypoints.as_chunks::<3>().0.iter().filter(|point| point[2] > 0.4);
    let mut text: String = keypoints.map(|point| format!("{:.0} {:.0}\n", point[0] / 8.0, point[1] / 8.0)).collect();
    let landmarks = pose.landmarks.as_chunks::<4>().0.iter().filter(|point| point[3] > 0.9);
    text.extend(landmarks.map(|point| format!("{:.0} {:.0}\n", point[0] / 8.0, point[1] / 8.0)));
    golden(&text, PoseStage::VERSION, (5, "d360b9ac5db9f6be"));
}

/// The runner gives process the defaults of what finish alone reads, and nobody may notice.
#[test]
fn process_reads_no_finish_setting() {
    let settings = PoseSettings::default();
    let host = framefleet_testkit_models::host("pose", &PoseStage::needs(&settings)).unwrap();
    let films = [film(&[astronaut(), astronaut()], 25)];
    framefleet_testkit_stage::process_reads_no_finish_setting::<PoseStage>(&host, &settings, &films);
}
