//! Models of a free first axis give each of several items what they give it alone.
#![cfg(test)]
use framefleet_infer::{ElementType, Engine, InferError, ItemInputs, ItemOutputs, SessionOptions};
use framefleet_models::{Batch, Catalogue, Format, Model};
use framefleet_testkit_models::{engine, model};
use std::collections::BTreeMap;

/// Items that are run one by one, in threes and all together.
const ITEMS: usize = 8;
/// How far outputs may be apart, as a share of the largest number of the output (of 1 where all are smaller): kernels add in another
/// order.
const BOUND: f32 = 1e-5;
/// Sides of what takes any size: a multiple of 64, which RIFE asks for; less where pictures are made larger, which takes long.
const SIDE: usize = 64;
const SMALL_SIDE: usize = 16;

/// The defaults of a role that look at pictures.
fn defaults(roles: &[&str]) -> Vec<Model> {
    let catalogue = Catalogue::built_in().unwrap();
    let is_default = |model: &&Model| model.stages.values().any(|profiles| !profiles.is_empty());
    let of_roles = catalogue.models().iter().filter(|model| roles.contains(&model.role.as_str()));
    let models: Vec<Model> = of_roles.filter(is_default).cloned().collect();
    assert!(roles.iter().all(|role| models.iter().any(|model| model.role == *role)), "{roles:?}");
    models
}

/// A number between 0 and 1 that is another one for every place of every item.
fn noise(item: usize, at: usize) -> f32 {
    let mut bits =
        (item as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (at as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 40) as f32 / (1u64 << 24) as f32
}

/// What the model makes of the items, so many at a time: by output, one list of numbers per item.
fn outputs(engine: &Engine, entry: &Model, micro_batch: usize) -> BTreeMap<String, Vec<Vec<f32>>> {
    let side = if entry.role.starts_with("upscaling") { SMALL_SIDE } else { SIDE };
    let dims = ["H", "W"].map(|name| (name.to_owned(), side)).into();
    let options = SessionOptions { micro_batch: Some(micro_batch), dims, ..SessionOptions::default() };
    let session = engine.open(&model(&entry.id).unwrap(), &options).unwrap();
    assert_eq!(session.micro_batch().unwrap(), micro_batch, "{}: its first axis is not free", entry.id);
    let white = if entry.preprocessing.contains("0..255") { 255.0 } else { 1.0 };
    let (inputs, names) = (session.inputs().unwrap(), session.outputs().unwrap());
    let fill = |item: usize, into: &mut ItemInputs<'_, '_>| -> Result<(), InferError> {
        for spec in &inputs {
            if spec.element == ElementType::I32 {
                let mut numbers = into.input::<i32>(&spec.name)?;
                numbers.iter_mut().enumerate().for_each(|(at, number)| *number = (noise(item, at) * 255.0) as i32);
            } else {
                let mut numbers = into.input::<f32>(&spec.name)?;
                numbers.iter_mut().enumerate().for_each(|(at, number)| *number = noise(item, at) * white);
            }
        }
        Ok(())
    };
    let mut found: BTreeMap<String, Vec<Vec<f32>>> = BTreeMap::new();
    let take = |_, given: &ItemOutputs<'_, '_>| -> Result<(), InferError> {
        for spec in &names {
            let numbers = given.output::<f32>(&spec.name)?.iter().copied().collect();
            found.entry(spec.name.clone()).or_default().push(numbers);
        }
        Ok(())
    };
    session.run_batches(ITEMS, &[], fill, take).unwrap();
    found
}

/// How far two results are apart at most, as a share.
fn apart(a: &BTreeMap<String, Vec<Vec<f32>>>, b: &BTreeMap<String, Vec<Vec<f32>>>) -> f32 {
    let of_output = |name: &String| {
        let numbers = || a[name].iter().flatten().zip(b[name].iter().flatten());
        let largest = numbers().map(|(number, _)| number.abs()).fold(1.0, f32::max);
        assert!(a[name].iter().flatten().all(|number| number.is_finite()), "{name}");
        numbers().map(|(one, other)| (one - other).abs()).fold(0.0, f32::max) / largest
    };
    a.keys().map(of_output).fold(0.0, f32::max)
}

/// A model by its id.
fn named(id: &str) -> Model {
    Catalogue::built_in().unwrap().get(id).unwrap().clone()
}

fn hold(models: impl IntoIterator<Item = Model>) {
    let engine = engine().unwrap();
    for entry in models {
        let alone = outputs(&engine, &entry, 1);
        let first = alone.values().all(|items| items[0] == items[1]);
        assert!(!first, "{}: the items are all the same to it", entry.id);
        for micro_batch in [3, ITEMS] {
            let apart = apart(&alone, &outputs(&engine, &entry, micro_batch));
            println!("{}: {apart:.1e} apart in batches of {micro_batch}", entry.id);
            assert!(apart <= BOUND, "{} in batches of {micro_batch}: {apart:.1e}", entry.id);
        }
    }
}

#[test]
fn faces() {
    hold(defaults(&["face-detection", "face-embedding", "face-mesh"]));
}

#[test]
fn persons() {
    let single = ["movenet-lightning", "movenet-thunder"].map(named);
    hold(defaults(&["person-detection", "pose-landmarks", "multi-person-pose"]).into_iter().chain(single));
}

#[test]
fn masks() {
    hold(defaults(&["person-segmentation"]));
}

#[test]
fn pictures() {
    hold(defaults(&["image-classification", "object-detection"]));
}

#[test]
fn restoration() {
    hold(defaults(&["upscaling-x2", "upscaling-x4", "denoising", "frame-interpolation"]));
}

/// What takes one item only says why, and is no default that looks at pictures.
#[test]
fn what_takes_one_item_says_why() {
    for model in Catalogue::built_in().unwrap().models() {
        let is_default = model.stages.values().any(|profiles| !profiles.is_empty());
        if let Batch::One(why) = &model.batch {
            assert!(!why.is_empty(), "{}", model.id);
            assert!(
                !is_default || model.role == "voice-activity" || model.format != Format::Onnx,
                "{}: {why}",
                model.id
            );
        }
    }
}
