//! The file of a probe: a line that names the format, a line of JSON with what the probe is of, and the weights as f64, little
//! endian, a row per class with the intercept last.
use crate::{ClassifierError, Probe};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "framefleet-probe";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    model: String,
    dimension: usize,
    classes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
}

impl Probe {
    /// The file's bytes: the same for the same probe.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = serde_json::json!(Header {
            model: self.model.clone(),
            dimension: self.dimension,
            classes: self.classes.clone(),
            temperature: self.temperature,
        });
        let mut bytes = format!("{FORMAT} {VERSION}\n{header}\n").into_bytes();
        bytes.extend(self.weights.iter().flat_map(|weight| weight.to_le_bytes()));
        bytes
    }

    /// The probe of a file.
    ///
    /// # Errors
    /// Bytes that are no probe, of a version that is not known, cut short, or that contradict themselves.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ClassifierError> {
        let refused = |what: String| Err(ClassifierError::File(what));
        let Some((first, rest)) = line(bytes) else { return refused("its first line does not end".to_owned()) };
        match first.strip_prefix(FORMAT).map(|version| version.trim().parse::<u32>()) {
            Some(Ok(VERSION)) => {}
            Some(Ok(version)) => return refused(format!("it is of version {version}, and version {VERSION} is known")),
            _ => return refused(format!("it does not begin with `{FORMAT} {VERSION}`")),
        }
        let Some((header, values)) = line(rest) else { return refused("its header is missing".to_owned()) };
        let header: Header = match serde_json::from_str(header) {
            Ok(header) => header,
            Err(error) => return refused(format!("its header cannot be read: {error}")),
        };
        let Header { model, dimension, classes, temperature } = header;
        if classes.len() < 2 || !classes.is_sorted_by(|a, b| a < b) {
            return refused(format!("its classes {classes:?} are not two or more different names in order"));
        }
        if temperature.is_some_and(|value| !(value > 0.0 && value.is_finite())) {
            return refused(format!("its temperature {temperature:?} is not positive"));
        }
        let expected = dimension.checked_add(1).and_then(|row| row.checked_mul(classes.len()));
        let (weights, left) = values.as_chunks::<8>();
        if expected != Some(weights.len()) || !left.is_empty() {
            let classes = classes.len();
            let found = values.len();
            return refused(format!(
                "{found} bytes of weights do not fit {classes} classes of {dimension} values each"
            ));
        }
        let weights: Vec<f64> = weights.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        if let Some(at) = weights.iter().position(|weight| !weight.is_finite()) {
            return refused(format!("weight {at} is {}", weights[at]));
        }
        Ok(Self { model, classes, dimension, temperature, weights })
    }
}

/// The text up to the next line feed, and what follows it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}
