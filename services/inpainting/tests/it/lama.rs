//! Parity with the reference implementation of LaMa on fixed random weights (`tools/parity/lama.py` made the fixtures), and the
//! model inside the stage. Nothing here says how well LaMa fills: that takes trained weights.

use crate::harness::Footage;
use framefleet_frames::{FillRest, Image, PixelFormat};
use framefleet_infer::{DeviceChoice, Engine, EngineOptions, Model, Runtime, SessionOptions, StepModel, StepModels};
use framefleet_stage::{Host, Stage};
use framefleet_testkit_stage::Step;
use inpainting::{InpaintingSettings, InpaintingStage, Rest};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(name)
}

/// A host whose plan names this model for the role.
fn host(path: &Path, cache: &Path) -> Host {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/onnxruntime/capi");
    let runtime = Runtime::open(&library.join(framefleet_infer::runtime::LIBRARY_NAME)).unwrap();
    let options = EngineOptions { device: DeviceChoice::Cpu, ..EngineOptions::new(cache) };
    let engine = Engine::new(&runtime, options).unwrap();
    let sha256 = Sha256::digest(std::fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    let model = Model { name: "lama-parity".to_owned(), path: path.to_owned(), sha256 };
    let step_model = StepModel { model, options: SessionOptions::default() };
    Host::default().with(Arc::new(StepModels::new(engine, BTreeMap::from([("inpainting".to_owned(), step_model)]))))
}

/// The model alone, its hole being the mask itself.
fn bare() -> InpaintingSettings {
    InpaintingSettings {
        window: 0,
        grow_percent: 0.0,
        feather_percent: 0.0,
        rest: Rest::Lama,
        ..InpaintingSettings::default()
    }
}

struct Case {
    picture: Image,
    mask: Vec<u8>,
    filled: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let sizes: Value = serde_json::from_slice(&std::fs::read(fixture("cases.json")).unwrap()).unwrap();
    let bytes = std::fs::read(fixture("pictures.u8")).unwrap();
    let mut rest = &bytes[..];
    let mut take = |length: usize| {
        let (taken, left) = rest.split_at(length);
        rest = left;
        taken.to_vec()
    };
    let case = |size: &Value| {
        let side = |key: &str| size[key].as_u64().unwrap() as usize;
        let pixels = side("width") * side("height");
        let picture = take(3 * pixels);
        let picture = Image::new(PixelFormat::Rgb8, side("width") as u32, side("height") as u32, picture).unwrap();
        Case { picture, mask: take(pixels), filled: take(3 * pixels) }
    };
    let cases: Vec<Case> = sizes.as_array().unwrap().iter().map(case).collect();
    assert!(cases.len() == 4 && rest.is_empty());
    cases
}

#[test]
fn pictures_are_filled_as_the_reference_fills_them() {
    let cache = tempfile::tempdir().unwrap();
    let host = host(&fixture("lama.onnx"), cache.path());
    for Case { picture, mask, filled } in cases() {
        let (width, height) = (picture.width(), picture.height());
        let footage = Footage::new(vec![picture.clone()], |_, x, y| mask[(y * width + x) as usize] != 0);
        let results = footage.run_with(&bare(), &host);
        let fill = &results.fills[&0];
        assert_eq!((fill.rest(), fill.real_share), (FillRest::Lama, Some(0.0)));
        assert_eq!(fill.hole_pixels, mask.iter().filter(|of| **of != 0).count() as u64);
        let (mut largest, mut different) = (0, 0);
        for (found, truth) in results.frames[&0].data().iter().zip(&filled) {
            largest = largest.max(found.abs_diff(*truth));
            different += u32::from(found != truth);
        }
        println!("{width}×{height}: {different} of {} levels differ, at most by {largest}", filled.len());
        // Sums come in another order: a level may round the other way.
        assert!(largest <= 1 && different * 1000 < filled.len() as u32, "{different} differ, by up to {largest}");
        // The reference changes what is in the hole by far more.
        let moved = picture.data().iter().zip(&filled).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
        assert!(moved > 20 * 3 * fill.hole_pixels, "{moved}");
    }
}

/// Frames larger than the model are seen through a window around the hole; 16 bits and grey are filled as they are.
#[test]
fn any_frame_is_filled() {
    let cache = tempfile::tempdir().unwrap();
    let host = host(&fixture("lama.onnx"), cache.path());
    let scene = crate::harness::Scene::new(3);
    let picture = &scene.frames(1)[0];
    for format in [PixelFormat::Rgb8, PixelFormat::Rgba16, PixelFormat::Grey8] {
        let image = crate::harness::as_format(picture, format);
        let covered = |_: u64, x: u32, y: u32| (200..236).contains(&x) && (2..80).contains(&y);
        let results = Footage::new(vec![image.clone()], covered).run_with(&bare(), &host);
        let filled = &results.frames[&0];
        assert_eq!(results.fills[&0].rest(), FillRest::Lama, "{:?}", results.failed);
        let bytes = image.data().len() / (240 * 160);
        let changed = |x: usize, y: usize| {
            let at = (y * 240 + x) * bytes;
            filled.data()[at..at + bytes] != image.data()[at..at + bytes]
        };
        let all = (0..160).flat_map(|y| (0..240).map(move |x| (x, y)));
        let (inside, outside): (Vec<_>, Vec<_>) = all.partition(|(x, y)| covered(0, *x as u32, *y as u32));
        assert!(inside.iter().filter(|(x, y)| changed(*x, *y)).count() * 10 > inside.len() * 9, "{format:?}");
        assert_eq!(outside.iter().filter(|(x, y)| changed(*x, *y)).count(), 0, "{format:?}");
    }
}

/// Where other frames show what is behind, the model has nothing to invent.
#[test]
fn the_model_fills_what_no_frame_shows() {
    let cache = tempfile::tempdir().unwrap();
    let host = host(&fixture("lama.onnx"), cache.path());
    let scene = crate::harness::Scene::new(3);
    let images = scene.frames(8).iter().map(crate::harness::rgb8).collect();
    let footage = Footage::new(images, |n, x, y| scene.covered(n, x, y));
    let results = footage.run_with(&InpaintingSettings { rest: Rest::Lama, ..InpaintingSettings::default() }, &host);
    let (mut by_model, mut by_frames) = (0, 0);
    for fill in results.fills.values() {
        by_model += u32::from(fill.rest() == FillRest::Lama);
        by_frames += u32::from(fill.real_share.unwrap() > 0.3);
    }
    assert!(by_model > 0 && by_frames > 4, "{:?}", results.fills);
}

#[test]
fn without_models_the_way_out_is_named() {
    let settings = InpaintingSettings { rest: Rest::Lama, ..InpaintingSettings::default() };
    let problem = InpaintingStage::load(&Host::default(), &settings).unwrap_err().to_string();
    assert!(problem.contains("rest = \"telea\""), "{problem}");
    let needs = InpaintingStage::needs(&settings);
    assert_eq!((needs.models.len(), needs.models[0].choice.as_deref()), (1, Some("lama-512")));
    assert!(InpaintingStage::needs(&InpaintingSettings::default()).models.is_empty());
}

/// A model that does not give back what it was given is none of this kind.
#[test]
fn another_model_is_refused() {
    let cache = tempfile::tempdir().unwrap();
    let foreign = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/infer/tests/models/blur.onnx");
    let host = host(&foreign, cache.path());
    let step = Step::<InpaintingStage>::load(&host, &bare()).unwrap();
    let case = &cases()[0];
    let footage = Footage::new(vec![case.picture.clone()], |_, x, y| x < 20 && y < 20);
    let problem = step.process(&[footage.film()]).unwrap_err().to_string();
    assert!(problem.contains("image") || problem.contains("mask"), "{problem}");
}

/// The published file's tensors, sizes and range, with a graph that gives back what it is given: RGB 0–1 in, 0–255 out.
#[test]
fn the_published_file_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let entry = framefleet_testkit_models::entry("lama-512").unwrap();
    let graph = framefleet_testkit_models::RandomGraph::of(&entry).repeating("output", "image", 255.0);
    let host = host(&graph.write(folder.path()).unwrap().path, folder.path());
    let picture = crate::harness::rgb8(&crate::harness::Scene::new(3).frames(1)[0]);
    let covered = |_: u64, x: u32, y: u32| (20..60).contains(&x) && (30..70).contains(&y);
    let results = Footage::new(vec![picture.clone()], covered).run_with(&bare(), &host);
    assert_eq!(results.fills[&0].rest(), FillRest::Lama, "{:?}", results.failed);
    // The hole is filled with what the graph was shown there, and the rest is as it was.
    let filled = &results.frames[&0];
    for at in 0..(picture.width() * picture.height()) {
        let (x, y) = (at % picture.width(), at / picture.width());
        let pixel = |image: &Image| image.data()[at as usize * 3..at as usize * 3 + 3].to_vec();
        assert!(covered(0, x, y) || pixel(filled) == pixel(&picture), "{x} {y}");
    }
}
