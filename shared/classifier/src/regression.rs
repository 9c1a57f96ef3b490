//! Multinomial logistic regression with L2.
use crate::ClassifierError;
use crate::examples::{Examples, log_softmax, scores};
use crate::lbfgs::minimise;
use ndarray::{Array1, Array2, ArrayView2, Axis};

/// Largest component of the gradient of the mean loss at which training ends.
const TOLERANCE: f64 = 1e-7;
/// The same where it may still count as trained: functions this flat to the last bit have no better minimum.
const ACCEPTED: f64 = 1e-5;

/// Minimises `½‖W‖² + C · Σ −ln p(label)` over the weights W (a row per class; the last column, the intercepts, is not
/// penalised), as scikit-learn's `LogisticRegression` does. Two classes are its binomial model: there ‖W‖² counts twice, since
/// both rows are half of the one vector it has.
pub fn fit(
    examples: &Examples,
    labels: &[usize],
    places: &[usize],
    classes: usize,
    strength: f64,
    start: Option<&Array2<f64>>,
) -> Result<Array2<f64>, ClassifierError> {
    if !(strength > 0.0 && strength.is_finite()) {
        return Err(ClassifierError::Strength(strength));
    }
    let design = examples.design(places);
    let labels: Vec<usize> = places.iter().map(|place| labels[*place]).collect();
    let columns = design.ncols();
    let penalty = if classes == 2 { 2.0 } else { 1.0 } / (strength * places.len() as f64);
    let start = start.cloned().unwrap_or_else(|| Array2::zeros((classes, columns)));
    let minimum = minimise(
        |flat| match ArrayView2::from_shape((classes, columns), flat.as_slice().unwrap_or_default()) {
            Ok(weights) => loss(&design.view(), &labels, &weights, penalty),
            Err(_) => (f64::INFINITY, flat.clone()),
        },
        start.into_iter().collect(),
        TOLERANCE,
    );
    if minimum.gradient > ACCEPTED {
        return Err(ClassifierError::NotConverged { strength, gradient: minimum.gradient });
    }
    let weights = Array2::from_shape_vec((classes, columns), minimum.at.to_vec());
    weights.map_err(|_| ClassifierError::Dimension { expected: classes * columns, found: minimum.at.len() })
}

/// Mean loss with the penalty, and its gradient, row by row.
fn loss(
    design: &ArrayView2<'_, f64>,
    labels: &[usize],
    weights: &ArrayView2<'_, f64>,
    penalty: f64,
) -> (f64, Array1<f64>) {
    let count = labels.len() as f64;
    let mut residuals = scores(design, weights);
    let mut value = 0.0;
    for (mut row, label) in residuals.axis_iter_mut(Axis(0)).zip(labels) {
        if let Some(row) = row.as_slice_mut() {
            log_softmax(row);
            value -= row[*label];
            row.iter_mut().for_each(|log| *log = log.exp() / count);
            row[*label] -= 1.0 / count;
        }
    }
    value /= count;
    let mut gradient = residuals.t().dot(design);
    let intercepts = design.ncols() - 1;
    for (weights, mut gradient) in weights.axis_iter(Axis(0)).zip(gradient.axis_iter_mut(Axis(0))) {
        for (weight, slope) in weights.iter().zip(gradient.iter_mut()).take(intercepts) {
            value += 0.5 * penalty * weight * weight;
            *slope += penalty * weight;
        }
    }
    // In the order of rows, whatever layout the product has.
    (value, gradient.iter().copied().collect())
}
