//! Models that publishers distribute: graphs of the same tensors as the catalogue says, with random weights, go through the stage's
//! own loaders. They know nothing, and say nothing of quality.
use crate::harness::{Footage, polygons, to_mat};
use framefleet_masks::Rle;
use framefleet_testkit::Picture;
use framefleet_testkit_models::random_host;
use opencv::core::{CV_8UC3, Mat, Scalar};
use segmentation::prompted::{Choice, Memory, Prompted, SmallRegions};
use segmentation::{Method, SegmentationSettings};

fn picture() -> Picture {
    Picture::from_fn(96, 64, |x, y| [x as u8, y as u8, (x + y) as u8])
}

#[test]
fn encoders_and_decoders_of_sam_are_taken() {
    for size in ["tiny", "large"] {
        let parts = [("encoder", 1), ("decoder", 4)];
        let ids = parts.map(|(part, items)| (format!("sam2.1-hiera-{size}-{part}"), items));
        let ids: Vec<(&str, usize)> = ids.iter().map(|(id, items)| (id.as_str(), *items)).collect();
        let (_folder, host) = random_host(&ids).unwrap();
        let model = Prompted::open(&host).unwrap();
        let choice = Choice {
            points_per_side: 2,
            at_a_time: 4,
            min_predicted_iou: 0.0,
            min_stability: 0.0,
            duplicate_iou: 1.0,
            crop_layers: 0,
            crop_points_divisor: 1,
            small: SmallRegions { islands: 0, holes: 0 },
        };
        let image = Mat::new_rows_cols_with_default(64, 96, CV_8UC3, Scalar::all(100.0)).unwrap();
        let masks = model.generate(&image, choice).unwrap();
        assert!(!masks.is_empty(), "{size}: every number of a random decoder is above the threshold of a mask");
    }
}

#[test]
fn mattes_of_published_files_are_taken() {
    for (id, method) in [("isnet-general", Method::StillMatting), ("rvm-mobilenetv3", Method::VideoMatting)] {
        let (_folder, host) = random_host(&[(id, 1)]).unwrap();
        let settings = SegmentationSettings { method, model: Some(id.to_owned()), ..SegmentationSettings::default() };
        let results = Footage::new(vec![picture(); 3]).run_on(&host, &settings);
        assert!(results.failed.is_empty(), "{id}: {:?}", results.failed);
    }
}

/// Every part of the memory sees what the others give: a graph that takes another shape would fail the run.
#[test]
fn memories_of_sam_are_taken() {
    let parts = ["encoder", "decoder", "memory-pointer", "memory-encoder", "memory-attention", "memory-decoder"];
    let ids = parts.map(|part| format!("sam2.1-hiera-tiny-{part}"));
    let ids: Vec<(&str, usize)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
    let (_folder, host) = random_host(&ids).unwrap();
    let (model, memory) = (Prompted::open(&host).unwrap(), Memory::open(&host).unwrap());
    let image = to_mat(&picture());
    let mask = polygons(&[&[[10, 10], [50, 10], [50, 40], [10, 40]]], 96, 64);
    let embedding = model.embed(&image).unwrap();
    let mut object = memory.shown(&model, 0, &embedding, &Rle::of(&mask).unwrap()).unwrap();
    for frame in 1..4 {
        // The random decoder's object score is above 0: in sight.
        assert!(memory.follow(frame, &embedding, &mut object, 4).unwrap().is_some(), "{frame}");
    }
}
