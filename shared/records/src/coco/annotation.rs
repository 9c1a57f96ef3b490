//! One result as COCO has it.
use framefleet_frames::skeleton::{LIMBS, POINTS};
use serde_json::{Map, Value, json};

/// Visibility from which a point of a pose is visible, COCO's 2: it is as likely as not to be seen.
const VISIBLE: f64 = 0.5;
/// Visibility from which it is labelled all the same, but not visible, COCO's 1: hidden, where the model takes it to be. Below,
/// its place says nothing: it is not labelled, COCO's 0. The evaluation code of "Simple Baselines" (Xiao et al. 2018), and what
/// came after it, leaves points below 0.2 out of a person's score as well.
const LABELLED: f64 = 0.2;

/// A result as an annotation, but for its numbers; `None` for one without a box.
pub(super) fn annotation(kind: &str, body: &Map<String, Value>) -> Option<Map<String, Value>> {
    let numbers = |key: &str| -> Vec<f64> {
        body.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_f64).collect()
    };
    let [x0, y0, x1, y1] = numbers("box")[..] else { return None };
    let (width, height) = (x1 - x0, y1 - y0);
    let mut result = Map::from_iter([
        ("bbox".to_owned(), json!([x0, y0, width, height])),
        ("area".to_owned(), body.get("area").cloned().unwrap_or_else(|| json!(width * height))),
        ("iscrowd".to_owned(), 0.into()),
        ("score".to_owned(), body.get("score").cloned().unwrap_or(Value::Null)),
    ]);
    if let Some(runs) = body.get("run_lengths").filter(|runs| runs.is_object()) {
        result.insert(
            "segmentation".to_owned(),
            json!({"size": [runs["height"], runs["width"]], "counts": runs["counts"]}),
        );
    }
    if kind == "pose" {
        let points: Vec<(f64, f64, u8)> =
            numbers("keypoints").as_chunks().0.iter().map(|point| keypoint(*point)).collect();
        result.insert("num_keypoints".to_owned(), points.iter().filter(|(.., flag)| *flag > 0).count().into());
        let flat = points.into_iter().flat_map(|(x, y, flag)| [json!(x), json!(y), json!(flag)]);
        result.insert("keypoints".to_owned(), flat.collect());
    }
    for (from, to) in
        [("instance", "instance"), ("track", "track_id"), ("eye", "eye"), ("interpolated", "interpolated")]
    {
        if let Some(value) = body.get(from).filter(|value| !value.is_null() && *value != "") {
            result.insert(to.to_owned(), value.clone());
        }
    }
    Some(result)
}

/// A point with COCO's flag for it: 0 is not labelled (and then x and y are 0), 1 labelled but not visible, 2 labelled and visible
/// (cocodataset.org, "Data format", keypoint detection).
fn keypoint([x, y, visibility]: [f64; 3]) -> (f64, f64, u8) {
    match visibility {
        seen if seen >= VISIBLE => (x, y, 2),
        guessed if guessed >= LABELLED => (x, y, 1),
        _ => (0.0, 0.0, 0),
    }
}

/// A category; that of persons has the 17 points and the limbs between them, counted from 1.
pub(super) fn category(name: &str, id: usize) -> Value {
    match name {
        "person" => {
            let limbs = LIMBS.map(|(a, b)| [a + 1, b + 1]);
            json!({"id": id, "name": name, "supercategory": name, "keypoints": POINTS, "skeleton": limbs})
        }
        _ => json!({"id": id, "name": name, "supercategory": name}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_labelled_as_coco_says() {
        assert_eq!(keypoint([3.0, 4.0, 0.5]), (3.0, 4.0, 2));
        assert_eq!(keypoint([3.0, 4.0, 0.49]), (3.0, 4.0, 1));
        assert_eq!(keypoint([3.0, 4.0, 0.2]), (3.0, 4.0, 1));
        assert_eq!(keypoint([3.0, 4.0, 0.19]), (0.0, 0.0, 0));
    }

    #[test]
    fn a_result_without_a_box_is_no_annotation() {
        let body = json!({"instance": 0, "box": [], "score": 0.9});
        assert!(annotation("face", body.as_object().unwrap()).is_none());
    }
}
