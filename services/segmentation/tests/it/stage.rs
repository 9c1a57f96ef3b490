//! The stage around its models, with one whose answers are known: the soft mask is how bright a pixel is.

use crate::harness::{Footage, Results, brightness, iou, pair, picture, polygons};
use framefleet_frames::{ItemKind, Mask};
use framefleet_masks::Rle;
use framefleet_stage::Stage as _;
use framefleet_testkit::Picture;
use framefleet_testkit_stage::golden;
use opencv::core::{CV_8UC1, Mat, Rect, Scalar};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc};
use segmentation::{MaskProduct, SegmentationSettings, SegmentationStage, Stereo};

/// A bright box on a dark, patterned ground.
fn scene(width: u32, height: u32, boxes: &[[u32; 4]]) -> Picture {
    Picture::from_fn(width, height, |x, y| {
        let bright = boxes.iter().any(|[x0, y0, x1, y1]| (*x0..*x1).contains(&x) && (*y0..*y1).contains(&y));
        let level = if bright { 210 } else { 30 } + pattern(x, y, 1);
        [level; 3]
    })
}

/// Texture without meaning, 0–30: what stereo and smoothing hold on to.
fn pattern(x: u32, y: u32, seed: u32) -> u8 {
    let mixed = (x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA6B) ^ seed.wrapping_mul(0xC2B2_AE35))
        .wrapping_mul(0x27D4_EB2F);
    ((mixed >> 24) % 31) as u8
}

fn square(width: i32, height: i32, [x0, y0, x1, y1]: [i32; 4]) -> Mat {
    polygons(&[&[[x0, y0], [x1 - 1, y0], [x1 - 1, y1 - 1], [x0, y1 - 1]]], width, height)
}

fn corners(mask: &Mask) -> Vec<i32> {
    mask.r#box.iter().map(|side| *side as i32).collect()
}

/// D-19: the way into the model is undone on the way out, whatever the aspect ratio.
#[test]
fn a_square_stays_where_it_is() {
    for (width, height) in [(1280, 640), (1280, 720), (405, 720), (512, 512)] {
        let place = [width / 4, height / 4, width / 4 + width / 2, height / 4 + height / 3];
        let results =
            Footage::new(vec![scene(width, height, &[place])]).run_on(&brightness(), &SegmentationSettings::default());
        let truth = square(width as i32, height as i32, place.map(|side| side as i32));
        let [mask] = &results.masks[&0][..] else { panic!("one mask, not {:?}", results.masks) };
        let overlap = iou(&picture(mask), &truth);
        assert!(overlap >= 0.99, "{width}×{height}: {overlap}");
        assert_eq!(mask.area, Rle::of(&picture(mask)).unwrap().area());
        assert!(mask.score > 0.8 && mask.label == "person" && mask.eye.is_empty());
    }
}

#[test]
fn persons_share_out_a_foreground_that_touches() {
    let footage = Footage::new(vec![scene(640, 360, &[[100, 60, 300, 340], [300, 60, 420, 340]])]);
    let settings = SegmentationSettings::default();
    let together = footage.run_on(&brightness(), &settings);
    assert_eq!(together.masks[&0].len(), 1);
    let footage = footage.with_persons(&[[100.0, 60.0, 300.0, 340.0], [300.0, 60.0, 420.0, 340.0]]);
    let apart = footage.run_on(&brightness(), &settings);
    let boxes: Vec<Vec<i32>> = apart.masks[&0].iter().map(corners).collect();
    // In the middle between the two bodies' lines.
    assert_eq!(boxes.len(), 2, "{boxes:?}");
    assert!((boxes[0][2] - 280).abs() <= 3 && (boxes[1][0] - 280).abs() <= 3, "{boxes:?}");
    let shared =
        Rle::of(&picture(&apart.masks[&0][0])).unwrap().intersection(&Rle::of(&picture(&apart.masks[&0][1])).unwrap());
    assert_eq!(shared, 0);
}

/// Two boxes that pass each other on their rows; the second leaves for two frames.
fn moving(frames: u64) -> Footage {
    let at = |n: u64| 40 + 8 * n as u32;
    Footage::new(
        (0..frames)
            .map(|n| {
                let first = [at(n), 30, at(n) + 60, 130];
                let second = [500 - at(n), 190, 560 - at(n), 320];
                let away = [8, 9].contains(&n);
                if away { scene(640, 360, &[first]) } else { scene(640, 360, &[first, second]) }
            })
            .collect(),
    )
}

