//! What is filled in, against what is really behind.

use crate::harness::{Footage, Results, Scene, psnr, rgb8};
use framefleet_frames::{Fill, FillRest};
use framefleet_stage::Stage as _;
use framefleet_testkit::{decode_rgb8, sample};
use framefleet_testkit_stage::golden;
use inpainting::{Blend, InpaintingSettings, InpaintingStage, Rest};

/// Nothing but what the frame itself shows around the hole: what the original did under the name of a model.
fn alone() -> InpaintingSettings {
    InpaintingSettings { window: 0, rest: Rest::Telea, ..InpaintingSettings::default() }
}

fn scene() -> (Scene, Footage) {
    let scene = Scene::new(11);
    let images = scene.frames(30).iter().map(rgb8).collect();
    let footage = Footage::new(images, |n, x, y| scene.covered(n, x, y));
    (scene, footage)
}

/// PSNR inside the hole, frame by frame.
fn inside(scene: &Scene, results: &Results) -> Vec<f64> {
    results
        .frames
        .iter()
        .map(|(n, image)| psnr(image.data(), &scene.background(*n).rgb, image.width(), |x, y| scene.covered(*n, x, y)))
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Defect D-11: references were never used, and "lama" was Telea.
#[test]
fn what_another_frame_shows_is_found_again() {
    let (scene, footage) = scene();
    let (context, telea) = (footage.run(&InpaintingSettings::default()), footage.run(&alone()));
    let (of_context, of_telea) = (inside(&scene, &context), inside(&scene, &telea));
    println!("context {:.1} dB (least {:.1}), telea {:.1} dB", mean(&of_context), min(&of_context), mean(&of_telea));
    assert!(min(&of_context) > 32.0, "{of_context:?}");
    assert!(mean(&of_context) > mean(&of_telea) + 12.0, "{of_context:?} {of_telea:?}");
    for (n, fill) in &context.fills {
        assert!(fill.real_share.unwrap() > 0.99 && fill.references.len() >= 2, "{n}: {fill:?}");
        assert!(
            fill.ring_difference.unwrap() < 3.0 && fill.references.iter().all(|of| of.residual < 0.03),
            "{n}: {fill:?}"
        );
        assert!(fill.references.iter().all(|of| of.frame != *n && of.frame.abs_diff(*n) <= 10));
        assert!(fill.hole_pixels > 36 * 36, "grown");
    }
    let fill = Fill { rest: FillRest::Telea.into(), real_share: Some(0.0), ..Fill::default() };
    for found in telea.fills.values() {
        assert_eq!((found.rest, found.real_share, found.references.len()), (fill.rest, fill.real_share, 0));
    }
}

fn min(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Defect D-11: three blend modes were one.
#[test]
fn the_three_ways_to_blend_differ() {
    let (scene, footage) = scene();
    let blended = |blend| footage.run(&InpaintingSettings { blend, ..InpaintingSettings::default() });
    let all = [Blend::Median, Blend::Average, Blend::Best].map(blended);
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        assert_ne!(all[a].frames[&15].data(), all[b].frames[&15].data());
    }
    for results in &all {
        assert!(mean(&inside(&scene, results)) > 30.0);
    }
}

/// One reference of several that still shows an object, because nobody found it there, does not get through.
#[test]
fn an_object_that_was_missed_once_does_not_come_back() {
    let (scene, mut footage) = scene();
    footage.masks[13].clear();
    let results = footage.run(&InpaintingSettings { gap: 0, ..InpaintingSettings::default() });
    let near: Vec<f64> =
        inside(&scene, &results).into_iter().enumerate().filter(|(n, _)| *n != 13).map(|(_, of)| of).collect();
    assert!(min(&near) > 28.0, "{near:?}");
    assert_eq!((results.fills[&13].hole_pixels, results.fills[&13].rest()), (0, FillRest::NotNeeded));
    assert_eq!(results.frames[&13], footage.images[13]);
}

/// An object that nobody found in some frames in a row is removed from these, too, when frames on both sides have it: no ghost.
#[test]
fn an_object_that_was_missed_for_some_frames_is_removed_there_too() {
    let (scene, mut footage) = scene();
    for number in [5, 12, 13, 14, 15] {
        footage.masks[number].clear();
    }
    let results = footage.run(&InpaintingSettings::default());
    let scores = inside(&scene, &results);
    println!("missed 1 and 4: {:.1} {:?}", scores[5], &scores[12..16]);
    for number in [5, 12, 13, 14, 15] {
        let fill = &results.fills[&number];
        assert!(scores[number as usize] > 28.0 && fill.real_share.unwrap() > 0.95, "{number}: {fill:?} {scores:?}");
    }
}

/// Behind the part of a film that a job does, nobody looked for masks: what stands there is not used, although it looks free.
#[test]
fn frames_without_known_masks_are_no_sources() {
    let (scene, mut footage) = scene();
    footage.unknown = (20..footage.images.len() as u64).collect();
    footage.unknown.iter().for_each(|n| footage.masks[*n as usize].clear());
    let results = footage.run(&InpaintingSettings::default());
    for number in 10..20 {
        let references = &results.fills[&number].references;
        assert!(!references.is_empty() && references.iter().all(|of| of.frame < 20), "{number}: {references:?}");
    }
    assert!(min(&inside(&scene, &results)[..20]) > 40.0);
}

/// Light that changes from frame to frame is matched around the hole.
#[test]
fn colours_are_matched() {
    let (scene, mut footage) = scene();
    let gain = |n: u64| 1.0 - 0.012 * n as f64;
    for (n, image) in footage.images.iter_mut().enumerate() {
        let dark = image.data().iter().map(|v| (f64::from(*v) * gain(n as u64)).round() as u8).collect::<Vec<_>>();
        *image = framefleet_frames::Image::new(image.format(), image.width(), image.height(), dark).unwrap();
    }
    let results = footage.run(&InpaintingSettings::default());
    for (n, image) in &results.frames {
        let truth: Vec<u8> =
            scene.background(*n).rgb.iter().map(|v| (f64::from(*v) * gain(*n)).round() as u8).collect();
        let found = psnr(image.data(), &truth, image.width(), |x, y| scene.covered(*n, x, y));
        assert!(found > 30.0, "frame {n}: {found:.1} dB");
    }
}

/// A hole cut into a real film by a moving camera: what was there is known.
#[test]
fn a_hole_in_a_real_film_is_filled_from_its_neighbours() {
    let pictures = decode_rgb8(&sample("bikes.mp4").unwrap()).unwrap();
    let covered = |n: u64, x: u32, y: u32| {
        let left = 60 + 9 * n as u32;
        (left..left + 70).contains(&x) && (90..190).contains(&y)
    };
    let truth = &pictures[34..64];
    let footage = Footage::new(truth.iter().map(rgb8).collect(), covered);
    let score = |results: &Results| {
        let of = |n: &u64, image: &framefleet_frames::Image| {
            psnr(image.data(), &truth[*n as usize].rgb, image.width(), |x, y| covered(*n, x, y))
        };
        mean(&results.frames.iter().map(|(n, image)| of(n, image)).collect::<Vec<_>>())
    };
    let homography = InpaintingSettings { flow: false, ..InpaintingSettings::default() };
    let [flow, homography, telea] =
        [InpaintingSettings::default(), homography, alone()].map(|settings| score(&footage.run(&settings)));
    println!("bikes.mp4: flow {flow:.1} dB, homography {homography:.1} dB, telea {telea:.1} dB");
    assert!(flow > telea + 4.0 && flow > homography, "{flow} {homography} {telea}");
}

#[test]
fn golden_digest() {
    let (scene, footage) = scene();
    let mut text = String::new();
    for results in [footage.run(&InpaintingSettings::default()), footage.run(&alone())] {
        for (n, fill) in &results.fills {
            let references: Vec<u64> = fill.references.iter().map(|of| of.frame).collect();
            let [left, top, right, bottom] = scene.square.square_at(*n).map(f64::round);
            // The middle of the hole, in steps that no processor's arithmetic is off by.
            let at = ((top + bottom) / 2.0) as usize * 240 + ((left + right) / 2.0) as usize;
            let middle: Vec<u8> = results.frames[n].data()[3 * at..][..3].iter().map(|level| level / 16).collect();
            let real = fill.real_share.map(|share| format!("{share:.1}"));
            text += &format!("{n} {} {real:?} {:?} {references:?} {middle:?}\n", fill.hole_pixels, fill.rest());
        }
    }
    golden(&text, InpaintingStage::VERSION, (4, "4ea1ce047a8d1287"));
}
