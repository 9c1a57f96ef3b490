//! Detector, alignment and embedding against OpenCV's FaceDetectorYN and FaceRecognizerSF with the same weights
//! (tools/parity/faces.py), and the other models of the catalogue against these.

use crate::harness::{part, photograph, put, resized, run, video};
use face_clustering::{FaceClusteringSettings, FaceClusteringStage};
use framefleet_frames::Face;
use framefleet_stage::Stage;
use opencv::core::{CV_8UC3, Mat, Scalar};
use opencv::prelude::*;
use opencv::{imgcodecs, imgproc};
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    r#box: Vec<f32>,
    landmarks: Vec<f32>,
    score: f32,
    vector: Vec<f32>,
}

fn portrait() -> Mat {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parity/portrait.png");
    let bgr = imgcodecs::imread(path, imgcodecs::IMREAD_COLOR).unwrap();
    let mut rgb = Mat::default();
    imgproc::cvt_color_def(&bgr, &mut rgb, imgproc::COLOR_BGR2RGB).unwrap();
    let mut square = Mat::new_rows_cols_with_default(640, 640, CV_8UC3, Scalar::all(0.0)).unwrap();
    put(&mut square, &rgb, 0, 0);
    square
}

fn faces(picture: Mat, settings: FaceClusteringSettings) -> Vec<Face> {
    run(&settings, &[video("a.mp4", vec![picture])]).faces.into_values().next().unwrap()
}

#[test]
fn box_landmarks_and_vector_are_opencv_s() {
    let expected: Expected = serde_json::from_str(include_str!("../parity/faces.json")).unwrap();
    let found = faces(portrait(), FaceClusteringSettings::default());
    assert_eq!(found.len(), 1);
    let face = &found[0];
    let pairs = face.r#box.iter().zip(&expected.r#box).chain(face.landmarks.iter().zip(&expected.landmarks));
    for (ours, theirs) in pairs {
        assert!((ours - theirs).abs() < 0.01, "{ours} {theirs}");
    }
    assert!((face.score - expected.score).abs() < 1e-4);
    let length = expected.vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    let cosine: f32 = face.embedding.iter().zip(&expected.vector).map(|(a, b)| a * b / length).sum();
    let norm = face.quality.unwrap().norm;
    println!("cosine to OpenCV's vector {cosine:.6}, length {norm:.3} for {length:.3}");
    assert!(cosine > 0.9999, "{cosine}");
    assert!((norm / length - 1.0).abs() < 0.005, "{norm} {length}");
}

#[test]
fn the_aligned_crop_is_opencv_s() {
    let expected: Expected = serde_json::from_str(include_str!("../parity/faces.json")).unwrap();
    let points: Vec<[f32; 2]> = expected.landmarks.as_chunks::<2>().0.to_vec();
    let aligned = face_clustering::align(&portrait(), &points.try_into().unwrap()).unwrap().unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parity/aligned.png");
    let bgr = imgcodecs::imread(path, imgcodecs::IMREAD_COLOR).unwrap();
    let mut theirs = Mat::default();
    imgproc::cvt_color_def(&bgr, &mut theirs, imgproc::COLOR_BGR2RGB).unwrap();
    let difference = |(ours, theirs): (&u8, &u8)| f64::from(ours.abs_diff(*theirs));
    let bytes = || aligned.data_bytes().unwrap().iter().zip(theirs.data_bytes().unwrap()).map(difference);
    let (mean, max) = (bytes().sum::<f64>() / (112.0 * 112.0 * 3.0), bytes().fold(0.0, f64::max));
    println!("aligned crop: mean difference {mean:.4}, largest {max}");
    assert!(mean < 0.5 && max <= 16.0, "{mean} {max}");
}

/// A group of three and a portrait of a known person.
fn group() -> Mat {
    resized(&photograph("sample3.jpg"), 640, 450)
}

#[test]
fn other_detectors_find_the_same_faces() {
    let centre = |face: &Face| [(face.r#box[0] + face.r#box[2]) / 2.0, (face.r#box[1] + face.r#box[3]) / 2.0];
    let reference = faces(group(), FaceClusteringSettings::default());
    assert_eq!(reference.len(), 3);
    for detector in ["scrfd-500m", "centerface"] {
        let settings = FaceClusteringSettings {
            detector: Some(detector.to_owned()),
            min_score: 0.5,
            ..FaceClusteringSettings::default()
        };
        let found = faces(group(), settings);
        assert_eq!(found.len(), reference.len(), "{detector}");
        for (ours, known) in found.iter().zip(&reference) {
            let size = known.r#box[2] - known.r#box[0];
            let (a, b) = (centre(ours), centre(known));
            assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 0.25 * size, "{detector}: {:?} {:?}", ours.r#box, known.r#box);
            for (point, (ours, known)) in ours.landmarks.iter().zip(&known.landmarks).enumerate() {
                assert!((ours - known).abs() < 0.2 * size, "{detector}, landmark number {point}");
            }
            let cosine: f32 = ours.embedding.iter().zip(&known.embedding).map(|(a, b)| a * b).sum();
            assert!(cosine > 0.7, "{detector}: {cosine}");
        }
    }
}

#[test]
fn the_other_embedder_knows_persons_as_well() {
    let settings =
        FaceClusteringSettings { embedder: Some("w600k-mbf".to_owned()), ..FaceClusteringSettings::default() };
    let face = |name: &str| {
        let picture = photograph(name);
        let picture = part(&picture, 0, 0, picture.cols(), picture.rows().min(1200));
        let mut found = faces(crate::harness::fitted(&picture, 640), settings.clone());
        found.sort_by(|a, b| (b.r#box[2] - b.r#box[0]).total_cmp(&(a.r#box[2] - a.r#box[0])));
        found.remove(0).embedding
    };
    let (one, same, other) = (face("obama.jpg"), face("obama2.jpg"), face("biden.jpg"));
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    assert_eq!(one.len(), 512);
    assert!(
        cosine(&one, &same) > 0.5 && cosine(&one, &other) < 0.2,
        "{} {}",
        cosine(&one, &same),
        cosine(&one, &other)
    );
}

#[test]
fn a_model_of_another_architecture_is_refused_with_those_that_are_known() {
    let detector = Some("blazeface-short".to_owned());
    let settings = FaceClusteringSettings { detector, ..FaceClusteringSettings::default() };
    let host =
        framefleet_testkit_models::host(FaceClusteringStage::NAME, &FaceClusteringStage::needs(&settings)).unwrap();
    let Err(error) = FaceClusteringStage::load(&host, &settings) else { panic!("it is loaded") };
    for named in ["blazeface-short", "YuNet, SCRFD, CenterFace", "face-clustering.detector"] {
        assert!(error.to_string().contains(named), "{error}");
    }
}
