//! How many items a second every default model does, by how many go through it together: one thread of the CPU.
use crate::{Effort, row};
use framefleet_infer::{ElementType, Engine, InferError, ItemInputs, Session, SessionOptions};
use framefleet_models::{Batch, Catalogue, Format, Model};
use framefleet_testkit_models::{engine, model};
use std::time::Instant;

/// Items of a run.
const BATCHES: [usize; 3] = [1, 8, 32];
/// Milliseconds of one item from which a quick measurement leaves a model out.
const SLOW: f64 = 200.0;

/// The rows of the table.
pub fn rows(effort: &Effort) {
    let engine = engine().expect("make setup");
    let catalogue = Catalogue::built_in().expect("the catalogue");
    let is_slow = |model: &Model| model.cpu_ms.is_none_or(|ms| ms > SLOW);
    for model in catalogue.models().iter().filter(|model| takes_pictures(model)) {
        if effort.quick && is_slow(model) {
            continue;
        }
        let rates = BATCHES.map(|items| rate(&engine, model, items, effort));
        let [one, eight, many] = rates;
        let best = rates.into_iter().fold(0.0, f64::max);
        let what = format!("{}, items per second in batches of 1 → 8 → 32", model.id);
        row(&what, &format!("{one:.1} → {eight:.1} → {many:.1}"), "–", Some(best / one), "–");
    }
}

/// A default of some stage whose first axis is free.
fn takes_pictures(model: &Model) -> bool {
    let is_default = model.stages.values().any(|profiles| !profiles.is_empty());
    is_default && model.format == Format::Onnx && matches!(model.batch, Batch::Free { .. })
}

fn rate(engine: &Engine, entry: &Model, items: usize, effort: &Effort) -> f64 {
    // Upscalers make many pixels of few.
    let side = if entry.role.starts_with("upscaling") { 64 } else { 256 };
    let dims = ["H", "W"].map(|name| (name.to_owned(), side)).into();
    let options = SessionOptions { micro_batch: Some(items), dims, ..SessionOptions::default() };
    let session = engine.open(&model(&entry.id).expect("the model"), &options).expect("the model opens");
    let seconds = if effort.quick { 0.2 } else { 2.0 };
    fill(&session);
    let (began, mut done) = (Instant::now(), 0);
    while done == 0 || began.elapsed().as_secs_f64() < seconds {
        again(&session, items);
        done += items;
    }
    done as f64 / began.elapsed().as_secs_f64()
}

/// Runs a model on a micro-batch of noise, which stays in its input: on zeros, some take half the time.
pub fn fill(session: &Session) {
    let inputs = session.inputs().expect("inputs");
    let fill = |item: usize, into: &mut ItemInputs<'_, '_>| -> Result<(), InferError> {
        let noise = |at: usize| ((at + item) as u32).wrapping_mul(2_654_435_761) >> 24;
        for spec in &inputs {
            if spec.element == ElementType::I32 {
                let mut numbers = into.input::<i32>(&spec.name)?;
                numbers.iter_mut().enumerate().for_each(|(at, number)| *number = noise(at) as i32);
            } else {
                let mut numbers = into.input::<f32>(&spec.name)?;
                numbers.iter_mut().enumerate().for_each(|(at, number)| *number = noise(at) as f32 / 255.0);
            }
        }
        Ok(())
    };
    session.run_batches(session.micro_batch().expect("a size"), &[], fill, |_, _| Ok(())).expect("the model runs");
}

/// Runs a model on so many items of what lies in its input.
pub fn again(session: &Session, items: usize) {
    session.run_batches::<InferError>(items, &[], |_, _| Ok(()), |_, _| Ok(())).expect("the model runs");
}
