//! Whether items that go through a model together get the answers that each gets alone.
//!
//! A file may leave its first axis open and still compute one item: a reshape to a constant 1, a mean over the axis. The first fails, the second
//! gives answers that depend on who else is in the micro-batch.
use crate::batch::ItemInputs;
use crate::tensor::ElementType;
use crate::{InferError, Session};

/// Mean difference, as a part of the mean absolute value, that other kernels for other batches explain, with two of the best swapped here and there.
const TOLERANCE: f64 = 0.05;

/// Whether the items of a micro-batch, full of noise, come out of one session as each does alone out of the other, whose micro-batch is 1. A run
/// that fails for its shapes is a no.
pub(crate) fn is_independent(together: &Session, alone: &Session) -> Result<bool, InferError> {
    let items = together.micro_batch()?;
    let apart = answers(alone, items)?;
    match answers(together, items) {
        Ok(joint) => Ok(apart.iter().zip(&joint).all(|(apart, joint)| are_equal(apart, joint))),
        Err(InferError::Run { .. }) => Ok(false),
        Err(other) => Err(other),
    }
}

/// All f32 outputs of each item, one after the other.
fn answers(session: &Session, items: usize) -> Result<Vec<Vec<f32>>, InferError> {
    let (inputs, outputs) = (session.inputs()?, session.outputs()?);
    let mut answers = Vec::with_capacity(items);
    let fill = |item: usize, into: &mut ItemInputs<'_, '_>| -> Result<(), InferError> {
        for spec in inputs.iter().filter(|spec| spec.element == ElementType::F32) {
            let mut numbers = into.input::<f32>(&spec.name)?;
            numbers.iter_mut().enumerate().for_each(|(at, number)| *number = noise(item, at));
        }
        Ok(())
    };
    session.run_batches(items, &[], fill, |_, given| {
        let mut answer = Vec::new();
        for spec in outputs.iter().filter(|spec| spec.element == ElementType::F32) {
            answer.extend(given.output::<f32>(&spec.name)?.iter());
        }
        answers.push(answer);
        Ok::<_, InferError>(())
    })?;
    Ok(answers)
}

/// 0–1, another for each item: brighter from item to item, so that means differ, too.
fn noise(item: usize, at: usize) -> f32 {
    let mixed = ((at * 31 + item * 7919 + 1) as u32).wrapping_mul(2_654_435_761) >> 8;
    mixed as f32 / (1u32 << 24) as f32 / (1 + item) as f32
}

fn are_equal(one: &[f32], other: &[f32]) -> bool {
    let pairs = || one.iter().zip(other).filter(|(a, b)| a.is_finite() && b.is_finite());
    let difference: f64 = pairs().map(|(a, b)| f64::from(a - b).abs()).sum();
    let size: f64 = pairs().map(|(a, _)| f64::from(a.abs())).sum();
    one.len() == other.len() && difference <= TOLERANCE * size
}