fn track_of(results: &Results, frame: u64, row: i32) -> Option<u64> {
    let instance = results.masks[&frame].iter().position(|mask| corners(mask)[1] == row)?;
    results.tracks.get(&(frame, instance as u32)).copied()
}

#[test]
fn objects_are_followed_and_shots_end_them() {
    let settings = SegmentationSettings::default();
    let mut footage = moving(24);
    let results = footage.run_on(&brightness(), &settings);
    let rows = (corners(&results.masks[&0][0])[1], corners(&results.masks[&0][1])[1]);
    let (large, small) = (rows.0.max(rows.1), rows.0.min(rows.1));
    for frame in 0..24 {
        assert_eq!(track_of(&results, frame, small), track_of(&results, 0, small), "{frame}");
    }
    assert_eq!(results.published.len(), 2);
    let (range, track) = &results.published[track_of(&results, 0, large).unwrap() as usize];
    assert_eq!((range.start, range.end, track.frames), (0, 24, 22));
    assert!(
        track
            .frame
            .iter()
            .zip(&track.instance)
            .all(|(frame, instance)| results.tracks[&(*frame, *instance)] == u64::from(track.track))
    );
    assert_eq!((track.frame.len(), track.frame[7..9].to_vec()), (22, vec![7, 10]));
    assert!((track.stability.unwrap() - 52.0 / 68.0).abs() < 0.05, "{track:?}");
    footage.shots = vec![0, 12];
    let cut = footage.run_on(&brightness(), &settings);
    assert_eq!(cut.published.len(), 4);
    assert_ne!(track_of(&cut, 11, small), track_of(&cut, 12, small));
    assert_eq!(track_of(&cut, 12, small), track_of(&cut, 23, small));
}

/// D-10: statistics are of all that was found, frames without instances have results, every file is there.
#[test]
fn statistics_are_complete_and_every_file_is_listed() {
    let pictures = vec![
        scene(320, 180, &[[20, 20, 120, 120], [200, 40, 260, 160]]),
        scene(320, 180, &[]),
        scene(320, 180, &[[20, 20, 120, 120]]),
    ];
    let products = [
        MaskProduct::Cutouts,
        MaskProduct::Context,
        MaskProduct::Blurred,
        MaskProduct::Masks,
        MaskProduct::Backgrounds,
        MaskProduct::Overlay,
        MaskProduct::Frames,
    ];
    let settings = SegmentationSettings { artifacts: products.to_vec(), ..SegmentationSettings::default() };
    let results = Footage::new(pictures.clone()).run_on(&brightness(), &settings);
    assert_eq!(results.masks.keys().copied().collect::<Vec<_>>(), [0, 2]);
    let statistics = &results.statistics;
    assert_eq!(
        (&statistics["frames"], &statistics["instances"], &statistics["max_instances"]),
        (&3.into(), &3.into(), &2.into())
    );
    assert_eq!((&statistics["frames_without"], &statistics["frames_with_several"]), (&1.into(), &1.into()));
    assert_eq!(statistics["mean_instances"], 1.0);
    let mut names: Vec<String> = Vec::new();
    for instance in ["000000_inst0", "000000_inst1", "000002_inst0"] {
        names.extend(
            ["blurred/{}_blur.png", "context/{}_ctx.png", "cutouts/{}.png", "masks/{}_mask.png"]
                .map(|name| name.replace("{}", instance)),
        );
    }
    for frame in ["000000", "000001", "000002"] {
        names.extend(["backgrounds", "frames", "overlay"].map(|product| format!("{product}/{frame}.jpg")));
    }
    names.sort();
    assert_eq!(results.artifacts.keys().cloned().collect::<Vec<_>>(), names);

    let open = |name: &str| {
        let bytes = opencv::core::Vector::<u8>::from_slice(&results.artifacts[name]);
        imgcodecs::imdecode(&bytes, imgcodecs::IMREAD_UNCHANGED).unwrap()
    };
    let mask = open("masks/000000_inst0_mask.png");
    assert_eq!(Rle::of(&mask).unwrap(), Rle::of(&picture(&results.masks[&0][0])).unwrap());
    let cutout = open("cutouts/000000_inst0.png");
    assert_eq!((cutout.channels(), cutout.cols(), cutout.rows()), (4, 100, 100));
    let mut alpha = Mat::default();
    opencv::core::extract_channel(&cutout, &mut alpha, 3).unwrap();
    assert_eq!(opencv::core::count_non_zero(&alpha).unwrap() as u64, results.masks[&0][0].area);
    let context = open("context/000000_inst0_ctx.png");
    assert_eq!((context.cols(), context.rows()), (140, 140));
    let background = open("backgrounds/000000.jpg");
    let left = imgproc_mean(&background, Rect::new(30, 30, 80, 80));
    assert!(left < 80.0, "what was bright is painted over: {left}");
    let untouched = open("backgrounds/000001.jpg");
    assert!((imgproc_mean(&untouched, Rect::new(0, 0, 320, 180)) - 45.0).abs() < 3.0);
}

