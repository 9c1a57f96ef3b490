//! Who speaks when, as another program found out: RTTM or JSON.
//!
//! The setting takes a path or the segments themselves, and always gives the segments back: submit completes settings and keeps them in
//! the plan, so the file is read there, once, and its content is what tasks are keyed by and workers see.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::Path;

/// Longest file that is read, bytes.
const MAX_BYTES: u64 = 4 << 20;
/// Most segments.
const MAX_TURNS: usize = 50_000;

/// Somebody speaks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Seconds from the beginning of the sound.
    pub start: f64,
    /// Seconds from the beginning of the sound.
    pub end: f64,
    /// Name of the speaker.
    pub speaker: String,
    /// The recording by its name without folder and extension; empty = every item of the job.
    #[serde(default)]
    pub file: String,
}

/// Who speaks when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Given", into = "Vec<Turn>")]
pub struct Diarisation {
    turns: Vec<Turn>,
}

/// What a user writes.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Given {
    /// Path of a file.
    Path(String),
    /// The segments.
    Turns(Vec<Turn>),
}

/// A JSON file.
#[derive(Deserialize)]
struct File {
    segments: Vec<Turn>,
}

/// A diarisation cannot be used. No message quotes what is in a file: it may be any file.
#[derive(Debug, thiserror::Error)]
pub enum DiarisationError {
    /// Not there, or not to be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What happened.
        source: std::io::Error,
    },
    /// Neither format, by its name.
    #[error("{path}: a diarisation is a file that ends in .rttm or .json")]
    Name {
        /// The file.
        path: String,
    },
    /// Too long to be one.
    #[error("{path} is longer than {MAX_BYTES} bytes")]
    Long {
        /// The file.
        path: String,
    },
    /// Not as it should be.
    #[error("{path}, line {line}: {problem}")]
    Line {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// A segment that cannot be.
    #[error("segment {number} must have 0 ≤ start < end, in seconds, and the name of a speaker")]
    Turn {
        /// From 0.
        number: usize,
    },
    /// Too many segments.
    #[error("{count} segments, at most {MAX_TURNS} are taken")]
    Many {
        /// How many there are.
        count: usize,
    },
}

impl Diarisation {
    /// Takes segments, in the order of time.
    ///
    /// # Errors
    /// A segment without a speaker or that does not end after it begins; too many.
    pub fn new(mut turns: Vec<Turn>) -> Result<Self, DiarisationError> {
        if turns.len() > MAX_TURNS {
            return Err(DiarisationError::Many { count: turns.len() });
        }
        let good = |turn: &Turn| {
            0.0 <= turn.start && turn.start < turn.end && turn.end < 1e9 && !turn.speaker.trim().is_empty()
        };
        if let Some(number) = turns.iter().position(|turn| !good(turn)) {
            return Err(DiarisationError::Turn { number });
        }
        turns.sort_by(|a, b| a.start.total_cmp(&b.start).then_with(|| a.end.total_cmp(&b.end)));
        Ok(Self { turns })
    }

    /// Reads a file, whose name says which format it has.
    ///
    /// # Errors
    /// Another name, no such file, a file too long or not of its format.
    pub fn read(path: &str) -> Result<Self, DiarisationError> {
        let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
        match extension.as_str() {
            "rttm" => Self::new(rttm(path, &text(path)?)?),
            "json" => {
                let file: File = serde_json::from_str(&text(path)?).map_err(|error| DiarisationError::Line {
                    path: path.to_owned(),
                    line: error.line(),
                    problem: "not JSON with segments of start, end and speaker",
                })?;
                Self::new(file.segments)
            }
            _ => Err(DiarisationError::Name { path: path.to_owned() }),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// The segments of an item, in the order of time.
    pub fn of(&self, item: &str) -> impl Iterator<Item = &Turn> {
        let stem = Path::new(item).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        self.turns.iter().filter(move |turn| turn.file.is_empty() || turn.file == stem)
    }
}

impl TryFrom<Given> for Diarisation {
    type Error = DiarisationError;

    fn try_from(given: Given) -> Result<Self, Self::Error> {
        match given {
            Given::Path(path) if path.is_empty() => Ok(Self::default()),
            Given::Path(path) => Self::read(&path),
            Given::Turns(turns) => Self::new(turns),
        }
    }
}

impl From<Diarisation> for Vec<Turn> {
    fn from(diarisation: Diarisation) -> Self {
        diarisation.turns
    }
}

fn text(path: &str) -> Result<String, DiarisationError> {
    let io = |source| DiarisationError::Io { path: path.to_owned(), source };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(io)?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(io)?;
    if text.len() as u64 > MAX_BYTES { Err(DiarisationError::Long { path: path.to_owned() }) } else { Ok(text) }
}

/// `SPEAKER file 1 start duration <NA> <NA> name <NA> <NA>`; lines of other types are comments (NIST RT-09).
fn rttm(path: &str, text: &str) -> Result<Vec<Turn>, DiarisationError> {
    let lines =
        text.lines().enumerate().map(|(number, line)| (number + 1, line.split_whitespace().collect::<Vec<_>>()));
    let speakers = lines.filter(|(_, fields)| fields.first() == Some(&"SPEAKER"));
    let turn = |(line, fields): (usize, Vec<&str>)| {
        let problem = |problem| DiarisationError::Line { path: path.to_owned(), line, problem };
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
        let (Some(start), Some(duration)) = (number(3), number(4)) else {
            return Err(problem("the fourth and fifth field must be seconds"));
        };
        let speaker = fields.get(7).ok_or_else(|| problem("the eighth field must be the speaker"))?;
        let file = fields.get(1).copied().unwrap_or_default();
        Ok(Turn { start, end: start + duration, speaker: (*speaker).to_owned(), file: file.to_owned() })
    };
    speakers.map(turn).collect()
}

#[cfg(test)]
#[path = "diarisation_tests.rs"]
mod tests;
