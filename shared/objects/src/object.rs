//! One person or thing in one frame, as data sets have it.
use crate::keypoints::{Keypoint, keypoints};
use framefleet_frames::RunLengths;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A result's fields as records have them.
pub(crate) type Fields = Map<String, Value>;

/// One person or thing in one frame: a subject with its parts where the output has subjects, else one result of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The step whose instance it is.
    pub step: Arc<str>,
    /// The instance's kind: `subject`, `face`, `pose` or `mask`.
    pub kind: &'static str,
    /// Its number in the frame, within step and kind.
    pub instance: u32,
    /// What it is: "person", "face", what its mask is called, or "object".
    pub label: String,
    /// x0, y0, x1, y1 in pixels of the full frame, inside the picture.
    pub corners: [f64; 4],
    /// How sure it is that it is there, 0–1.
    pub score: Option<f64>,
    /// "left" or "right" in stereo.
    pub eye: Option<String>,
    /// What joins it with other frames of its item: the number of its subject, else of its track.
    pub track: Option<u64>,
    /// Number of its identity over all items.
    pub identity: Option<u64>,
    /// The identity's name, where the user gave one.
    pub name: Option<String>,
    /// Whether it was not seen in this frame, but lies between frames in which it was.
    pub interpolated: bool,
    /// Points of its pose; empty without one.
    pub keypoints: Vec<Keypoint>,
    /// Its parts as records have them.
    pub face: Option<Map<String, Value>>,
    /// See `face`.
    pub pose: Option<Map<String, Value>>,
    /// See `face`.
    pub mask: Option<Map<String, Value>>,
}

impl Object {
    /// Its mask.
    pub fn run_lengths(&self) -> Option<RunLengths> {
        let body = self.mask.as_ref()?.get("run_lengths")?;
        serde_json::from_value(body.clone()).ok().filter(|runs: &RunLengths| !runs.counts.is_empty())
    }

    /// Pixels of its mask, else of its box.
    pub fn area(&self) -> f64 {
        let [x0, y0, x1, y1] = self.corners;
        let of_mask = self.mask.as_ref().and_then(|mask| mask.get("area")).and_then(Value::as_f64);
        of_mask.unwrap_or((x1 - x0) * (y1 - y0))
    }

    /// Sharpness of its face: variance of the Laplacian; `None` without a face whose quality was measured.
    pub fn sharpness(&self) -> Option<f64> {
        self.face.as_ref()?.get("quality")?.get("sharpness")?.as_f64()
    }

    /// Who it is, in words: the name, else the identity's number; `None` when nobody knows.
    pub fn person(&self) -> Option<String> {
        let name = self.name.clone().filter(|name| !name.is_empty());
        name.or_else(|| self.identity.map(|number| format!("identity {number}")))
    }
}

/// What an object is made of, before it is placed in its picture.
pub(crate) struct Parts {
    pub step: Arc<str>,
    pub kind: &'static str,
    /// The result that it is: of a subject, or of one of its parts where there are no subjects.
    pub body: Fields,
    pub face: Option<Fields>,
    pub pose: Option<Fields>,
    pub mask: Option<Fields>,
}

impl Parts {
    /// The object in a picture of `size`; `None` when its box lies outside, or when it has none.
    pub fn into_object(self, size: (u32, u32), names: impl Fn(u64) -> Option<String>) -> Option<Object> {
        let Self { step, kind, body, face, pose, mask } = self;
        let identity = body.get("identity").and_then(Value::as_u64);
        let given = text(&body, "name");
        let is_interpolated = |part: &Fields| part.get("interpolated").and_then(Value::as_bool).unwrap_or(false);
        Some(Object {
            instance: body.get("instance").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())?,
            label: label(kind, &body),
            corners: inside(&body, size)?,
            score: body.get("score").and_then(Value::as_f64),
            eye: text(&body, "eye"),
            track: body.get(if kind == "subject" { "subject" } else { "track" }).and_then(Value::as_u64),
            identity,
            name: given.or_else(|| names(identity?)),
            interpolated: pose.as_ref().is_some_and(is_interpolated),
            keypoints: pose.as_ref().map(|pose| keypoints(pose, size)).unwrap_or_default(),
            step,
            kind,
            face,
            pose,
            mask,
        })
    }
}

/// What a result is.
fn label(kind: &str, body: &Fields) -> String {
    match kind {
        "face" => "face".to_owned(),
        "pose" => "person".to_owned(),
        _ => text(body, "label").unwrap_or_else(|| "object".to_owned()),
    }
}

/// A text that is not empty.
fn text(body: &Fields, field: &str) -> Option<String> {
    body.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The box of a result cut to its picture (whose size may be unknown, 0); `None` where nothing is left of it.
fn inside(body: &Fields, (width, height): (u32, u32)) -> Option<[f64; 4]> {
    let sides: Vec<f64> = body.get("box")?.as_array()?.iter().filter_map(Value::as_f64).collect();
    let [x0, y0, x1, y1] = sides[..] else { return None };
    let cut = |at: f64, end: u32| if end == 0 { at.max(0.0) } else { at.clamp(0.0, f64::from(end)) };
    let corners = [cut(x0, width), cut(y0, height), cut(x1, width), cut(y1, height)];
    (corners[2] > corners[0] && corners[3] > corners[1]).then_some(corners)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn corners(sides: Value) -> Option<[f64; 4]> {
        inside(json!({"box": sides}).as_object().unwrap(), (720, 640))
    }

    #[test]
    fn boxes_lie_inside_their_picture() {
        assert_eq!(corners(json!([-2.0, 10.0, 722.0, 640.5])), Some([0.0, 10.0, 720.0, 640.0]));
        assert_eq!(corners(json!([721.0, 10.0, 730.0, 20.0])), None, "nothing of it is in the picture");
        assert_eq!(corners(json!([])), None);
    }
}
