//! Pipeline files and `--set`.
use framefleet_pipeline::{IngestTable, Pipeline, Sampling, Step};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const FILE: &str = r#"
description = "Two ways to look at motion."

[ingest]
deinterlace = "auto"

[steps.zoom]
stage = "motion"
profile = "fast"
frames = "every 3"
needs = { shot = "motion" }
input = "source"
settings = { method = "farneback", corners = 20, sizes = [1, 2] }

[steps.motion]
[steps.assemble.settings]
quality = 0.5
"#;

#[test]
fn a_file_is_read_in_its_order() {
    let pipeline = Pipeline::from_toml(FILE, "pipelines/zooms.toml").unwrap();
    assert_eq!((pipeline.name.as_str(), pipeline.description.as_str()), ("zooms", "Two ways to look at motion."));
    assert_eq!(pipeline.ingest.settings["deinterlace"], "auto");
    let names: Vec<_> = pipeline.steps.iter().map(|step| (step.name.as_str(), step.stage.as_str())).collect();
    assert_eq!(names, [("zoom", "motion"), ("motion", "motion"), ("assemble", "assemble")]);
    let zoom = &pipeline.steps[0];
    assert_eq!(
        (zoom.profile.as_deref(), zoom.frames, zoom.input.as_deref()),
        (Some("fast"), Sampling::Every(3), Some("source"))
    );
    assert_eq!(zoom.needs["shot"], "motion");
    assert_eq!(Value::Object(zoom.settings.clone()), json!({"method": "farneback", "corners": 20, "sizes": [1, 2]}));
    assert_eq!(pipeline.steps[1], Step::of_stage("motion"));
}

#[test]
fn values_are_set_as_toml_or_words() {
    let mut pipeline = Pipeline::from_toml(FILE, "zooms").unwrap();
    let assignments = [
        "zoom.method=dis",
        "zoom.corners = 40",
        "zoom.gain=-0.5",
        "zoom.on=true",
        "zoom.list=[1, \"a\"]",
        "zoom.quoted=\"3\"",
        "zoom.empty=",
        "zoom.day=2026-01-02",
        "zoom.model=nan",
        "zoom.path=C:\\x=y",
        "zoom.lines=1\nb=2",
        "zoom.frames=2.5/s",
        "zoom.profile=quality",
        "motion.stage=motion2",
        "zoom.needs.shot=other",
        "zoom.input=motion",
        "ingest.deinterlace=never",
    ];
    for assignment in assignments {
        pipeline.set(assignment).unwrap();
    }
    let zoom = &pipeline.steps[0];
    let expected = json!({
        "method": "dis", "corners": 40, "sizes": [1, 2], "gain": -0.5, "on": true, "list": [1, "a"], "quoted": "3", "empty": "", "model": "nan",
        "day": "2026-01-02", "path": "C:\\x=y", "lines": "1\nb=2",
    });
    assert_eq!(Value::Object(zoom.settings.clone()), expected);
    assert_eq!((zoom.frames, zoom.profile.as_deref()), (Sampling::PerSecond(2.5), Some("quality")));
    assert_eq!((zoom.needs["shot"].as_str(), zoom.input.as_deref()), ("other", Some("motion")));
    assert_eq!(pipeline.steps[1].stage, "motion2");
    assert_eq!(pipeline.ingest.settings["deinterlace"], "never");
}

#[test]
fn values_that_toml_lacks_are_refused() {
    let mut step = Step::of_stage("motion");
    step.settings.insert("limit".to_owned(), Value::Null);
    let pipeline = Pipeline { name: "odd".to_owned(), steps: vec![step], ..Pipeline::default() };
    assert!(pipeline.to_toml().unwrap_err().to_string().starts_with("odd: "));
}

/// Every preset is a pipeline that writes itself back.
#[test]
fn presets_are_pipelines() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pipelines");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let pipeline = Pipeline::from_toml(&std::fs::read_to_string(&path).unwrap(), &path.to_string_lossy()).unwrap();
        assert_eq!(
            pipeline.name,
            path.file_stem().unwrap().to_string_lossy(),
            "a preset is called what its file is called"
        );
        assert!(!pipeline.description.is_empty(), "{}", pipeline.name);
        found += 1;
    }
    assert!(found > 0);
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9f64..1e9).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ]
}

fn settings() -> impl Strategy<Value = Map<String, Value>> {
    let value = scalar().prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(".{0,8}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    btree_map(".{0,8}", value, 0..5).prop_map(|map| map.into_iter().collect())
}

fn sampling() -> impl Strategy<Value = Sampling> {
    prop_oneof![
        Just(Sampling::All),
        (1u64..).prop_map(Sampling::Every),
        (1e-6f64..1e6).prop_map(Sampling::PerSecond),
        (1u64..).prop_map(Sampling::PerShot),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let word = "[a-z][a-z0-9-]{0,8}";
    let more = (proptest::option::of(word), btree_map(word, word, 0..3), settings());
    ("[A-Za-z0-9][A-Za-z0-9_-]{0,8}", word, proptest::option::of(word), sampling(), more).prop_map(
        |(name, stage, profile, frames, (input, needs, settings))| Step {
            name,
            stage,
            profile,
            frames,
            input,
            needs,
            settings,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pipeline_comes_back(name in "[^\\p{C}]{1,12}", description in ".{0,20}", ingest in settings(), steps in vec(step(), 1..6)) {
        let mut seen = BTreeSet::from(["source".to_owned(), "ingest".to_owned()]);
        let steps: Vec<Step> = steps.into_iter().filter(|step| seen.insert(step.name.clone())).collect();
        prop_assume!(!steps.is_empty());
        let pipeline = Pipeline { name, description, ingest: IngestTable { settings: ingest }, steps };
        let text = pipeline.to_toml().unwrap();
        prop_assert_eq!(Pipeline::from_toml(&text, "other").unwrap(), pipeline, "{}", text);
    }

    /// Files come from anywhere: whatever is in them, reading answers.
    #[test]
    fn nothing_breaks_the_reader(text in "(\\[steps\\.[a-z]\\]\n|[a-z]+ ?= ?[0-9'\\[{]+\n|.)*") {
        let _ = Pipeline::from_toml(&text, "noise").map(|pipeline| pipeline.to_toml());
    }
}
