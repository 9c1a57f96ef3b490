//! Categories by the program: words and corrections are tried in seconds, since no frame is worked on for them.
use crate::faces::done;
use crate::program::{json, records, with_models, worked};
use framefleet_testkit::sample;
use serde_json::json;

#[test]
fn other_words_and_corrections_redo_finish_alone() {
    framefleet_testkit_models::model("efficientnet-lite0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (photos, output) = (folder.path().join("photos"), folder.path().join("out"));
    std::fs::create_dir(&photos).unwrap();
    for (from, to) in [("messi5.jpg", "a.jpg"), ("faces/obama.jpg", "b.jpg")] {
        std::fs::copy(sample(from).unwrap(), photos.join(to)).unwrap();
    }
    let (source, out) = (photos.to_str().unwrap(), output.to_str().unwrap());
    let run = |words: &str| {
        let words = format!("categorizer.categories={words}");
        done(&["run", source, "--stages", "categorizer", "--set", &words, "--output", out]);
    };
    let categories = || -> Vec<String> {
        let rows = records(&output, "categorizer");
        rows.iter().map(|row| row["embedding"][0]["category"].as_str().unwrap().to_owned()).collect()
    };

    run(r#"["ball", "person"]"#);
    assert_eq!((categories(), worked(&output, "categorizer")), (vec!["ball".to_owned(), "person".to_owned()], 2));
    let row = &records(&output, "categorizer")[0]["embedding"][0];
    assert!(row.get("vector").is_none() && row.get("classes").is_none(), "too heavy for lines of text: {row}");
    assert_eq!((row["scores"].as_array().unwrap().len(), row["box"].as_array().unwrap().len()), (2, 4));
    let table = std::fs::read(output.join("records/categorizer.parquet")).unwrap();
    assert!(table.windows(6).any(|word| word == b"vector"), "they are in Parquet");

    run(r#"{sport = ["ball"], politics = ["person", "clothing"]}"#);
    assert_eq!((categories(), worked(&output, "categorizer")), (vec!["sport".to_owned(), "politics".to_owned()], 0));

    let edit = |arguments: &[&str]| done(&[&["edit", out, "categorizer"], arguments].concat());
    edit(&["assign", "football", "photos:a.jpg:0"]);
    edit(&["drop", "photos:b.jpg:0"]);
    run(r#"["ball", "person"]"#);
    assert_eq!((categories(), worked(&output, "categorizer")), (vec!["football".to_owned(), String::new()], 0));
    let statistics = &json(&output, "summary/categorizer.json")["statistics"];
    assert_eq!((&statistics["dropped"], &statistics["category_distribution"]["football"]), (&json!(1), &json!(1)));

    for (arguments, says) in [
        (&["assign", "dog", "photos:a.jpg:1"][..], "there is no instance 1 on frame 0 of photos"),
        (&["merge", "photos:a.jpg:0", "photos:b.jpg:0"], "only: assign, drop, keep"),
    ] {
        let refused = with_models(&[&["edit", out, "categorizer"], arguments].concat());
        assert!(refused.code != Some(0) && refused.err.contains(says), "{refused:#?}");
    }
}
