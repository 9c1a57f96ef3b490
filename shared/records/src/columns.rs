//! The columns of records in Parquet. They follow from the kinds alone, never from what a step happened to find.
use arrow_schema::{DataType, Field, FieldRef, Fields};
use framefleet_proto::kinds::{TypeVisitor, with_type};
use serde::Deserialize;
use serde_arrow::schema::{SchemaLike, TracingOptions};
use std::sync::Arc;

/// Columns of the rows of a step that makes `kinds`: `item`, `frame`, `pts_ns`; `file` (null in videos); `outcome` ("result", "failed", "skipped") with `code`,
/// `reason` or `rule`; then one column per kind, a list of structs whose fields are those of the kind's protobuf type. The
/// column of a kind without such a type is text: the list as JSON.
pub(crate) fn columns(kinds: &[String]) -> Result<Vec<FieldRef>, serde_arrow::Error> {
    let column = |name: &str, kind: DataType, nullable: bool| Arc::new(Field::new(name, kind, nullable));
    let mut columns = vec![
        column("item", DataType::Utf8, false),
        column("frame", DataType::UInt64, false),
        column("pts_ns", DataType::Int64, false),
        column("file", DataType::Utf8, true),
        column("outcome", DataType::Utf8, false),
        column("code", DataType::Utf8, true),
        column("reason", DataType::Utf8, true),
        column("rule", DataType::Utf8, true),
    ];
    for kind in kinds {
        let data = match typed(kind)? {
            None => DataType::Utf8,
            Some(fields) => {
                let instance = column("instance", DataType::UInt32, true);
                let fields: Fields = std::iter::once(instance).chain(fields.iter().map(optional)).collect();
                DataType::List(column("item", DataType::Struct(fields), true))
            }
        };
        columns.push(column(kind, data, false));
    }
    Ok(columns)
}

/// The fields of a kind with a protobuf type; `None` for all others.
fn typed(kind: &str) -> Result<Option<Vec<FieldRef>>, serde_arrow::Error> {
    with_type(kind, FieldsOf).transpose()
}

/// Traces a message's fields.
struct FieldsOf;

impl TypeVisitor for FieldsOf {
    type Output = Result<Vec<FieldRef>, serde_arrow::Error>;

    fn visit<T: for<'de> Deserialize<'de>>(self) -> Self::Output {
        let options = TracingOptions::default()
            .sequence_as_large_list(false)
            .strings_as_large_utf8(false)
            .enums_without_data_as_strings(true)
            .from_type_budget(10_000);
        Vec::<FieldRef>::from_type::<T>(options)
    }
}

/// The same field, and all inside it, allowed to be absent: numbers that are no numbers are null in JSON, and what finish
/// amends may be all there is of an instance.
fn optional(field: &FieldRef) -> FieldRef {
    let data = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(optional).collect()),
        DataType::List(inner) => DataType::List(optional(inner)),
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), data, true).with_metadata(field.metadata().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_proto::kinds::KINDS;

    fn column(kind: &str) -> DataType {
        columns(&[kind.to_owned()]).unwrap().last().unwrap().data_type().clone()
    }

    #[test]
    fn kinds_with_a_type_have_columns_and_others_are_text() {
        assert!(KINDS.len() > 10);
        for kind in KINDS {
            let DataType::List(of) = column(kind.name) else { panic!("{} has no columns", kind.name) };
            let DataType::Struct(fields) = of.data_type() else { panic!("{} is a list of {of}", kind.name) };
            let shown = kind.fields.iter().map(|path| path.split('.').next().unwrap());
            assert!(shown.chain(["instance"]).all(|name| fields.find(name).is_some()), "{}: {fields:?}", kind.name);
        }
        assert_eq!((column("brightness"), column("extension")), (DataType::Utf8, DataType::Utf8));
    }
}
