//! How good classifications are whose truth is known.
use std::collections::BTreeMap;

/// What was found of one thing whose class is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Its class in truth.
    pub truth: usize,
    /// The class with the highest probability, the first of equal ones.
    pub found: usize,
    /// That probability, 0–1.
    pub confidence: f64,
}

impl Prediction {
    /// Of logarithms of probabilities, a row per thing, and the true classes.
    pub fn all(log_probabilities: &[Vec<f64>], labels: &[usize]) -> Vec<Self> {
        let predict = |(logs, &truth): (&Vec<f64>, &usize)| {
            let found = (1..logs.len()).fold(0, |best, class| if logs[class] > logs[best] { class } else { best });
            Self { truth, found, confidence: logs.get(found).map_or(0.0, |log| log.exp()) }
        };
        log_probabilities.iter().zip(labels).map(predict).collect()
    }

    /// Whether it is right.
    pub fn is_right(&self) -> bool {
        self.truth == self.found
    }
}

/// Part of the predictions that are right; 0 of none.
pub fn accuracy(predictions: &[Prediction]) -> f64 {
    predictions.iter().filter(|of| of.is_right()).count() as f64 / predictions.len().max(1) as f64
}

/// Mean of F1 over all classes that occur in truth or were found; 0 of none.
pub fn macro_f1(predictions: &[Prediction]) -> f64 {
    #[derive(Default)]
    struct Counts {
        right: u32,
        found: u32,
        truth: u32,
    }
    let mut classes: BTreeMap<usize, Counts> = BTreeMap::new();
    for prediction in predictions {
        classes.entry(prediction.truth).or_default().truth += 1;
        classes.entry(prediction.found).or_default().found += 1;
        classes.entry(prediction.truth).or_default().right += u32::from(prediction.is_right());
    }
    let f1 = |of: &Counts| f64::from(2 * of.right) / f64::from(of.found + of.truth);
    classes.values().map(f1).sum::<f64>() / classes.len().max(1) as f64
}

/// What a threshold of confidence leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// Predictions at least this confident are accepted.
    pub threshold: f64,
    /// Part of all that are accepted.
    pub coverage: f64,
    /// Part of the accepted ones that are right.
    pub accuracy: f64,
}

/// How accuracy grows as less is accepted: a point for every confidence that occurs, the highest first.
pub fn coverage_curve(predictions: &[Prediction]) -> Vec<Coverage> {
    let mut sorted = predictions.to_vec();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let (mut curve, mut right): (Vec<Coverage>, u32) = (Vec::new(), 0);
    for (index, prediction) in sorted.iter().enumerate() {
        right += u32::from(prediction.is_right());
        let accepted = (index + 1) as f64;
        let point = Coverage {
            threshold: prediction.confidence,
            coverage: accepted / sorted.len() as f64,
            accuracy: f64::from(right) / accepted,
        };
        match curve.last_mut() {
            Some(last) if last.threshold == point.threshold => *last = point,
            _ => curve.push(point),
        }
    }
    curve
}
