//! Parity with transformers' CLIP on fixed random weights (`tools/parity/clip.py` made the fixtures).
#![cfg(test)]
use framefleet_clip::{Clip, Preprocessing, Tokenizer, cosine};
use framefleet_infer::{DeviceChoice, Engine, EngineOptions, Model, Runtime, SessionOptions};
use ndarray::{Array3, ArrayView3};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// What a cosine may differ from the reference's: tokens and pixels are the same, sums come in another order.
const COSINE: f32 = 1e-5;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(name)
}

fn expected() -> Value {
    serde_json::from_slice(&std::fs::read(fixture("expected.json")).unwrap()).unwrap()
}

fn cat() -> Array3<u8> {
    let picture = image::open(fixture("cat.png")).unwrap().to_rgb8();
    let (width, height) = picture.dimensions();
    Array3::from_shape_vec((height as usize, width as usize, 3), picture.into_raw()).unwrap()
}

/// A quarter turn against the clock.
fn turned(picture: &Array3<u8>) -> Array3<u8> {
    let (height, width, _) = picture.dim();
    Array3::from_shape_fn((width, height, 3), |(y, x, channel)| picture[[x, width - 1 - y, channel]])
}

fn numbers<T>(value: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(read).collect()
}

fn clip(folder: &Path, micro_batch: usize) -> Clip {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/onnxruntime/capi");
    let runtime = Runtime::open(&library.join(framefleet_infer::runtime::LIBRARY_NAME)).unwrap();
    let options = EngineOptions { device: DeviceChoice::Cpu, ..EngineOptions::new(folder) };
    let engine = Engine::new(&runtime, options).unwrap();
    let open = |name: &str| {
        let path = fixture(name);
        let digest = Sha256::digest(std::fs::read(&path).unwrap());
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let model = Model { name: name.to_owned(), path, sha256 };
        engine.open(&model, &SessionOptions { micro_batch: Some(micro_batch), ..SessionOptions::default() }).unwrap()
    };
    Clip::new(open("image.onnx"), open("text.onnx"), Tokenizer::open(&fixture("merges.txt")).unwrap()).unwrap()
}

#[test]
fn tokens_are_those_of_the_reference() {
    let (expected, tokenizer) = (expected(), Tokenizer::open(&fixture("merges.txt")).unwrap());
    let texts = numbers(&expected["texts"], |text| text.as_str().unwrap().to_owned());
    let ids = numbers(&expected["ids"], |ids| numbers(ids, |id| id.as_i64().unwrap()));
    assert!(texts.len() >= 10);
    for (text, ids) in texts.iter().zip(&ids) {
        assert_eq!(&tokenizer.encode_padded(text, ids.len()), ids, "{text:?}");
    }
}

#[test]
fn pixels_are_those_of_the_reference() {
    let reference = std::fs::read(fixture("cat_224.u8")).unwrap();
    let levels = Preprocessing::new(224).levels(cat().view()).unwrap();
    assert_eq!(levels.len(), reference.len());
    let different = levels.permuted_axes([2, 0, 1]).iter().zip(&reference).filter(|(a, b)| a != b).count();
    assert_eq!(different, 0, "of {} levels", reference.len());
}

#[test]
fn cosines_are_those_of_the_reference() {
    let expected = expected();
    let folder = tempfile::tempdir().unwrap();
    let texts = numbers(&expected["texts"], |text| text.as_str().unwrap().to_owned());
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let cat = cat();
    let turned = turned(&cat);
    let small = numbers(&expected["small"], |level| level.as_u64().unwrap() as u8);
    let small = ArrayView3::from_shape((30, 40, 3), &small).unwrap();
    let reference = numbers(&expected["cosine"], |row| numbers(row, |value| value.as_f64().unwrap() as f32));
    for micro_batch in [1, 4] {
        let clip = clip(folder.path(), micro_batch);
        let images = clip.images(&[cat.view(), turned.view(), small]).unwrap();
        let found = cosine(images.view(), clip.texts(&texts).unwrap().view());
        assert_eq!(found.dim(), (3, texts.len()));
        let largest = (0..3)
            .flat_map(|row| (0..texts.len()).map(move |column| (row, column)))
            .map(|(row, column)| (found[[row, column]] - reference[row][column]).abs())
            .fold(0.0, f32::max);
        println!("micro-batch {micro_batch}: largest difference of a cosine {largest:.2e}");
        assert!(largest <= COSINE, "{largest}");
        // The reference tells its pictures and texts apart by far more than the tolerance.
        let spread = reference[0].iter().zip(&reference[1]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(spread > 1000.0 * COSINE, "{spread}");
    }
}

#[test]
fn a_text_is_nearest_to_itself_and_batches_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let texts = ["a photo of a cat", "a photo of a dog", "two people", "", "a photo of a cat"];
    let (one, four) = (clip(folder.path(), 1).texts(&texts).unwrap(), clip(folder.path(), 4).texts(&texts).unwrap());
    assert!((&one - &four).iter().all(|difference| difference.abs() < COSINE));
    let table = cosine(one.view(), one.view());
    assert!((table[[0, 4]] - 1.0).abs() < COSINE && table[[0, 1]] < 1.0 - 1e-3, "{table}");
}

#[test]
fn towers_in_the_wrong_place_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/onnxruntime/capi");
    let runtime = Runtime::open(&library.join(framefleet_infer::runtime::LIBRARY_NAME)).unwrap();
    let options = EngineOptions { device: DeviceChoice::Cpu, ..EngineOptions::new(folder.path()) };
    let engine = Engine::new(&runtime, options).unwrap();
    let path = fixture("text.onnx");
    let sha256 = Sha256::digest(std::fs::read(&path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    let model = Model { name: "text".to_owned(), path, sha256 };
    let text = engine.open(&model, &SessionOptions::default()).unwrap();
    let error =
        Clip::new(text.clone(), text, Tokenizer::open(&fixture("merges.txt")).unwrap()).unwrap_err().to_string();
    assert!(error.contains("image tower") && error.contains("i64"), "{error}");
}

#[test]
fn pictures_that_are_none_are_refused() {
    let preprocessing = Preprocessing::new(64);
    assert!(preprocessing.apply(Array3::<u8>::zeros((0, 5, 3)).view()).is_err());
    assert!(preprocessing.apply(Array3::<u8>::zeros((5, 5, 4)).view()).is_err());
    assert!(preprocessing.apply(Array3::<u8>::zeros((1, 30_000, 3)).view()).is_err());
    assert_eq!(preprocessing.apply(Array3::<u8>::zeros((1, 7, 3)).view()).unwrap().dim(), (3, 64, 64));
}
