//! Whether probabilities are what they say, and how to make them so (Guo et al. 2017).
use crate::examples::log_softmax;
use crate::scores::Prediction;

/// Bins of confidence that the calibration error is measured in.
const BINS: usize = 15;
/// Temperatures that are considered: below and above, the data do not say more than "all right" or "all wrong".
const TEMPERATURES: (f64, f64) = (0.01, 100.0);
const HALVINGS: usize = 60;

/// Expected calibration error: the mean, over 15 equal bins of confidence and weighted by what is in them, of the difference
/// between confidence and accuracy. 0 of no predictions.
pub fn expected_calibration_error(predictions: &[Prediction]) -> f64 {
    let mut difference = [0.0; BINS];
    for prediction in predictions {
        // Bins are open at the lower end: a confidence of exactly 1/15 is in the first.
        let bin = (prediction.confidence * BINS as f64).ceil() as usize;
        difference[bin.clamp(1, BINS) - 1] += prediction.confidence - f64::from(u8::from(prediction.is_right()));
    }
    difference.iter().map(|sum| sum.abs()).sum::<f64>() / predictions.len().max(1) as f64
}

/// The temperature T that minimises the mean of −ln softmax(scores / T) of the true class. Scores may be logarithms of
/// probabilities or what a softmax is made of. `None` without any.
///
/// The loss is convex in 1/T, so that its slope is bisected. When the scores are right without exception the lowest temperature
/// is the answer (0.01), and the highest (100) when they say nothing.
pub fn fit_temperature(scores: &[Vec<f64>], labels: &[usize]) -> Option<f64> {
    if scores.is_empty() || scores.len() != labels.len() {
        return None;
    }
    let (mut low, mut high) = (1.0 / TEMPERATURES.1, 1.0 / TEMPERATURES.0);
    if slope(scores, labels, high) <= 0.0 {
        return Some(TEMPERATURES.0);
    }
    if slope(scores, labels, low) >= 0.0 {
        return Some(TEMPERATURES.1);
    }
    for _ in 0..HALVINGS {
        let middle = (low * high).sqrt();
        *(if slope(scores, labels, middle) > 0.0 { &mut high } else { &mut low }) = middle;
    }
    Some(1.0 / (low * high).sqrt())
}

/// Logarithms of the probabilities at a temperature, a row per thing.
pub fn at_temperature(scores: &[Vec<f64>], temperature: f64) -> Vec<Vec<f64>> {
    let cooled = |row: &Vec<f64>| {
        let mut row: Vec<f64> = row.iter().map(|score| score / temperature).collect();
        log_softmax(&mut row);
        row
    };
    scores.iter().map(cooled).collect()
}

/// Derivative of the summed loss by the inverse temperature.
fn slope(scores: &[Vec<f64>], labels: &[usize], inverse: f64) -> f64 {
    let of_one = |(row, label): (&Vec<f64>, &usize)| {
        let mut logs: Vec<f64> = row.iter().map(|score| score * inverse).collect();
        log_softmax(&mut logs);
        let mean: f64 = logs.iter().zip(row).map(|(log, score)| log.exp() * score).sum();
        mean - row[*label]
    };
    scores.iter().zip(labels).map(of_one).sum()
}
