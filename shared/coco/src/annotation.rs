//! One object as COCO has it. Every annotation has all fields that COCO's evaluation reads, whatever is known of it.
use framefleet_frames::RunLengths;
use framefleet_frames::skeleton::{LIMBS, POINTS};
use framefleet_objects::{Keypoint, Object};
use serde_json::{Map, Value, json};

/// An object as an annotation, but for its numbers; `size` is that of its image.
pub fn annotation(object: &Object, size: (u32, u32)) -> Map<String, Value> {
    let [x0, y0, x1, y1] = object.corners;
    let runs = object.run_lengths().unwrap_or_else(|| empty_mask(size));
    let mut result = Map::from_iter([
        ("bbox".to_owned(), json!([x0, y0, x1 - x0, y1 - y0])),
        ("area".to_owned(), object.area().into()),
        ("iscrowd".to_owned(), 0.into()),
        ("segmentation".to_owned(), json!({"size": [runs.height, runs.width], "counts": runs.counts})),
    ]);
    let labelled = object.keypoints.iter().filter(|point| point.flag > 0).count();
    result.insert("num_keypoints".to_owned(), labelled.into());
    result.insert("keypoints".to_owned(), flat(&object.keypoints).into());
    let optional = [
        ("score", object.score.map(Value::from)),
        ("track_id", object.track.map(Value::from)),
        ("identity", object.identity.map(Value::from)),
        ("name", object.name.as_deref().map(Value::from)),
        ("eye", object.eye.as_deref().map(Value::from)),
        ("interpolated", object.interpolated.then_some(Value::from(true))),
        ("face", object.face.as_ref().filter(|_| object.kind == "subject").map(face)),
    ];
    result.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    result.insert("step".to_owned(), (*object.step).into());
    result.insert("instance".to_owned(), object.instance.into());
    result.insert("attributes".to_owned(), attributes(object));
    result
}

/// The 17 points, all 0 where there is no pose.
fn flat(points: &[Keypoint]) -> Vec<Value> {
    let point = |at: usize| points.get(at).copied().unwrap_or_default();
    (0..POINTS.len()).map(point).flat_map(|Keypoint { x, y, flag }| [json!(x), json!(y), json!(flag)]).collect()
}

/// What annotation tools read besides the fields of COCO: who it is.
fn attributes(object: &Object) -> Value {
    let fields = [
        ("track_id", object.track.map(Value::from)),
        ("identity", object.person().map(Value::from)),
        ("interpolated", object.interpolated.then_some(Value::from(true))),
    ];
    Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// What a subject's face is like.
fn face(face: &Map<String, Value>) -> Value {
    let kept = ["box", "landmarks", "score", "quality"].iter().filter_map(|field| face.get_key_value(*field));
    Value::Object(kept.map(|(field, value)| (field.clone(), value.clone())).collect())
}

/// The mask of an object of which no mask is known: nothing is set. A polygon around the box would be a mask to whoever trains on it.
fn empty_mask((width, height): (u32, u32)) -> RunLengths {
    let mut counts = String::new();
    let mut rest = i64::from(width) * i64::from(height);
    // COCO's compressed text of one run: groups of five bits, lowest first, with a bit that says whether more follow; the last one's highest
    // bit is its sign.
    loop {
        let group = (rest & 0x1f) as u8;
        rest >>= 5;
        let is_last = rest == 0 && group & 0x10 == 0;
        counts.push(char::from(b'0' + if is_last { group } else { group | 0x20 }));
        if is_last {
            return RunLengths { height, width, counts };
        }
    }
}

/// A category; that of persons has the 17 points and the limbs between them, counted from 1.
pub(crate) fn category(name: &str, id: u64) -> Value {
    let (points, limbs) = match name {
        "person" => (json!(POINTS), json!(LIMBS.map(|(a, b)| [a + 1, b + 1]))),
        _ => (json!([]), json!([])),
    };
    json!({"id": id, "name": name, "supercategory": name, "keypoints": points, "skeleton": limbs})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_mask_is_one_run() {
        // As pycocotools writes them.
        let counts = |size| empty_mask(size).counts;
        assert_eq!([counts((6, 4)), counts((4, 4)), counts((0, 0)), counts((1920, 1080))], ["h0", "`0", "0", "PPYo1"]);
    }
}
