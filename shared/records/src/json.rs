//! Records as lines of JSON.
use serde_json::{Map, Value};

/// A record as a line.
pub(crate) fn line(record: &Map<String, Value>) -> Vec<u8> {
    // A map of plain values: there is nothing in it that JSON cannot say.
    let mut line = serde_json::to_vec(record).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Fields, as kind and field, that a step's JSON lines leave to Parquet.
pub(crate) fn hidden_fields(parquet_only: &[String]) -> Vec<(String, String)> {
    let fields = parquet_only.iter().filter_map(|field| field.split_once('.'));
    fields.map(|(kind, field)| (kind.to_owned(), field.to_owned())).collect()
}

/// The record without some fields of its kinds.
pub(crate) fn without(mut record: Map<String, Value>, hidden: &[(String, String)]) -> Map<String, Value> {
    for (kind, field) in hidden {
        let list = record.get_mut(kind).and_then(Value::as_array_mut);
        for body in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            body.shift_remove(field);
        }
    }
    record
}
