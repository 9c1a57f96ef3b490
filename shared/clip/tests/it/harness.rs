//! Fixtures and models.
use framefleet_clip::{Family, Tokenizer};
use framefleet_infer::{Model, Session, SessionOptions};
use ndarray::Array3;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(name)
}

/// How the family's fixtures are called.
pub fn prefix(family: Family) -> &'static str {
    match family {
        Family::Clip => "clip",
        Family::Siglip => "siglip",
    }
}

/// What the reference found.
pub fn expected(family: Family) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(&format!("{}.json", prefix(family)))).unwrap()).unwrap()
}

pub fn tokenizer(family: Family) -> Tokenizer {
    Tokenizer::open(&fixture(&format!("{}-tokenizer.json", prefix(family))), family).unwrap()
}

/// A tower of random weights: `image` or `text`.
pub fn session(family: Family, half: &str, micro_batch: usize) -> Session {
    let name = format!("{}-{half}.onnx", prefix(family));
    let path = fixture(&name);
    let sha256 = format!("{:x}", Sha256::digest(std::fs::read(&path).unwrap()));
    let options = SessionOptions { micro_batch: Some(micro_batch), ..SessionOptions::default() };
    framefleet_testkit_models::engine().unwrap().open(&Model { name, path, sha256 }, &options).unwrap()
}

pub fn cat() -> Array3<u8> {
    let picture = image::open(fixture("cat.png")).unwrap().to_rgb8();
    let (width, height) = picture.dimensions();
    Array3::from_shape_vec((height as usize, width as usize, 3), picture.into_raw()).unwrap()
}

/// A quarter turn against the clock.
pub fn turned(picture: &Array3<u8>) -> Array3<u8> {
    let (height, width, _) = picture.dim();
    Array3::from_shape_fn((width, height, 3), |(y, x, channel)| picture[[x, width - 1 - y, channel]])
}

pub fn list<T>(value: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(read).collect()
}

pub fn texts(value: &Value) -> Vec<String> {
    list(value, |text| text.as_str().unwrap().to_owned())
}

pub fn ids(value: &Value) -> Vec<i64> {
    list(value, |id| id.as_i64().unwrap())
}
