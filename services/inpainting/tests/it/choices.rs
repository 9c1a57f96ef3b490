//! What is removed, what is not, and what happens when that cannot be done.

use crate::harness::{Footage, Scene, mask, psnr, rgb8};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, FillRest, FrameRange, Image, ItemKind, Kind, MaskTrack, ScopedAnnotation};
use framefleet_stage::{Stage, codes};
use inpainting::{InpaintingSettings, InpaintingStage, Rest};

/// Two masks per frame: the square, and a box in the corner.
fn footage(frames: u64) -> (Scene, Footage) {
    let scene = Scene::new(31);
    let images: Vec<Image> = scene.frames(frames).iter().map(rgb8).collect();
    let mut footage = Footage::new(images, |n, x, y| scene.covered(n, x, y));
    for masks in &mut footage.masks {
        masks.push(mask(240, 160, "car", |x, y| x >= 210 && y >= 130));
    }
    (scene, footage)
}

fn plain() -> InpaintingSettings {
    InpaintingSettings { grow_percent: 0.0, feather_percent: 0.0, window: 5, ..InpaintingSettings::default() }
}

#[test]
fn labels_choose_what_is_removed() {
    let (_, footage) = footage(6);
    let pixels = |labels: &[&str]| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        footage.run(&InpaintingSettings { labels, ..plain() }).fills[&2].hole_pixels
    };
    let (person, car) = (pixels(&["person"]), pixels(&["car"]));
    assert!(person >= 36 * 36 && car == 30 * 30, "{person} {car}");
    assert_eq!(pixels(&["person", "car"]), person + car);
    assert_eq!((pixels(&[]), pixels(&["dog"])), (person + car, 0));
}

#[test]
fn tracks_choose_what_is_removed_and_need_a_second_pass() {
    let (_, mut footage) = footage(6);
    let track = |track, frames: &[u64], instance| {
        let value =
            MaskTrack { track, frame: frames.to_vec(), instance: vec![instance; frames.len()], ..MaskTrack::default() };
        let annotation = Some(Annotation { instance: track, value: Some(Value::MaskTrack(value)) });
        let range = Some(FrameRange { start: frames[0], end: frames[frames.len() - 1] + 1 });
        ScopedAnnotation { item: "clip.mp4".to_owned(), range, annotation }
    };
    let mut elsewhere = track(3, &[0, 1, 2, 3], 0);
    elsewhere.item = "another.mp4".to_owned();
    footage.scoped = vec![track(3, &[1, 2, 3], 1), track(4, &[0, 1, 2, 3, 4, 5], 0), elsewhere];
    let settings = InpaintingSettings { tracks: vec![3], ..plain() };
    let found: Vec<u64> = footage.run(&settings).fills.values().map(|fill| fill.hole_pixels).collect();
    assert_eq!(found, [0, 900, 900, 900, 0, 0]);
    let needs = InpaintingStage::needs(&settings);
    assert!(needs.process.required.contains(&Kind::new("mask_track")));
    assert!(!InpaintingStage::needs(&plain()).process.required.contains(&Kind::new("mask_track")));
}

#[test]
fn missing_neighbours_are_done_without() {
    let (scene, mut footage) = footage(12);
    footage.absent = vec![3, 4, 6, 8];
    let results =
        footage.run(&InpaintingSettings { labels: vec!["person".to_owned()], ..InpaintingSettings::default() });
    assert_eq!(results.frames.len(), 8);
    let found = psnr(results.frames[&5].data(), &scene.background(5).rgb, 240, |x, y| scene.covered(5, x, y));
    assert!(found > 28.0, "{found:.1} dB");
}

#[test]
fn stills_are_filled_from_within() {
    let (_, mut footage) = footage(3);
    footage.item.kind = ItemKind::Stills.into();
    footage.batch = 1;
    let results = footage.run(&plain());
    for fill in results.fills.values() {
        assert_eq!((fill.real_share, fill.rest()), (Some(0.0), FillRest::Telea));
    }
}

