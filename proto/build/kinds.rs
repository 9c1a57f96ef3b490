//! What is known of every kind of result, read off the descriptor of `Annotation`.
use heck::ToUpperCamelCase;
use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use std::error::Error;
use std::fmt::Write;

const ANNOTATION: &str = "framefleet.v1.Annotation";
/// The oneof whose fields are the kinds.
const VALUE: &str = "value";
/// The type of results that name their kind themselves.
const EXTENSION: &str = "framefleet.v1.Extension";
/// The option that marks fields for Parquet alone.
const PARQUET_ONLY: &str = "framefleet.v1.parquet_only";

/// The source of `kinds.rs`: `Value::kind`, the table `KINDS` and `with_type`.
pub fn generate(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let annotation = pool.get_message_by_name(ANNOTATION).ok_or("there is no message Annotation")?;
    let value = annotation.oneofs().find(|oneof| oneof.name() == VALUE).ok_or("Annotation has no oneof value")?;
    let (mut names, mut table, mut types) = (String::new(), String::new(), String::new());
    for field in value.fields() {
        let Kind::Message(message) = field.kind() else {
            return Err(format!("{} is no message: a kind has one of its own", field.full_name()).into());
        };
        let (name, variant) = (field.name(), field.name().to_upper_camel_case());
        if message.full_name() == EXTENSION {
            writeln!(names, "            Self::{variant}(extension) => &extension.kind,")?;
            continue;
        }
        let fields = plain_fields(&message)?;
        let parquet_only = parquet_only(pool, &message)?;
        writeln!(names, "            Self::{variant}(_) => {name:?},")?;
        let stage = stage(&message);
        writeln!(
            table,
            "    KindType {{ name: {name:?}, stage: {stage:?}, fields: &{fields:?}, parquet_only: &{parquet_only:?} }},"
        )?;
        writeln!(types, "        {name:?} => visitor.visit::<crate::v1::{}>(),", message.name().to_upper_camel_case())?;
    }
    Ok(format!(
        "impl crate::v1::annotation::Value {{
    /// Name of the result's kind: that of its field in the oneof; an extension names its own.
    pub fn kind(&self) -> &str {{
        match self {{
{names}        }}
    }}
}}

/// All kinds that have a type, in the order of the oneof.
pub const KINDS: &[KindType] = &[
{table}];

/// Calls `visitor` with the type of a kind's results; `None` for a kind without one.
pub fn with_type<V: TypeVisitor>(kind: &str, visitor: V) -> Option<V::Output> {{
    Some(match kind {{
{types}        _ => return None,
    }})
}}
"
    ))
}

/// The stage whose file has the message: the file's name, with hyphens as stages have them.
fn stage(message: &MessageDescriptor) -> String {
    let file = message.parent_file();
    let name = file.name().rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".proto").replace('_', "-")
}

/// Paths of the fields that hold one number or word, also those of a message inside the message: what can be shown over time.
fn plain_fields(message: &MessageDescriptor) -> Result<Vec<String>, Box<dyn Error>> {
    let mut paths = Vec::new();
    for field in message.fields().filter(|field| !field.is_list() && !field.is_map()) {
        match field.kind() {
            Kind::Message(inner) => paths
                .extend(inner.fields().filter(is_plain).map(|inside| format!("{}.{}", field.name(), inside.name()))),
            _ if is_plain(&field) => paths.push(field.name().to_owned()),
            _ => {}
        }
    }
    Ok(paths)
}

fn is_plain(field: &FieldDescriptor) -> bool {
    !field.is_list() && !field.is_map() && !matches!(field.kind(), Kind::Message(_) | Kind::Bytes | Kind::Bool)
}

/// Names of the fields with the option `parquet_only`.
fn parquet_only(pool: &DescriptorPool, message: &MessageDescriptor) -> Result<Vec<String>, Box<dyn Error>> {
    let option = pool.get_extension_by_name(PARQUET_ONLY).ok_or("there is no option parquet_only")?;
    let marked = |field: &FieldDescriptor| field.options().get_extension(&option).as_bool() == Some(true);
    Ok(message.fields().filter(marked).map(|field| field.name().to_owned()).collect())
}