fn imgproc_mean(picture: &Mat, part: Rect) -> f64 {
    opencv::core::mean_def(&Mat::roi(picture, part).unwrap()).unwrap()[0]
}

#[test]
fn an_absent_frame_fails_and_the_others_go_on() {
    let mut footage = moving(6);
    footage.absent = vec![3];
    let results =
        footage.run_on(&brightness(), &SegmentationSettings { steady_frames: 3, ..SegmentationSettings::default() });
    // Absent frames are not asked for: the runner has said what became of them.
    assert_eq!(results.masks.keys().copied().collect::<Vec<_>>(), [0, 1, 2, 4, 5]);
    assert!(results.failed.is_empty());
}

fn stereo_pair(dimmed: bool) -> Picture {
    // The ground lies at disparity 4, the box at 20; the left eye's image of the box is too dark in one half.
    Picture::from_fn(1280, 360, |x, y| {
        let left = x < 640;
        let (x, ground, near) = if left { (x, 0, 0) } else { (x - 640, 4, 20) };
        let inside = (200 - near..420 - near).contains(&x) && (80..300).contains(&y);
        let dim = if dimmed && left && inside && y < 190 { 105 } else { 0 };
        let level = if inside { 200 + pattern(x + near, y, 5) - dim } else { 20 + pattern(x + ground, y, 9) };
        [level; 3]
    })
}

/// D-20: the other eye's mask helps where it is looked up along the disparity, and is never averaged in place.
#[test]
fn the_eyes_agree_along_the_disparity() {
    let layout = SegmentationSettings { stereo: Stereo::SideBySide, ..SegmentationSettings::default() };
    let alone = SegmentationSettings { stereo_agreement: false, ..layout.clone() };
    let truth = |eye: &str| {
        if eye == "left" { square(1280, 360, [200, 80, 420, 300]) } else { square(1280, 360, [820, 80, 1040, 300]) }
    };
    let overlap = |results: &Results, eye: &str| {
        let found = results.masks[&0].iter().filter(|mask| mask.eye == eye).map(picture);
        found.map(|mask| iou(&mask, &truth(eye))).fold(0.0, f32::max)
    };
    let good = Footage::new(vec![stereo_pair(false)]).run_on(&brightness(), &layout);
    assert_eq!(good.masks[&0].iter().map(|mask| mask.eye.as_str()).collect::<Vec<_>>(), ["left", "right"]);
    assert!(
        overlap(&good, "left") > 0.97 && overlap(&good, "right") > 0.97,
        "{} {}",
        overlap(&good, "left"),
        overlap(&good, "right")
    );
    let dimmed = Footage::new(vec![stereo_pair(true)]);
    let (single, fused) = (dimmed.run_on(&brightness(), &alone), dimmed.run_on(&brightness(), &layout));
    assert!(overlap(&single, "left") < 0.55);
    assert!(overlap(&fused, "left") > 0.9, "{} after {}", overlap(&fused, "left"), overlap(&single, "left"));
    assert!(overlap(&fused, "right") >= overlap(&single, "right") - 0.03);
}

