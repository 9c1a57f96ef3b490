//! Towers against those of transformers.
use crate::harness::{cat, expected, list, session, texts, tokenizer, turned};
use framefleet_clip::{Family, ImageTower, Scoring, TextTower, cosine};
use ndarray::{Array2, ArrayView3};
use serde_json::Value;

/// What a cosine may differ from the reference's: tokens and pixels are the same, sums come in another order.
const COSINE: f32 = 1e-5;

fn images(family: Family, micro_batch: usize) -> ImageTower {
    ImageTower::new(session(family, "image", micro_batch), family).unwrap()
}

fn words(family: Family, micro_batch: usize) -> TextTower {
    TextTower::new(session(family, "text", micro_batch), tokenizer(family)).unwrap()
}

/// The pictures of the reference: a cat, the cat turned, and a small cat.
fn pictures(family: Family, expected: &Value, micro_batch: usize) -> Array2<f32> {
    let cat = cat();
    let turned = turned(&cat);
    let small = list(&expected["small"], |level| level.as_u64().unwrap() as u8);
    let small = ArrayView3::from_shape((30, 40, 3), &small).unwrap();
    images(family, micro_batch).embed(&[cat.view(), turned.view(), small]).unwrap()
}

fn table(value: &Value) -> Vec<Vec<f64>> {
    list(value, |row| list(row, |value| value.as_f64().unwrap()))
}

#[test]
fn cosines_are_those_of_the_references() {
    for family in [Family::Clip, Family::Siglip] {
        let expected = expected(family);
        let texts = texts(&expected["texts"]);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let reference = table(&expected["cosine"]);
        for micro_batch in [1, 4] {
            let pictures = pictures(family, &expected, micro_batch);
            let found = cosine(pictures.view(), words(family, micro_batch).embed(&texts).unwrap().view());
            assert_eq!(found.dim(), (3, texts.len()));
            let difference =
                |((row, column), value): ((usize, usize), &f32)| (value - reference[row][column] as f32).abs();
            let largest = found.indexed_iter().map(difference).fold(0.0, f32::max);
            println!("{family}, micro-batch {micro_batch}: largest difference of a cosine {largest:.2e}");
            assert!(largest <= COSINE, "{family}: {largest}");
            // The reference tells its pictures and texts apart by far more than the tolerance.
            let spread = reference[0].iter().zip(&reference[1]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(spread > 1000.0 * f64::from(COSINE), "{family}: {spread}");
        }
    }
}

#[test]
fn probabilities_of_siglip_are_those_of_the_reference() {
    let expected = expected(Family::Siglip);
    for (cosines, reference) in table(&expected["cosine"]).iter().zip(table(&expected["probabilities"])) {
        let cosines: Vec<f32> = cosines.iter().map(|cosine| *cosine as f32).collect();
        let found = Scoring::SIGLIP2_BASE_PATCH16_224.probabilities(&cosines);
        for (found, reference) in found.iter().zip(&reference) {
            assert!((found / reference - 1.0).abs() < 1e-4, "{found} {reference}");
        }
    }
}

#[test]
fn a_text_is_nearest_to_itself_and_batches_change_nothing() {
    let texts = ["a photo of a cat", "a photo of a dog", "two people", "", "a photo of a cat"];
    for family in [Family::Clip, Family::Siglip] {
        let (one, four) = (words(family, 1).embed(&texts).unwrap(), words(family, 4).embed(&texts).unwrap());
        assert!((&one - &four).iter().all(|difference| difference.abs() < COSINE));
        let table = cosine(one.view(), one.view());
        assert!((table[[0, 4]] - 1.0).abs() < COSINE && table[[0, 1]] < 1.0 - 10.0 * COSINE, "{family}: {table}");
    }
    assert_eq!(words(Family::Clip, 4).embed(&[]).unwrap().dim(), (0, 0));
}

#[test]
fn a_picture_that_fails_is_an_error_and_no_vector() {
    let narrow = ndarray::Array3::<u8>::zeros((1, 30_000, 3));
    let error = images(Family::Clip, 4).embed(&[narrow.view()]).unwrap_err().to_string();
    assert!(error.contains("1×30000"), "{error}");
}
