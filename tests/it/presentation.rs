//! What stages say of their results is true of them: a misspelt field would only be missing from reports. And the type of a result is its
//! stage's.
use framefleet_proto::kinds::KINDS;
use framefleet_stage::Registry;
use serde_json::Map;

/// Kinds that a stage makes.
fn made(registry: &Registry, stage: &str) -> Vec<String> {
    let needs = registry.get(stage).unwrap().resolve(None, &Map::new()).unwrap().needs;
    [needs.process.makes, needs.finish.makes].concat().into_iter().map(|kind| kind.0).collect()
}

#[test]
fn every_kind_lies_in_the_file_of_the_stage_that_makes_it() {
    let registry = registry::stages().unwrap();
    for kind in KINDS {
        let made = made(&registry, kind.stage);
        assert!(made.iter().any(|made| made == kind.name), "{} makes {made:?}, not {}", kind.stage, kind.name);
    }
}

#[test]
fn fields_that_stages_show_are_fields_of_the_kinds_that_they_make() {
    let registry = registry::stages().unwrap();
    let mut shown = 0;
    for stage in registry.describe() {
        let made = made(&registry, &stage.name);
        for field in &stage.fields {
            let name = format!("{} shows {}.{}", stage.name, field.kind, field.path);
            assert!(made.iter().any(|kind| *kind == field.kind), "{name}, and makes only {made:?}");
            let kind = KINDS.iter().find(|kind| kind.name == field.kind);
            let known = kind.is_none_or(|kind| kind.fields.contains(&field.path.as_ref()));
            assert!(known, "{name}, which is none of {:?}", kind.unwrap().fields);
            shown += 1;
        }
    }
    assert!(shown > 20, "{shown}");
}