/// Both eyes go through a model of an open first axis together.
#[test]
fn both_eyes_are_one_micro_batch() {
    let stereo =
        SegmentationSettings { stereo: Stereo::SideBySide, stereo_agreement: false, ..SegmentationSettings::default() };
    let footage = Footage::new(vec![scene(800, 300, &[[100, 60, 300, 240], [480, 60, 680, 240]])]);
    let together = footage.run_on(&pair(2), &stereo);
    let eyes: Vec<(&str, Vec<i32>)> =
        together.masks[&0].iter().map(|mask| (mask.eye.as_str(), corners(mask))).collect();
    assert_eq!(eyes, [("left", vec![100, 60, 300, 240]), ("right", vec![480, 60, 680, 240])]);
    // One image at a time is half as bright as that model wants it.
    assert!(footage.run_on(&pair(1), &stereo).masks.is_empty());
}

/// D-20, the second half: smoothing of masks over time works, and follows what moves.
#[test]
fn a_still_scene_is_smoothed_and_motion_is_not_smeared() {
    let noisy = |n: u32| {
        Picture::from_fn(512, 384, move |x, y| {
            let inside = (100..300).contains(&x) && (100..300).contains(&y);
            [if inside { 116 } else { 60 } + pattern(x, y, n + 1); 3]
        })
    };
    let footage = Footage::new((0..12).map(noisy).collect());
    // No cleaning: noise is to be seen.
    let plain = SegmentationSettings {
        min_area_percent: 0.0,
        hole_percent: 0.0,
        max_instances: 1000,
        ..SegmentationSettings::default()
    };
    let steady = SegmentationSettings { steady_frames: 3, ..plain.clone() };
    let changes = |results: &Results| {
        let pairs = (4..11).map(|frame| iou(&results.union(frame), &results.union(frame + 1)));
        pairs.sum::<f32>() / 7.0
    };
    let (before, after) =
        (changes(&footage.run_on(&brightness(), &plain)), changes(&footage.run_on(&brightness(), &steady)));
    assert!(after > before + 0.05, "{before} → {after}");
    let results =
        moving(8).run_on(&brightness(), &SegmentationSettings { steady_frames: 3, ..SegmentationSettings::default() });
    let place = [40 + 8 * 7, 30, 100 + 8 * 7, 130];
    let truth = square(640, 360, place);
    let best = results.masks[&7].iter().map(|mask| iou(&picture(mask), &truth)).fold(0.0, f32::max);
    assert!(best > 0.95, "{best}");
}

fn assert_same(a: &Results, b: &Results) {
    assert_eq!(a.masks, b.masks);
    assert_eq!(a.tracks, b.tracks);
    assert_eq!(a.published, b.published);
    assert_eq!(a.statistics, b.statistics);
    assert_eq!(a.artifacts, b.artifacts);
}

#[test]
fn borders_of_batches_do_not_change_results() {
    let settings = SegmentationSettings {
        steady_frames: 3,
        artifacts: vec![MaskProduct::Masks],
        ..SegmentationSettings::default()
    };
    let (mut footage, host) = (moving(20), brightness());
    let whole = footage.run_on(&host, &settings);
    for batch in [7, 3] {
        footage.batch = batch;
        assert_same(&footage.run_on(&host, &settings), &whole);
    }
    // Sampling thins out frames: those that are left look at their neighbours all the same.
    footage.every = 4;
    let sampled = footage.run_on(&host, &settings);
    assert!(sampled.masks.iter().all(|(frame, masks)| &whole.masks[frame] == masks) && sampled.masks.len() == 5);
    // The one that was away is another one when it comes back: it has moved by more than its width.
    assert_eq!(sampled.published.len(), 3);
}

#[test]
fn stills_have_nothing_to_do_with_each_other() {
    let mut footage = moving(3);
    footage.item.kind = ItemKind::Stills.into();
    let settings = SegmentationSettings { steady_frames: 3, ..SegmentationSettings::default() };
    let stills = footage.run_on(&brightness(), &settings);
    assert!(stills.tracks.is_empty() && stills.published.is_empty());
    let plain = moving(3).run_on(&brightness(), &SegmentationSettings::default());
    assert_eq!(stills.masks, plain.masks);
}

