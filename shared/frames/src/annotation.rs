//! Typed results and the names of their kinds.
pub use framefleet_proto::v1::annotation::Value;
use framefleet_proto::v1::{Annotation, FrameRange, ScopedAnnotation};
use serde_json::{Map, Value as Json};

/// Name of an annotation's type, as pipelines, records and dependencies speak of it: `lighting`, `shot`, …
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Kind(pub String);

impl Kind {
    /// A kind by its name.
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The kind of an annotation; empty when nothing is set.
    pub fn of(annotation: &Annotation) -> Self {
        Self::new(kind_name(annotation))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What became of one frame in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has a result (possibly without any annotation: nobody in the picture is a result).
    Result,
    /// It could not be processed.
    Failed {
        /// Short and stable, for counting.
        code: String,
        /// What was wrong, for a person.
        reason: String,
    },
    /// A rule left it out: `sampling`, `upstream`, or a rule of the stage.
    Skipped {
        /// The rule's name.
        rule: String,
    },
}

/// Name of the kind of `annotation`; empty when nothing is set.
pub fn kind_name(annotation: &Annotation) -> &str {
    annotation.value.as_ref().map_or("", Value::kind)
}

/// The annotation as a record shows it: its instance, then its fields.
pub fn to_json(annotation: &Annotation) -> Result<Map<String, Json>, serde_json::Error> {
    let body = match &annotation.value {
        None => Map::new().into(),
        Some(Value::Extension(extension)) => serde_json::from_str(&extension.json)?,
        Some(value) => fields(value)?,
    };
    let mut object = Map::new();
    object.insert("instance".to_owned(), annotation.instance.into());
    match body {
        Json::Object(fields) => object.extend(fields),
        other => {
            object.insert("value".to_owned(), other);
        }
    }
    Ok(object)
}

/// The fields of a result. By way of text: that keeps the few digits that an `f32` has, where its value as an `f64` has seventeen.
fn fields(value: &Value) -> Result<Json, serde_json::Error> {
    // Serde writes a oneof as an object whose one key is the kind.
    let tagged: Map<String, Json> = serde_json::from_str(&serde_json::to_string(value)?)?;
    Ok(tagged.into_iter().next().map_or_else(|| Map::new().into(), |(_, fields)| fields))
}

/// The job-scoped annotations that a task on `window` of `item` is given: those of the kinds it needs that speak of the job, of
/// the item, or of frames inside the window. In the order they were made.
pub fn slice<'a>(
    scoped: impl IntoIterator<Item = &'a ScopedAnnotation>,
    item: &str,
    window: &FrameRange,
    kinds: &[Kind],
) -> Vec<&'a ScopedAnnotation> {
    let touches = |scoped: &ScopedAnnotation| {
        let kind_matches = scoped
            .annotation
            .as_ref()
            .is_some_and(|annotation| kinds.iter().any(|kind| kind.as_str() == kind_name(annotation)));
        let overlaps = |range: &FrameRange| range.start < window.end && window.start < range.end;
        kind_matches && (scoped.item.is_empty() || (scoped.item == item && scoped.range.as_ref().is_none_or(overlaps)))
    };
    scoped.into_iter().filter(|scoped| touches(scoped)).collect()
}
