//! Generates the Rust types of `framefleet.v1`, and the API `framefleet.control.v1` with its description for reflection. Every message also speaks JSON (records are JSON lines of annotations),
//! with enums as lower-case names instead of numbers.
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};

const FILES: &[&str] = &[
    "framefleet/v1/frame.proto",
    "framefleet/v1/annotation.proto",
    "framefleet/v1/lighting.proto",
    "framefleet/v1/motion.proto",
    "framefleet/v1/edit.proto",
    "framefleet/v1/face.proto",
    "framefleet/v1/pose.proto",
    "framefleet/v1/mask.proto",
    "framefleet/v1/fill.proto",
    "framefleet/v1/sync.proto",
    "framefleet/v1/task.proto",
    "framefleet/v1/event.proto",
    "framefleet/v1/ledger.proto",
];

const CONTROL: &str = "framefleet/control/v1/control.proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=framefleet");
    let descriptors = protox::compile(FILES, ["."])?;
    let mut config = prost_build::Config::new();
    config
        .type_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)]")
        .type_attribute(".", "#[serde(rename_all = \"snake_case\")]")
        .message_attribute(".", "#[serde(default)]")
        .bytes(["."])
        .btree_map(["."]);
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
    config.compile_fds(prost_types::FileDescriptorSet::decode(descriptors.encode_to_vec().as_slice())?)?;
    if std::env::var_os("CARGO_FEATURE_CONTROL").is_some() {
        control()?;
    }
    Ok(())
}

fn control() -> Result<(), Box<dyn std::error::Error>> {
    let descriptors = protox::compile([CONTROL], ["."])?.encode_to_vec();
    let folder = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(folder.join("control.bin"), &descriptors)?;
    let descriptors = prost_types::FileDescriptorSet::decode(descriptors.as_slice())?;
    tonic_prost_build::configure()
        .type_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)]")
        .type_attribute(".", "#[serde(rename_all = \"snake_case\")]")
        .message_attribute(".", "#[serde(default)]")
        .compile_fds(descriptors)?;
    Ok(())
}
