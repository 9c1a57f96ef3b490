//! The tensors of published files, as the catalogue states them, on graphs of random weights: they know nothing, and show that a tower takes
//! such a file.
use crate::harness::{cat, session, tokenizer};
use framefleet_clip::{ClipError, Family, ImageTower, Scoring, TextTower};
use framefleet_infer::{Session, SessionOptions};
use framefleet_models::{Dimension, Element, Model, Tensor};
use framefleet_testkit_models::{RandomGraph, engine, entry};
use ndarray::Array2;

fn open(entry: &Model, dims: &[(&str, usize)]) -> Session {
    let folder = tempfile::tempdir().unwrap();
    let file = RandomGraph::of(entry).write(folder.path()).unwrap();
    let dims = dims.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
    let options = SessionOptions { micro_batch: Some(2), dims, ..SessionOptions::default() };
    engine().unwrap().open(&file, &options).unwrap()
}

fn tensor(name: &str, element: Element, shape: &[Dimension]) -> Tensor {
    Tensor { name: name.to_owned(), element, shape: shape.to_vec() }
}

/// The axes of a file that its exporter called otherwise.
fn renamed(mut entry: Model) -> Model {
    let named = |name: &str| Dimension::Named(name.to_owned());
    for input in &mut entry.inputs {
        input.shape = match input.shape.len() {
            4 => ["batch_size", "num_channels", "height", "width"].map(named).to_vec(),
            _ => ["batch_size", "sequence_length"].map(named).to_vec(),
        };
    }
    for output in &mut entry.outputs {
        output.shape[0] = named("batch_size");
    }
    entry
}

/// Hidden states come first in published files, and are no vector.
fn with_hidden_states(id: &str, tokens: u64) -> Model {
    let mut entry = entry(id).unwrap();
    let shape = [Dimension::Named("N".to_owned()), Dimension::Fixed(tokens), Dimension::Fixed(768)];
    entry.outputs.insert(0, tensor("last_hidden_state", Element::F32, &shape));
    entry
}

fn assert_unit(rows: &Array2<f32>, items: usize, width: usize) {
    assert_eq!(rows.dim(), (items, width));
    for row in rows.rows() {
        assert!((row.dot(&row) - 1.0).abs() < 1e-5, "{row}");
    }
}

fn texts(session: Session, family: Family) -> Array2<f32> {
    TextTower::new(session, tokenizer(family)).unwrap().embed(&["a cat", "a dog", "夕暮れの海"]).unwrap()
}

fn pictures(session: Session, family: Family, side: usize) -> Array2<f32> {
    let (tower, cat) = (ImageTower::new(session, family).unwrap(), cat());
    assert_eq!(tower.preprocessing().side(), side);
    tower.embed(&[cat.view(), cat.view(), cat.view()]).unwrap()
}

#[test]
fn clip_is_taken_as_published() {
    let image = entry("clip-vit-b32-image").unwrap();
    assert_unit(&pictures(open(&image, &[]), Family::Clip, 224), 3, 512);
    let text = entry("clip-vit-b32-text").unwrap();
    assert_unit(&texts(open(&text, &Family::Clip.open_axes()), Family::Clip), 3, 512);
    for id in [&image.id, &text.id] {
        assert_eq!(Scoring::of_model(id), Some(Scoring::CLIP));
    }
}

#[test]
fn siglip_is_taken_as_published() {
    let image = with_hidden_states("siglip2-b16-image", 196);
    assert_unit(&pictures(open(&image, &[]), Family::Siglip, 224), 3, 768);
    let text = with_hidden_states("siglip2-b16-text", 64);
    assert_unit(&texts(open(&text, &Family::Siglip.open_axes()), Family::Siglip), 3, 768);
    for id in [&image.id, &text.id] {
        assert_eq!(Scoring::of_model(id), Some(Scoring::SIGLIP2_BASE_PATCH16_224));
    }
}

#[test]
fn axes_have_any_of_the_names_that_exports_give_them() {
    for (family, half) in [(Family::Clip, "clip-vit-b32"), (Family::Siglip, "siglip2-b16")] {
        let entry = |tower: &str| renamed(entry(&format!("{half}-{tower}")).unwrap());
        let width = if family == Family::Clip { 512 } else { 768 };
        assert_unit(&pictures(open(&entry("image"), &family.open_axes()), family, 224), 3, width);
        assert_unit(&texts(open(&entry("text"), &family.open_axes()), family), 3, width);
    }
}

#[test]
fn both_towers_in_one_graph_are_taken_by_either() {
    let both = entry("tinyclip-vit40m32").unwrap();
    assert_unit(&texts(open(&both, &Family::Clip.open_axes()), Family::Clip), 3, 512);
    assert_unit(&pictures(open(&both, &Family::Clip.open_axes()), Family::Clip, 224), 3, 512);
}

#[test]
fn a_mask_is_1_where_the_model_sees_a_token() {
    let mut entry = entry("clip-vit-b32-text").unwrap();
    let size = |name: &str| Dimension::Named(name.to_owned());
    entry.inputs.push(tensor("attention_mask", Element::I64, &[size("N"), size("L")]));
    entry.outputs = vec![tensor("text_embeds", Element::F32, &[size("N"), size("L")])];
    for (family, seen) in [(Family::Clip, (2, 5)), (Family::Siglip, (64, 64))] {
        let folder = tempfile::tempdir().unwrap();
        // What comes out is the mask itself, at unit length.
        let file =
            RandomGraph::of(&entry).repeating("text_embeds", "attention_mask", 1.0).write(folder.path()).unwrap();
        let dims = [("L".to_owned(), family.context())].into();
        let options = SessionOptions { micro_batch: Some(2), dims, ..SessionOptions::default() };
        let session = engine().unwrap().open(&file, &options).unwrap();
        let rows = TextTower::new(session, tokenizer(family)).unwrap().embed(&["", "a a a"]).unwrap();
        let ones = |row: usize| rows.row(row).iter().filter(|value| **value > 0.0).count();
        assert_eq!((ones(0), ones(1)), seen, "{family}");
    }
}

#[test]
fn what_is_no_tower_is_refused_with_what_it_is() {
    let error = |result: Result<(), ClipError>| result.unwrap_err().to_string();
    let image = |session, family| ImageTower::new(session, family).map(|_| ());
    let text = |session, family| TextTower::new(session, tokenizer(family)).map(|_| ());

    let says = error(image(session(Family::Clip, "text", 1), Family::Clip));
    assert!(says.contains("clip-text.onnx is no image tower") && says.contains("i64"), "{says}");
    let says = error(text(session(Family::Siglip, "image", 1), Family::Siglip));
    assert!(says.contains("siglip-image.onnx is no text tower") && says.contains("f32"), "{says}");

    // Nobody fixed the length, or it is that of another family.
    let entry = entry("siglip2-b16-text").unwrap();
    let says = error(text(open(&entry, &[]), Family::Siglip));
    assert!(says.contains("axis L of its input input_ids i64 [2, L] is open"), "{says}");
    let says = error(text(open(&entry, &[("L", 77)]), Family::Siglip));
    assert!(says.contains("texts of 77 tokens; SigLIP 2 was trained with 64"), "{says}");
}
