//! How good a classifier of given examples is with examples that it has not seen.
use crate::calibration::expected_calibration_error;
use crate::examples::{Examples, log_softmax, scores};
use crate::scores::{Prediction, accuracy, macro_f1};
use crate::{ClassifierError, regression};
use ndarray::{Array2, Axis};
use rayon::prelude::*;

/// Strengths worth trying with unit vectors.
pub const DEFAULT_GRID: [f64; 5] = [0.1, 1.0, 10.0, 100.0, 1000.0];

/// What one strength of regularisation came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// scikit-learn's `C`.
    pub strength: f64,
    /// Part of the examples that were classified rightly.
    pub accuracy: f64,
    /// Mean over classes of F1.
    pub macro_f1: f64,
    /// Mean of −ln p(true class).
    pub loss: f64,
}

/// The result of a cross-validation.
#[derive(Clone, Debug)]
pub struct CrossValidation {
    /// Every strength tried, the lowest first.
    pub trials: Vec<Trial>,
    /// The one with the lowest loss: of few examples accuracy is coarse, and probabilities are what is shown.
    pub best: Trial,
    /// The best one's logarithms of the probabilities of every class, example by example, each by a classifier that was trained
    /// without it.
    pub log_probabilities: Vec<Vec<f64>>,
    /// The true classes, in the same order.
    pub labels: Vec<usize>,
}

impl CrossValidation {
    /// What was found of every example, by the classifier that had not seen it.
    pub fn predictions(&self) -> Vec<Prediction> {
        Prediction::all(&self.log_probabilities, &self.labels)
    }

    /// Expected calibration error before any temperature.
    pub fn calibration_error(&self) -> f64 {
        expected_calibration_error(&self.predictions())
    }
}

/// Trains `folds` times for each of `strengths` without one fold, and tests with that fold. Every fold has its share of every
/// class; of one class neighbours in order stay together, so that frames of one film are not tested with their own neighbours
/// where there are several films.
///
/// # Errors
/// Fewer than two classes, folds, or examples of a class; and as [`crate::Probe::fit`].
pub fn cross_validate(
    examples: &Examples,
    folds: usize,
    strengths: &[f64],
) -> Result<CrossValidation, ClassifierError> {
    if folds < 2 {
        return Err(ClassifierError::Folds(folds));
    }
    let (classes, labels) = (examples.classes(), examples.labels());
    if classes.len() < 2 {
        return Err(ClassifierError::TooFewClasses(classes.len()));
    }
    let fold_of = stratify(&classes, &labels, folds)?;
    let mut strengths = strengths.to_vec();
    strengths.sort_by(f64::total_cmp);
    let folds = (0..folds)
        .into_par_iter()
        .map(|fold| one_fold(examples, &labels, classes.len(), &fold_of, fold, &strengths))
        .collect::<Result<Vec<_>, _>>()?;
    let mut best: Option<(Trial, Vec<Vec<f64>>)> = None;
    let mut trials = Vec::with_capacity(strengths.len());
    for (number, &strength) in strengths.iter().enumerate() {
        let mut logs = vec![Vec::new(); labels.len()];
        for (places, tested) in &folds {
            for (place, row) in places.iter().zip(tested[number].axis_iter(Axis(0))) {
                logs[*place] = row.to_vec();
                log_softmax(&mut logs[*place]);
            }
        }
        let trial = score(strength, &logs, &labels);
        trials.push(trial);
        if best.as_ref().is_none_or(|(best, _)| trial.loss < best.loss) {
            best = Some((trial, logs));
        }
    }
    let (best, log_probabilities) = best.ok_or(ClassifierError::NoStrength)?;
    Ok(CrossValidation { trials, best, log_probabilities, labels })
}

/// The fold of every example.
fn stratify(classes: &[String], labels: &[usize], folds: usize) -> Result<Vec<usize>, ClassifierError> {
    let mut fold_of = vec![0; labels.len()];
    for (label, class) in classes.iter().enumerate() {
        let members: Vec<usize> = (0..labels.len()).filter(|place| labels[*place] == label).collect();
        if members.len() < 2 {
            return Err(ClassifierError::TooFewExamples { class: class.clone(), found: members.len() });
        }
        for (number, place) in members.iter().enumerate() {
            // Classes smaller than the folds begin at different ones.
            fold_of[*place] = (number * folds.min(members.len()) / members.len() + label) % folds;
        }
    }
    Ok(fold_of)
}

/// The places of the examples of a fold, and their scores for each strength by what was trained of the others.
fn one_fold(
    examples: &Examples,
    labels: &[usize],
    classes: usize,
    fold_of: &[usize],
    fold: usize,
    strengths: &[f64],
) -> Result<(Vec<usize>, Vec<Array2<f64>>), ClassifierError> {
    let (test, train): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|place| fold_of[*place] == fold);
    let design = examples.design(&test);
    let mut weights: Option<Array2<f64>> = None;
    let mut tested = Vec::with_capacity(strengths.len());
    for &strength in strengths {
        // The solution of the strength before is near.
        let found = regression::fit(examples, labels, &train, classes, strength, weights.as_ref())?;
        tested.push(scores(&design.view(), &found.view()));
        weights = Some(found);
    }
    Ok((test, tested))
}

fn score(strength: f64, logs: &[Vec<f64>], labels: &[usize]) -> Trial {
    let predictions = Prediction::all(logs, labels);
    let loss = logs.iter().zip(labels).map(|(logs, label)| -logs[*label]).sum::<f64>() / labels.len().max(1) as f64;
    Trial { strength, accuracy: accuracy(&predictions), macro_f1: macro_f1(&predictions), loss }
}
