//! How likely each category is: by words, or by a probe, the classifier that was trained from the user's examples.
use crate::half_floats::unpacked;
use crate::settings::CategorizerSettings;
use crate::words::{CLASSES, Words};
use framefleet_classifier::Probe;
use framefleet_frames::Embedding;
use framefleet_stage::{Host, SetupError, StageError};

/// What gives categories their probabilities.
pub enum Scorer {
    /// The classes that words name, at a temperature.
    Words(Words, Option<f64>),
    /// A classifier of embeddings.
    Probe(Probe),
}

impl Scorer {
    /// What the settings ask for: the probe where they name one.
    ///
    /// # Errors
    /// Words that no class has, and a probe that cannot be read or was trained from the embeddings of another model.
    pub fn open(host: &Host, settings: &CategorizerSettings, model: &str) -> Result<Self, SetupError> {
        let Some(content) = settings.probe.read(host)? else {
            let words = Words::of(&settings.categories).map_err(|error| SetupError(error.to_string()))?;
            return Ok(Self::Words(words, settings.temperature));
        };
        let wrong = |error: framefleet_classifier::ClassifierError| SetupError(format!("categorizer.probe: {error}"));
        let probe = Probe::from_bytes(&content).map_err(wrong)?;
        if probe.model() != model {
            let of = probe.model();
            return Err(SetupError(format!(
                "categorizer.probe was trained from embeddings of {of}, and this step's are of {model}: set categorizer.model \
                 to {of}, or train it anew"
            )));
        }
        Ok(Self::Probe(match settings.temperature {
            Some(temperature) => probe.with_temperature(temperature).map_err(wrong)?,
            None => probe,
        }))
    }

    /// Names of the categories.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Words(words, _) => words.names(),
            Self::Probe(probe) => probe.classes(),
        }
    }

    /// What it is, as records say it.
    pub fn by(&self) -> &'static str {
        match self {
            Self::Words(..) => "words",
            Self::Probe(_) => "probe",
        }
    }

    /// What scores are divided by before they are probabilities; `None`: nothing was fitted.
    pub fn temperature(&self) -> Option<f64> {
        match self {
            Self::Words(_, temperature) => *temperature,
            Self::Probe(probe) => probe.temperature(),
        }
    }

    /// The probability of every category. A probe knows nothing of an embedding without direction: all are 0.
    ///
    /// # Errors
    /// An embedding that is none of the step's model.
    pub fn probabilities(&self, embedding: &Embedding) -> Result<Vec<f64>, StageError> {
        match self {
            Self::Words(words, temperature) => {
                let classes = unpacked(&embedding.classes);
                if classes.len() != CLASSES {
                    let found = classes.len();
                    return Err(StageError::Fatal(format!("an embedding has {found} classes, ImageNet has {CLASSES}")));
                }
                Ok(words.probabilities(&classes, temperature.unwrap_or(1.0)))
            }
            Self::Probe(probe) if embedding.vector.is_empty() => Ok(vec![0.0; probe.classes().len()]),
            Self::Probe(probe) => probe
                .probabilities(&unpacked(&embedding.vector))
                .map_err(|error| StageError::Fatal(format!("categorizer.probe: {error}"))),
        }
    }
}
