//! What a run executed, read from ONNX Runtime's own profile: a registered provider is not a used one.
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Kernels of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// How many ran on each provider, by the runtime's names.
    pub nodes: BTreeMap<String, usize>,
    /// How many computed on each type of numbers (`float`, `float16`, `int8`, …): the type of a kernel's first input.
    pub arithmetic: BTreeMap<String, usize>,
    /// The same of convolutions and matrix products alone: what a model's precision is about.
    pub products: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    cat: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    args: Arguments,
}

#[derive(Deserialize, Default)]
struct Arguments {
    #[serde(default)]
    op_name: String,
    #[serde(default)]
    provider: String,
    #[serde(default)]
    input_type_shape: Vec<BTreeMap<String, serde_json::Value>>,
}

/// Longest profile that is read: a model of a million kernels stays below this.
const LIMIT: u64 = 1 << 30;

impl Profile {
    /// Reads the file that the runtime wrote. A kernel is an event of category `Node` whose name ends in `_kernel_time`.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
        if size > LIMIT {
            return Err(format!("the profile has {size} bytes"));
        }
        let text = std::fs::read(path).map_err(|error| error.to_string())?;
        Self::parse(&text)
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let events: Vec<Event> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let mut profile = Self::default();
        for event in events.iter().filter(|event| event.cat == "Node" && event.name.ends_with("_kernel_time")) {
            *profile.nodes.entry(event.args.provider.clone()).or_default() += 1;
            if let Some(kind) = event.args.input_type_shape.first().and_then(|input| input.keys().next()) {
                *profile.arithmetic.entry(kind.clone()).or_default() += 1;
                if is_product(&event.args.op_name) {
                    *profile.products.entry(kind.clone()).or_default() += 1;
                }
            }
        }
        Ok(profile)
    }
}

/// Whether a kernel multiplies by weights: `Conv`, `QLinearConv`, `FusedConv`, `MatMulInteger`, `Gemm`, …
pub(crate) fn is_product(operator: &str) -> bool {
    ["Conv", "MatMul", "Gemm", "Attention"].iter().any(|name| operator.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_counted_by_provider_and_by_type() {
        let text = br#"[
            {"cat":"Session","name":"model_run","dur":9,"args":{}},
            {"cat":"Node","name":"conv_fence_before","args":{"op_name":"Conv"}},
            {"cat":"Node","name":"conv_kernel_time","args":{"op_name":"Conv","provider":"CUDAExecutionProvider","input_type_shape":[{"float16":[1,3]},{"float16":[8]}]}},
            {"cat":"Node","name":"nms_kernel_time","args":{"provider":"CPUExecutionProvider","input_type_shape":[{"float":[1]}]}},
            {"cat":"Node","name":"top_kernel_time","args":{"provider":"CPUExecutionProvider"}}]"#;
        let profile = Profile::parse(text).unwrap();
        assert_eq!(profile.nodes["CUDAExecutionProvider"], 1);
        assert_eq!(profile.nodes["CPUExecutionProvider"], 2);
        assert_eq!(profile.arithmetic["float16"], 1);
        assert_eq!(profile.products, BTreeMap::from([("float16".to_owned(), 1)]));
        assert!(Profile::parse(b"not json").is_err());
    }
}
