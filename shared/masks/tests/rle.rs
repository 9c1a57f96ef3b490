//! Run lengths are those that pycocotools writes. `tools/parity/rle.py` made the numbers.
#![cfg(test)]
use framefleet_frames::RunLengths;
use framefleet_masks::Rle;
use opencv::core::{self, Mat, Scalar};
use opencv::prelude::*;
use serde_json::Value;

fn picture(case: &Value) -> Option<Mat> {
    let (height, width) = (case["height"].as_i64().unwrap() as i32, case["width"].as_i64().unwrap() as i32);
    let rows = case["rows"].as_array()?;
    let bytes: Vec<u8> = rows.iter().flat_map(|row| row.as_str().unwrap().bytes().map(|byte| byte - b'0')).collect();
    let mut mask = Mat::new_rows_cols_with_default(height, width, core::CV_8UC1, Scalar::default()).unwrap();
    mask.data_bytes_mut().unwrap().copy_from_slice(&bytes);
    Some(mask)
}

fn parsed(case: &Value, counts: &str) -> Rle {
    let number = |key: &str| case[key].as_u64().unwrap() as u32;
    let text = RunLengths {
        height: number("height"),
        width: number("width"),
        counts: case[counts].as_str().unwrap().to_owned(),
    };
    Rle::parse(&text).unwrap()
}

#[test]
fn masks_have_pycocotools_text_area_box_and_overlap() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("rle.json")).unwrap();
    assert!(cases.len() > 50);
    for case in &cases {
        let runs = parsed(case, "counts");
        assert_eq!(runs.text().counts, case["counts"].as_str().unwrap());
        assert_eq!(Rle::of(&runs.picture().unwrap()).unwrap(), runs);
        if let Some(mask) = picture(case) {
            assert_eq!(Rle::of(&mask).unwrap(), runs);
        }
        assert_eq!(runs.area(), case["area"].as_u64().unwrap());
        let bounds = runs.bounds().unwrap_or_default().map(f64::from);
        let expected: Vec<f64> = case["box"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        assert_eq!(bounds.to_vec(), expected, "{case}");
        let overlap = case["iou_with_flipped"].as_f64().unwrap();
        assert!((f64::from(runs.iou(&parsed(case, "flipped"))) - overlap).abs() < 1e-5, "{case}");
    }
}
