//! Other valid values of settings, chosen by what the schema says of them.
use framefleet_stage::AnyStage;
use serde_json::{Map, Value, json};

/// A value of a setting other than the one that `settings` have, with which they are still valid; `None` where the schema does not
/// say enough to find one.
pub fn variation(stage: &dyn AnyStage, settings: &Map<String, Value>, key: &str) -> Option<Value> {
    let schema = stage.describe().schema;
    let now = settings.get(key)?;
    let is_valid = |value: &Value| {
        let mut changed = settings.clone();
        changed.insert(key.to_owned(), value.clone());
        stage.resolve(None, &changed).is_ok()
    };
    candidates(&schema, &schema["properties"][key], now).into_iter().filter(|value| value != now).find(is_valid)
}

/// Values that a part of a schema may allow, beside `now`.
fn candidates(schema: &Value, part: &Value, now: &Value) -> Vec<Value> {
    let mut found: Vec<Value> = part["examples"].as_array().cloned().unwrap_or_default();
    if let Some(path) = part["$ref"].as_str() {
        let definition = schema.pointer(path.trim_start_matches('#')).unwrap_or(&Value::Null);
        found.extend(candidates(schema, definition, now));
        return found;
    }
    let choices = ["oneOf", "anyOf", "allOf"].iter().filter_map(|of| part[*of].as_array()).flatten();
    found.extend(choices.flat_map(|choice| candidates(schema, choice, now)));
    found.extend(part["enum"].as_array().into_iter().flatten().cloned());
    found.extend(part.get("const").cloned());
    let kinds = part["type"].as_array().cloned().unwrap_or_else(|| vec![part["type"].clone()]);
    for kind in kinds.iter().filter_map(Value::as_str) {
        match kind {
            "boolean" => found.push(json!(now != &json!(true))),
            "integer" => found.extend(integers(now.as_i64().unwrap_or_default())),
            "number" => found.extend(numbers(now.as_f64().unwrap_or_default())),
            // Words of a choice stand in its list.
            "string" if part.get("const").is_none() && part.get("enum").is_none() => found.push(json!("other")),
            "array" => {
                let first = candidates(schema, &part["items"], &Value::Null).into_iter().find(|item| !item.is_null());
                found.extend(first.map(|item| json!([item])));
            }
            _ => {}
        }
    }
    found
}

fn integers(now: i64) -> impl Iterator<Item = Value> {
    [now + 1, now - 1, now * 2, now / 2, now + 32, now - 32, 0, 1].into_iter().map(|value| json!(value))
}

fn numbers(now: f64) -> impl Iterator<Item = Value> {
    [now * 1.25, now * 0.75, now + 0.1, now - 0.1, now + 1.0, now - 1.0, 0.0, 1.0].into_iter().map(|value| json!(value))
}
