//! A selection and its file: `selections/<name>.jsonl` in the output. The first line says what it is, each further one is a frame with the
//! objects that were chosen in it.
use crate::candidate::Candidate;
use crate::{Criteria, SelectionError};
use bytes::Bytes;
use framefleet_ledger::{Store, layout};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Version of the file's shape.
const SCHEMA: u32 = 1;

/// The people and frames that were chosen of an output.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    head: Head,
    frames: Vec<ChosenFrame>,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    schema: u32,
    name: String,
    criteria: Criteria,
    /// The steps that were read.
    steps: Vec<String>,
}

/// A frame that was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenFrame {
    /// Its item.
    pub item: String,
    /// Number in the whole item.
    pub frame: u64,
    /// The image that it is, of sequences and stills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What was chosen in it.
    pub objects: Vec<ChosenObject>,
}

/// An object that was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenObject {
    /// The step whose instance it is.
    pub step: String,
    /// The instance's kind.
    pub kind: String,
    /// Its number in the frame.
    pub instance: u32,
    /// x0, y0, x1, y1, pixels of the full frame.
    #[serde(rename = "box")]
    pub corners: [f64; 4],
    /// The shorter side of its box, pixels.
    pub size: f64,
    /// Sharpness of its face.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharpness: Option<f64>,
    /// Who it is, when somebody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

impl Selection {
    /// The selection of some candidates, which come in the order of the output.
    pub(crate) fn new(
        name: &str,
        criteria: Criteria,
        steps: Vec<String>,
        chosen: &[Candidate<'_>],
    ) -> Result<Self, SelectionError> {
        check_name(name)?;
        let mut frames: Vec<ChosenFrame> = Vec::new();
        for candidate in chosen {
            let object = ChosenObject::from(candidate);
            match frames.last_mut() {
                Some(last) if last.item == candidate.item.name && last.frame == candidate.frame => {
                    last.objects.push(object)
                }
                _ => frames.push(ChosenFrame {
                    item: candidate.item.name.clone(),
                    frame: candidate.frame,
                    file: candidate.file.clone(),
                    objects: vec![object],
                }),
            }
        }
        Ok(Self { head: Head { schema: SCHEMA, name: name.to_owned(), criteria, steps }, frames })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// What it was chosen by.
    pub fn criteria(&self) -> &Criteria {
        &self.head.criteria
    }

    /// The frames, in the order of the output.
    pub fn frames(&self) -> &[ChosenFrame] {
        &self.frames
    }

    /// How many objects were chosen.
    pub fn object_count(&self) -> usize {
        self.frames.iter().map(|frame| frame.objects.len()).sum()
    }

    /// The frames by item and number, for whoever goes over an output.
    pub fn by_frame(&self) -> HashMap<(&str, u64), &ChosenFrame> {
        self.frames.iter().map(|frame| ((frame.item.as_str(), frame.frame), frame)).collect()
    }

    /// Writes it into an output, where it is the last one from then on; its path there.
    pub async fn write(&self, store: &Store) -> Result<String, SelectionError> {
        let path = layout::selection(self.name(), "jsonl");
        // Plain values: there is nothing in them that JSON cannot say.
        let mut text = serde_json::to_string(&self.head).unwrap_or_default() + "\n";
        for frame in &self.frames {
            text += &(serde_json::to_string(frame).unwrap_or_default() + "\n");
        }
        store.write(&path, Bytes::from(text)).await?;
        store.write(layout::LAST_SELECTION, Bytes::from(self.name().to_owned())).await?;
        Ok(path)
    }

    /// Reads one of an output; the last one made where no name is given.
    pub async fn read(store: &Store, name: Option<&str>) -> Result<Self, SelectionError> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => {
                let last = store.read(layout::LAST_SELECTION).await?;
                let last = last.ok_or_else(|| SelectionError::Missing("last".to_owned()))?;
                String::from_utf8_lossy(&last).trim().to_owned()
            }
        };
        check_name(&name)?;
        let path = layout::selection(&name, "jsonl");
        let bytes = store.read(&path).await?.ok_or(SelectionError::Missing(name))?;
        Self::parse(&path, &String::from_utf8_lossy(&bytes))
    }

    fn parse(path: &str, text: &str) -> Result<Self, SelectionError> {
        let wrong =
            |line: usize, reason: String| SelectionError::File { path: path.to_owned(), line: line + 1, reason };
        let mut lines = text.lines().enumerate();
        let first = lines.next().map_or("", |(_, line)| line);
        let head: Head = serde_json::from_str(first).map_err(|error| wrong(0, error.to_string()))?;
        if head.schema != SCHEMA {
            return Err(wrong(0, format!("its schema is {}, this program reads {SCHEMA}: make it anew", head.schema)));
        }
        let frame = |(at, line): (usize, &str)| {
            serde_json::from_str::<ChosenFrame>(line).map_err(|error| wrong(at, error.to_string()))
        };
        Ok(Self { head, frames: lines.map(frame).collect::<Result<_, _>>()? })
    }
}

impl From<&Candidate<'_>> for ChosenObject {
    fn from(candidate: &Candidate<'_>) -> Self {
        let person = match &candidate.person {
            crate::candidate::Person::Known(name) => Some(name.clone()),
            _ => None,
        };
        Self {
            step: candidate.step.to_string(),
            kind: candidate.kind.to_owned(),
            instance: candidate.instance,
            corners: candidate.corners,
            size: candidate.size,
            sharpness: candidate.sharpness,
            person,
        }
    }
}

/// A name is one part of a path.
fn check_name(name: &str) -> Result<(), SelectionError> {
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']) && name.len() <= 200;
    if is_plain { Ok(()) } else { Err(SelectionError::Name(name.to_owned())) }
}