#[test]
fn what_nobody_fills_stays() {
    let (scene, footage) = footage(2);
    let settings = InpaintingSettings { window: 0, rest: Rest::None, ..plain() };
    let results = footage.run(&settings);
    assert_eq!(results.frames[&1], footage.images[1]);
    assert_eq!((results.fills[&1].rest(), results.fills[&1].ring_difference), (FillRest::None, None));
    assert!(scene.covered(1, 50, 70));
}

#[test]
fn a_frame_that_is_all_hole_fails_alone() {
    let (_, mut footage) = footage(3);
    footage.masks[1] = vec![mask(240, 160, "person", |_, _| true)];
    let results = footage.run(&InpaintingSettings { window: 0, ..InpaintingSettings::default() });
    assert_eq!(results.failed, [(1, "all-hole".to_owned())]);
    assert_eq!(results.frames.keys().copied().collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn masks_that_are_none_cost_one_frame() {
    let (_, mut footage) = footage(4);
    footage.masks[2][0].run_lengths.as_mut().unwrap().counts = "~~~".to_owned();
    let results = footage.run(&InpaintingSettings { window: 0, ..InpaintingSettings::default() });
    assert_eq!(results.failed, [(2, codes::BAD_ANNOTATION.to_owned())]);
}

/// A still that is smaller than the largest of its folder, or a frame that a step upstream enlarged.
#[test]
fn frames_of_another_size_are_filled_at_their_own() {
    let (_, mut footage) = footage(2);
    footage.images[1] = rgb8(&framefleet_testkit::Picture::filled(480, 320, [9, 9, 9]));
    let results = footage.run(&InpaintingSettings { window: 0, ..InpaintingSettings::default() });
    assert_eq!(results.failed, []);
    assert_eq!((results.frames[&1].width(), results.frames[&1].height()), (480, 320));
    let pixels = |frame: u64| results.fills[&frame].hole_pixels as f64;
    assert!((pixels(1) / pixels(0) - 4.0).abs() < 0.2, "{} and {} pixels", pixels(0), pixels(1));
}

/// What is behind the square in every frame of a still shot is on its plate, though no frame shows all of it.
#[test]
fn the_clean_plate_is_what_was_behind() {
    let mut scene = Scene::new(9);
    scene.square.camera = framefleet_testkit::Similarity::default();
    let images: Vec<Image> = scene.frames(41).iter().map(rgb8).collect();
    let footage = Footage::new(images, |n, x, y| scene.covered(n, x, y));
    let results = footage.run(&InpaintingSettings { window: 2, clean_plate: true, ..InpaintingSettings::default() });
    assert_eq!(results.artifacts.keys().collect::<Vec<_>>(), ["clip/plate_00000000.png"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plate.png");
    std::fs::write(&path, &results.artifacts["clip/plate_00000000.png"]).unwrap();
    let plate = &framefleet_testkit::decode_rgb8(&path).unwrap()[0];
    assert_eq!(plate.rgb, scene.background(0).rgb);
}

/// Somebody comes in from the left, and masks know of it only when most of it is seen: the frames before are cleaned, too.
#[test]
fn who_comes_in_at_the_edge_leaves_no_pieces() {
    let mut scene = Scene::new(17);
    scene.square.square = (-32.0, 60.0, 36.0);
    scene.square.velocity = (5.0, 0.0);
    let images: Vec<Image> = scene.frames(14).iter().map(rgb8).collect();
    let footage = Footage::new(images, |n, x, y| n >= 5 && scene.covered(n, x, y));
    let left = |settings: &InpaintingSettings| {
        let results = footage.run(settings);
        let different = |n: u64| {
            let (made, clean) = (results.frames[&n].data(), scene.background(n).rgb);
            let pixel = |at: usize| made[at..at + 3].iter().zip(&clean[at..]).any(|(a, b)| a.abs_diff(*b) > 20);
            (0..clean.len()).step_by(3).filter(|at| pixel(*at)).count()
        };
        (0..5).map(different).sum::<usize>()
    };
    let before = left(&InpaintingSettings { gap: 0, ..InpaintingSettings::default() });
    let after = left(&InpaintingSettings::default());
    assert!(before > 1500 && after < before / 20, "{after} of {before} pixels");
}
