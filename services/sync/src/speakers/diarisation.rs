//! Who speaks when, as another program found out: RTTM or JSON.
use serde::Deserialize;
use std::path::Path;

/// Longest file that is read, bytes.
pub const MAX_BYTES: u64 = 4 << 20;
/// Most segments.
const MAX_TURNS: usize = 50_000;

/// Somebody speaks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Seconds from the beginning of the audio.
    pub start: f64,
    /// Seconds from the beginning of the audio.
    pub end: f64,
    /// Name of the speaker.
    pub speaker: String,
    /// The recording by its name without folder and extension; empty = every item of the job.
    #[serde(default)]
    pub file: String,
}

/// Who speaks when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diarisation {
    turns: Vec<Turn>,
}

/// A JSON file.
#[derive(Deserialize)]
struct File {
    segments: Vec<Turn>,
}

/// A diarisation cannot be used. No message quotes what is in a file: it may be any file.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum DiarisationError {
    /// Neither format.
    #[error("it is no diarisation: RTTM has lines that begin with SPEAKER, JSON an object with segments")]
    Format,
    /// Not as it should be.
    #[error("line {line}: {problem}")]
    Line {
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

    /// Reads the content of a file: JSON where it begins with a brace, else RTTM.
    ///
    /// # Errors
    /// Neither format, or a segment that cannot be.
    pub fn parse(content: &[u8]) -> Result<Self, DiarisationError> {
        let text = std::str::from_utf8(content).map_err(|_| DiarisationError::Format)?;
        if !text.trim_start().starts_with('{') {
            return Self::new(rttm(text)?);
        }
        let file: File = serde_json::from_str(text).map_err(|error| DiarisationError::Line {
            line: error.line(),
            problem: "not JSON with segments of start, end and speaker",
        })?;
        Self::new(file.segments)
    }

    /// The segments of an item, in the order of time.
    pub fn of(&self, item: &str) -> impl Iterator<Item = &Turn> {
        let stem = Path::new(item).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        self.turns.iter().filter(move |turn| turn.file.is_empty() || turn.file == stem)
    }
}

/// `SPEAKER file 1 start duration <NA> <NA> name <NA> <NA>`; lines of other types are comments (NIST RT-09).
fn rttm(text: &str) -> Result<Vec<Turn>, DiarisationError> {
    let lines =
        text.lines().enumerate().map(|(number, line)| (number + 1, line.split_whitespace().collect::<Vec<_>>()));
    let speakers = lines.filter(|(_, fields)| fields.first() == Some(&"SPEAKER"));
    let turn = |(line, fields): (usize, Vec<&str>)| {
        let problem = |problem| DiarisationError::Line { line, problem };
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
        let (Some(start), Some(duration)) = (number(3), number(4)) else {
            return Err(problem("the fourth and fifth field must be seconds"));
        };
        let speaker = fields.get(7).ok_or_else(|| problem("the eighth field must be the speaker"))?;
        let file = fields.get(1).copied().unwrap_or_default();
        Ok(Turn { start, end: start + duration, speaker: (*speaker).to_owned(), file: file.to_owned() })
    };
    let turns = speakers.map(turn).collect::<Result<Vec<_>, _>>()?;
    if turns.is_empty() { Err(DiarisationError::Format) } else { Ok(turns) }
}

#[cfg(test)]
mod tests;
