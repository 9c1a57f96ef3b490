//! A row as a record shows it, in JSON.
use crate::ObjectsError;
use framefleet_frames::{Outcome, annotation};
use framefleet_ledger::Row;
use serde_json::{Map, Value, json};

/// Version of the records' shape.
const SCHEMA: u32 = 1;

/// The instances of each kind, in the order of the kinds.
type Lists<'k> = Vec<(&'k str, Vec<Map<String, Value>>)>;

/// The row as a record shows it: `{"schema", "item", "frame", "pts_ns"}`, the `file` of an image, the `outcome` unless it is a result, then
/// for each of `kinds` the list of its annotations with their amendments merged in. An annotation of another kind is an error: it would be
/// lost.
pub fn record(row: &Row, kinds: &[String]) -> Result<Map<String, Value>, ObjectsError> {
    let invalid = |reason: String| ObjectsError::invalid(format!("{} frame {}", row.item, row.frame), reason);
    let mut lists: Lists<'_> = kinds.iter().map(|kind| (kind.as_str(), Vec::new())).collect();
    for made in &row.annotations {
        let body = annotation::to_json(made).map_err(|error| invalid(error.to_string()))?;
        list(&mut lists, annotation::kind_name(made)).map_err(invalid)?.push(body);
    }
    for amendment in &row.amendments {
        let fields: Map<String, Value> = serde_json::from_str(&amendment.json)
            .map_err(|error| invalid(format!("an amendment is no JSON object: {error}")))?;
        merge(list(&mut lists, &amendment.kind).map_err(invalid)?, amendment.instance, fields);
    }
    let mut record = Map::new();
    record.insert("schema".to_owned(), SCHEMA.into());
    record.insert("item".to_owned(), row.item.as_str().into());
    record.insert("frame".to_owned(), row.frame.into());
    record.insert("pts_ns".to_owned(), row.pts_ns.into());
    if let Some(file) = &row.file {
        record.insert("file".to_owned(), file.name.as_str().into());
    }
    match &row.outcome {
        Outcome::Result => {}
        Outcome::Failed { code, reason } => {
            record.insert("outcome".to_owned(), json!({"failed": {"code": code, "reason": reason}}));
        }
        Outcome::Skipped { rule } => {
            record.insert("outcome".to_owned(), json!({"skipped": rule}));
        }
    }
    record
        .extend(lists.into_iter().map(|(kind, list)| (kind.to_owned(), list.into_iter().map(Value::Object).collect())));
    Ok(record)
}

fn list<'l>(lists: &'l mut Lists<'_>, kind: &str) -> Result<&'l mut Vec<Map<String, Value>>, String> {
    let found = lists.iter_mut().find(|(name, _)| *name == kind).map(|(_, list)| list);
    found.ok_or_else(|| format!("it has an annotation of kind \"{kind}\", which its step does not declare to make"))
}

/// Merges fields into the instance they speak of; without one they make an instance of their own.
fn merge(list: &mut Vec<Map<String, Value>>, instance: u32, fields: Map<String, Value>) {
    match list.iter_mut().find(|body| body.get("instance") == Some(&instance.into())) {
        Some(body) => body.extend(fields),
        None => {
            let mut body = Map::from_iter([("instance".to_owned(), instance.into())]);
            body.extend(fields);
            list.push(body);
        }
    }
}
