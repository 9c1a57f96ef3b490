//! Texts to tokens.
use crate::harness::{expected, fixture, ids, texts, tokenizer};
use framefleet_clip::{Family, Tokenizer};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The texts of `texts.jsonl`, with the tokens that the reference cuts to the family's length.
fn references(family: Family) -> Vec<(String, Vec<i64>)> {
    let place = if family == Family::Clip { 1 } else { 2 };
    let file = std::fs::read_to_string(fixture("texts.jsonl")).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line[0].as_str().unwrap().to_owned(), ids(&line[place]))
    };
    file.lines().map(line).collect()
}

#[test]
fn a_thousand_texts_of_many_languages_have_the_tokens_of_the_references() {
    for family in [Family::Clip, Family::Siglip] {
        let (references, tokenizer) = (references(family), tokenizer(family));
        assert_eq!(references.len(), 1000);
        let differ = |(text, ids): &&(String, Vec<i64>)| {
            let tokens = tokenizer.encode(text, family.context()).unwrap();
            tokens.ids.len() != family.context() || &tokens.ids[..tokens.used] != ids
        };
        let different: Vec<_> = references.iter().filter(differ).map(|(text, _)| text).collect();
        assert!(different.is_empty(), "{family}: {} differ: {different:?}", different.len());
        let cut = references.iter().filter(|(_, ids)| ids.len() == family.context()).count();
        assert!(cut >= 20, "{family}: {cut} are cut");
    }
}

#[test]
fn padding_is_that_of_the_reference() {
    for family in [Family::Clip, Family::Siglip] {
        let (expected, tokenizer) = (expected(family), tokenizer(family));
        let texts = texts(&expected["texts"]);
        assert!(texts.len() >= 10);
        for (text, reference) in texts.iter().zip(expected["ids"].as_array().unwrap()) {
            assert_eq!(tokenizer.encode(text, family.context()).unwrap().ids, ids(reference), "{family}: {text:?}");
        }
    }
}

#[test]
fn siglip_reads_capitals_as_small_letters() {
    let tokenizer = tokenizer(Family::Siglip);
    let encode = |text| tokenizer.encode(text, 64).unwrap();
    assert_eq!(encode("A Photo of a CAT"), encode("a photo of a cat"));
    assert_ne!(encode("a photo of a cat"), encode("a photo of a dog"));
}

#[test]
fn vocabularies_that_do_not_fit_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, content: &str, family| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        Tokenizer::open(&path, family).unwrap_err().to_string()
    };
    let error = open("merges.txt", "#version\na b\n", Family::Clip);
    assert!(error.contains("merges.txt") && error.contains("tokenizer.json"), "{error}");
    let siglip = std::fs::read_to_string(fixture("siglip-tokenizer.json")).unwrap();
    let error = open("of-siglip.json", &siglip, Family::Clip);
    assert!(error.contains("of-siglip.json") && error.contains("CLIP") && error.contains("<|endoftext|>"), "{error}");
    let mut endless: Value = serde_json::from_str(&siglip).unwrap();
    endless["post_processor"] = json!(null);
    let error = open("endless.json", &endless.to_string(), Family::Siglip);
    assert!(error.contains("does not end a text with <eos>"), "{error}");
    let error = Tokenizer::open(&folder.path().join("absent.json"), Family::Clip).unwrap_err().to_string();
    assert!(error.contains("absent.json"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_fits_and_is_ended(text in "\\PC{0,120}", length in 2usize..80, clip: bool) {
        let family = if clip { Family::Clip } else { Family::Siglip };
        let tokenizer = tokenizer(family);
        let tokens = tokenizer.encode(&text, length).unwrap();
        let end = *tokenizer.encode("", length).unwrap().ids[..].get(usize::from(clip)).unwrap();
        prop_assert_eq!(tokens.ids.len(), length);
        prop_assert!(tokens.used <= length);
        prop_assert_eq!(tokens.ids[tokens.used - 1], end);
    }
}
