//! Generates the Rust types of `framefleet.v1` with the list of kinds, and the API `framefleet.control.v1` with its description
//! for reflection. Every message also speaks JSON (records are JSON lines of annotations), with enums as lower-case names instead
//! of numbers.
//!
//! Files are found by folder: a stage adds its `.proto`, and a line to the oneof of `Annotation`.
mod kinds;

use prost::Message;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::{Label, Type};
use std::error::Error;
use std::path::{Path, PathBuf};

const MESSAGES: &str = "framefleet/v1";
const CONTROL: &str = "framefleet/control/v1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=framefleet");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    messages(&out)?;
    if std::env::var_os("CARGO_FEATURE_CONTROL").is_some() {
        control(&out)?;
    }
    Ok(())
}

/// The `.proto` files of a folder, by name.
fn files(folder: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let paths = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = paths.collect::<Result<Vec<_>, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "proto"));
    files.sort();
    Ok(files)
}

fn messages(out: &Path) -> Result<(), Box<dyn Error>> {
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(files(MESSAGES)?)?;
    std::fs::write(out.join("kinds.rs"), kinds::generate(&compiler.descriptor_pool())?)?;
    let descriptors = compiler.file_descriptor_set();
    let mut config = prost_build::Config::new();
    config
        .type_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)]")
        .type_attribute(".", "#[serde(rename_all = \"snake_case\")]")
        .message_attribute(".", "#[serde(default)]")
        .bytes(["."])
        .btree_map(["."]);
    // What only targets on images have is not written for the others.
    for (field, is_empty) in [
        ("file", "String::is_empty"),
        ("digest", "String::is_empty"),
        ("box", "Vec::is_empty"),
        ("others", "Vec::is_empty"),
    ] {
        config.field_attribute(
            format!(".framefleet.v1.EditTarget.{field}"),
            format!("#[serde(skip_serializing_if = \"{is_empty}\")]"),
        );
    }
    for file in &descriptors.file {
        for message in &file.message_type {
            for field in &message.field {
                if field.r#type() != Type::Enum || field.label() == Label::Repeated {
                    continue;
                }
                let name = field.type_name().rsplit('.').next().unwrap_or_default();
                config.field_attribute(
                    format!(".{}.{}.{}", file.package(), message.name(), field.name()),
                    format!(
                        "#[serde(serialize_with = \"crate::names::serialize::<_, {name}>\", \
                         deserialize_with = \"crate::names::deserialize::<_, {name}>\")]"
                    ),
                );
            }
        }
    }
    config.compile_fds(descriptors)?;
    Ok(())
}

fn control(out: &Path) -> Result<(), Box<dyn Error>> {
    let descriptors = protox::compile(files(CONTROL)?, ["."])?.encode_to_vec();
    std::fs::write(out.join("control.bin"), &descriptors)?;
    tonic_prost_build::configure()
        .type_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)]")
        .type_attribute(".", "#[serde(rename_all = \"snake_case\")]")
        .message_attribute(".", "#[serde(default)]")
        // Files are no part of what is written of a request.
        .field_attribute(".framefleet.control.v1.RequestFile.content", "#[serde(skip)]")
        .bytes(".")
        .compile_fds(FileDescriptorSet::decode(descriptors.as_slice())?)?;
    Ok(())
}
