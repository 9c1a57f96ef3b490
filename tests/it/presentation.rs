//! What stages say of their results is true of them: a misspelt field would only be missing from reports.
use framefleet_proto::kinds::KINDS;
use serde_json::Map;

#[test]
fn fields_that_stages_show_are_fields_of_the_kinds_that_they_make() {
    let registry = registry::stages().unwrap();
    let mut shown = 0;
    for stage in registry.describe() {
        let needs = registry.get(&stage.name).unwrap().resolve(None, &Map::new()).unwrap().needs;
        let made = [needs.process.makes, needs.finish.makes].concat();
        for field in &stage.fields {
            let name = format!("{} shows {}.{}", stage.name, field.kind, field.path);
            assert!(made.iter().any(|kind| kind.as_str() == field.kind), "{name}, and makes only {made:?}");
            let kind = KINDS.iter().find(|kind| kind.name == field.kind);
            let known = kind.is_none_or(|kind| kind.fields.contains(&field.path.as_ref()));
            assert!(known, "{name}, which is none of {:?}", kind.unwrap().fields);
            shown += 1;
        }
    }
    assert!(shown > 20, "{shown}");
}
