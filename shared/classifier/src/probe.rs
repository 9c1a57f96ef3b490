//! The trained classifier.
use crate::examples::{check, log_softmax};
use crate::{ClassifierError, Examples, regression};
use ndarray::Array2;

/// A classifier of the embeddings of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    pub(crate) model: String,
    pub(crate) classes: Vec<String>,
    pub(crate) dimension: usize,
    pub(crate) temperature: Option<f64>,
    /// A row per class: a weight per value of a vector, then the intercept.
    pub(crate) weights: Vec<f64>,
}

impl Probe {
    /// Trains it: multinomial logistic regression, intercepts not penalised; `strength` is scikit-learn's `C`, the inverse of
    /// the regularisation. `model` names what made the vectors.
    ///
    /// # Errors
    /// Fewer than two classes; a strength that is not positive, or so high that there is no optimum to reach.
    pub fn fit(examples: &Examples, model: impl Into<String>, strength: f64) -> Result<Self, ClassifierError> {
        let classes = examples.classes();
        if classes.len() < 2 {
            return Err(ClassifierError::TooFewClasses(classes.len()));
        }
        let all: Vec<usize> = (0..examples.len()).collect();
        let weights = regression::fit(examples, &examples.labels(), &all, classes.len(), strength, None)?;
        Ok(Self::new(model.into(), classes, examples.dimension(), &weights))
    }

    fn new(model: String, classes: Vec<String>, dimension: usize, weights: &Array2<f64>) -> Self {
        Self { model, classes, dimension, temperature: None, weights: weights.iter().copied().collect() }
    }

    /// With a temperature that its scores are divided by, see [`crate::calibration::fit_temperature`].
    ///
    /// # Errors
    /// One that is no positive number.
    pub fn with_temperature(self, temperature: f64) -> Result<Self, ClassifierError> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(ClassifierError::Temperature(temperature));
        }
        Ok(Self { temperature: Some(temperature), ..self })
    }

    /// What made the vectors that it was trained from.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Its classes, in alphabetical order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Values per vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// What its scores are divided by; `None`: nothing was fitted, and its probabilities are not calibrated.
    pub fn temperature(&self) -> Option<f64> {
        self.temperature
    }

    /// The weights of a class for every value of a vector, and its intercept.
    pub fn coefficients(&self, class: usize) -> (&[f64], f64) {
        let row = &self.weights[class * (self.dimension + 1)..(class + 1) * (self.dimension + 1)];
        (&row[..self.dimension], row[self.dimension])
    }

    /// The probability of every class, in their order; they add up to 1.
    ///
    /// # Errors
    /// A vector of another length, or with values that are no numbers.
    pub fn probabilities(&self, vector: &[f32]) -> Result<Vec<f64>, ClassifierError> {
        check(vector, self.dimension)?;
        let score = |class| {
            let (weights, intercept) = self.coefficients(class);
            let product: f64 = weights.iter().zip(vector).map(|(weight, value)| weight * f64::from(*value)).sum();
            (product + intercept) / self.temperature.unwrap_or(1.0)
        };
        let mut scores: Vec<f64> = (0..self.classes.len()).map(score).collect();
        log_softmax(&mut scores);
        Ok(scores.into_iter().map(f64::exp).collect())
    }
}
