//! Generates the Rust types of `framefleet.v1`. Every message also speaks JSON (records are JSON lines of annotations),
//! with enums as lower-case names instead of numbers.
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};

const FILES: [&str; 7] = [
    "framefleet/v1/frame.proto",
    "framefleet/v1/annotation.proto",
    "framefleet/v1/lighting.proto",
    "framefleet/v1/motion.proto",
    "framefleet/v1/task.proto",
    "framefleet/v1/event.proto",
    "framefleet/v1/ledger.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=framefleet");
    let descriptors = protox::compile(FILES, ["."])?;
    let mut config = prost_build::Config::new();
    config
        .type_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)]")
        .type_attribute(".", "#[serde(rename_all = \"snake_case\")]")
        .message_attribute(".", "#[serde(default)]")
        .bytes(["."]);
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
    Ok(())
}
