//! What a step made.
use crate::{Kept, StepError};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Amendment, Frame, FrameRange, Item, ScopedAnnotation, item, naming};
use framefleet_stage::{Artifact, Outputs};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io;

/// Takes the annotations of one kind: `records.each(only!(Motion))`.
#[macro_export]
macro_rules! only {
    ($kind:ident) => {
        |value| match value {
            framefleet_frames::annotation::Value::$kind(value) => Some(value),
            _ => None,
        }
    };
}

/// What the process half made of films.
#[derive(Debug, Default)]
pub struct Processed {
    /// What finish reads.
    pub records: Kept,
    /// Frames that were made, in order.
    pub frames: Vec<Frame>,
    /// Published files by their names.
    pub artifacts: BTreeMap<String, Vec<u8>>,
}

/// What the finish half made.
#[derive(Debug, Default, PartialEq)]
pub struct Finished {
    /// Results on items and their parts.
    pub scoped: Vec<ScopedAnnotation>,
    /// Fields that are merged into rows.
    pub amendments: Vec<Amendment>,
    /// The step's statistics; null where there are none.
    pub statistics: Json,
    /// Published files by their names.
    pub artifacts: BTreeMap<String, Vec<u8>>,
}

impl Finished {
    /// What a finish half put out.
    pub fn of(out: Outputs) -> Result<Self, StepError> {
        let made = out.into_output();
        let statistics = match made.annotations.statistics.as_str() {
            "" => Json::Null,
            text => serde_json::from_str(text)?,
        };
        let artifacts = files(&made.artifacts, &Item::default())?;
        Ok(Self { scoped: made.annotations.scoped, amendments: made.annotations.amendments, statistics, artifacts })
    }

    /// Results of one kind with the frames they speak of: see [`crate::only`].
    pub fn each<T: Clone>(&self, pick: impl Fn(&Value) -> Option<&T>) -> Vec<(Option<FrameRange>, T)> {
        let value = |scoped: &ScopedAnnotation| pick(scoped.annotation.as_ref()?.value.as_ref()?).cloned();
        self.scoped.iter().filter_map(|scoped| Some((scoped.range, value(scoped)?))).collect()
    }

    /// The same for a kind that always speaks of frames.
    pub fn on_frames<T: Clone>(&self, pick: impl Fn(&Value) -> Option<&T>) -> Vec<(FrameRange, T)> {
        self.each(pick).into_iter().filter_map(|(range, value)| Some((range?, value))).collect()
    }

    /// Amended fields with their frame and instance.
    pub fn amended(&self) -> Result<Vec<(u64, u32, Json)>, StepError> {
        let fields = |of: &Amendment| Ok((of.frame, of.instance, serde_json::from_str(&of.json)?));
        self.amendments.iter().map(fields).collect()
    }
}

/// Files with what is in them, by the names that they would get below their folder.
pub(crate) fn files(artifacts: &[Artifact], item: &Item) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let name = |of: &Artifact| match of.frame() {
        Some(frame) => naming::of_frame(of.name(), frame, item::file(item, frame)),
        None => of.name().to_owned(),
    };
    artifacts.iter().map(|of| Ok((name(of), std::fs::read(of.path())?))).collect()
}