/// Proxies are enough for masks in pixels of the full frame, and images are cut from full frames all the same.
#[test]
fn masks_of_proxies_are_of_the_full_frame() {
    let place = [300, 200, 700, 600];
    let settings = SegmentationSettings {
        full_frames: false,
        artifacts: vec![MaskProduct::Cutouts],
        ..SegmentationSettings::default()
    };
    let footage = Footage::new(vec![scene(1600, 900, &[place])]);
    let results = footage.run_on(&brightness(), &settings);
    let [mask] = &results.masks[&0][..] else { panic!("one mask, not {:?}", results.masks) };
    let runs = mask.run_lengths.as_ref().unwrap();
    assert_eq!((runs.width, runs.height), (1600, 900));
    let overlap = iou(&picture(mask), &square(1600, 900, place.map(|side| side as i32)));
    assert!(overlap >= 0.98, "{overlap}");
    let cutout = opencv::core::Vector::<u8>::from_slice(&results.artifacts["cutouts/000000_inst0.png"]);
    let cutout = imgcodecs::imdecode(&cutout, imgcodecs::IMREAD_UNCHANGED).unwrap();
    assert!((cutout.cols() - 400).abs() <= 6 && cutout.channels() == 4, "{}", cutout.cols());
    // Persons are looked at in the proxy, too.
    let found = footage.with_persons(&[[300.0, 200.0, 700.0, 600.0]]).run_on(&brightness(), &settings);
    let overlap = iou(&picture(&found.masks[&0][0]), &square(1600, 900, place.map(|side| side as i32)));
    assert!(overlap >= 0.98, "{overlap}");
}

/// A folder of photographs: what the largest is like says nothing of the others.
#[test]
fn masks_of_stills_are_each_of_its_own_size() {
    let sizes = [(1600, 900), (900, 1200), (320, 200)];
    let place = |(width, height): (u32, u32)| [width / 4, height / 4, width / 2, height / 2];
    let footage = Footage::new(sizes.map(|size| scene(size.0, size.1, &[place(size)])).to_vec()).stills();
    for full_frames in [false, true] {
        let settings = SegmentationSettings { full_frames, ..SegmentationSettings::default() };
        let results = footage.run_on(&brightness(), &settings);
        for (frame, size) in (0..).zip(sizes) {
            let [mask] = &results.masks[&frame][..] else { panic!("one mask, not {:?}", results.masks.get(&frame)) };
            let runs = mask.run_lengths.as_ref().unwrap();
            assert_eq!((runs.width, runs.height), size);
            let truth = square(size.0 as i32, size.1 as i32, place(size).map(|side| side as i32));
            let overlap = iou(&picture(mask), &truth);
            assert!(overlap >= 0.97, "{size:?}: {overlap}");
        }
    }
}

#[test]
fn golden_digest() {
    let results = moving(20).run_on(&brightness(), &SegmentationSettings::default());
    let mut text = String::new();
    for (frame, masks) in &results.masks {
        for (instance, mask) in masks.iter().enumerate() {
            let track = results.tracks[&(*frame, instance as u32)];
            text += &format!("{frame} {instance} {track} {:?} {} {:.2}\n", corners(mask), mask.area, mask.score);
        }
    }
    golden(&text, SegmentationStage::VERSION, (6, "6eb3c259e607337a"));
}

#[test]
fn an_empty_mask_is_no_instance() {
    let dark = Mat::new_rows_cols_with_default(4, 4, CV_8UC1, Scalar::default()).unwrap();
    assert_eq!(imgproc::bounding_rect(&dark).unwrap().width, 0);
    let results =
        Footage::new(vec![scene(64, 64, &[[10, 10, 11, 11]])]).run_on(&brightness(), &SegmentationSettings::default());
    assert!(results.masks.get(&0).is_none_or(Vec::is_empty) && results.statistics["frames_without"] == 1);
}

/// The runner gives process the defaults of what finish alone reads, and nobody may notice.
#[test]
fn process_reads_no_finish_setting() {
    let settings = SegmentationSettings { artifacts: vec![MaskProduct::Masks], ..SegmentationSettings::default() };
    let films = [moving(6).film()];
    framefleet_testkit_stage::process_reads_no_finish_setting::<SegmentationStage>(&brightness(), &settings, &films);
}
