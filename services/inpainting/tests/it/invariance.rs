//! The same answer however the work is cut.

use crate::harness::{Footage, Results, Scene, rgb8};
use framefleet_frames::Image;
use inpainting::InpaintingSettings;

fn footage() -> Footage {
    let scene = Scene::new(23);
    let mut images: Vec<Image> = scene.frames(26).iter().map(rgb8).collect();
    // A cut in the middle.
    let other = Scene::new(77);
    images.splice(14.., other.frames(26)[14..].iter().map(rgb8));
    Footage::new(images, |n, x, y| scene.covered(n, x, y))
}

fn assert_same(a: &Results, b: &Results) {
    assert_eq!(a.fills, b.fills);
    assert_eq!(a.failed, b.failed);
    assert_eq!(a.artifacts, b.artifacts);
    for (n, image) in &a.frames {
        assert!(b.frames[n] == *image, "frame {n}");
    }
}

#[test]
fn borders_of_batches_do_not_change_results() {
    let settings = InpaintingSettings { window: 6, clean_plate: true, ..InpaintingSettings::default() };
    let mut footage = footage();
    footage.absent = vec![8, 9];
    // Gaps in the masks at the borders of batches.
    [4, 5, 11, 21, 22].iter().for_each(|missed: &usize| footage.masks[*missed].clear());
    let by_32 = footage.run(&settings);
    assert!(by_32.artifacts.len() == 1 && by_32.frames.len() == 24, "{:?}", by_32.failed);
    assert!([4, 5, 11, 21, 22].iter().all(|n| by_32.fills[n].hole_pixels > 0));
    for batch in [5, 11] {
        footage.batch = batch;
        assert_same(&footage.run(&settings), &by_32);
    }
}

#[test]
fn nothing_is_taken_from_across_a_cut() {
    let results = footage().run(&InpaintingSettings::default());
    for (n, fill) in &results.fills {
        assert!(fill.references.iter().all(|of| (of.frame < 14) == (*n < 14)), "{n}: {fill:?}");
    }
    assert!(results.fills[&12].real_share.unwrap() > 0.9 && results.fills[&15].real_share.unwrap() > 0.9);
}

#[test]
fn threads_do_not_change_results() {
    let settings = InpaintingSettings { window: 4, ..InpaintingSettings::default() };
    let one = footage().run(&settings);
    let three = std::thread::scope(|scope| {
        let run = || footage().run(&settings);
        let running = [scope.spawn(run), scope.spawn(run), scope.spawn(run)];
        running.map(|thread| thread.join().unwrap())
    });
    three.iter().for_each(|results| assert_same(results, &one));
}
