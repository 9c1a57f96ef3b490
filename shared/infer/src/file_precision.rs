//! The precision of an ONNX file, read from its graph: a name or a flag may say anything.
use crate::InferError;
use crate::precision::Precision;
use crate::profile::is_product;
use memmap2::Mmap;
use prost::Message;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

/// `TensorProto.DataType` of 16-bit floating point.
const FLOAT16: i32 = 10;

// The fields of onnx.proto that say what a graph computes with. Weights themselves are skipped.

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeProto>,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<AttributeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct AttributeProto {
    #[prost(message, optional, tag = "5")]
    t: Option<TensorProto>,
    #[prost(message, optional, tag = "6")]
    g: Option<GraphProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
}

/// What the file's graph computes in: int8 if activations are quantised, fp16 if most convolutions and products have 16-bit weights as they
/// are, else fp32; `None` without any of these, where precision means nothing. Weights that are only stored in fewer bits, and converted
/// before they are used, do not count.
pub(crate) fn of_file(name: &str, path: &Path) -> Result<Option<Precision>, InferError> {
    let problem = |source| InferError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(problem)?;
    // SAFETY: the file is a model of the cache, which nobody writes in place; one that shrinks meanwhile ends the process, as it would
    // when the runtime maps it.
    let bytes = unsafe { Mmap::map(&file) }.map_err(problem)?;
    let model = ModelProto::decode(&bytes[..])
        .map_err(|error| InferError::Load { model: name.to_owned(), reason: format!("it is no ONNX file: {error}") })?;
    let mut found = Found::default();
    if let Some(graph) = &model.graph {
        found.look_at(graph, &HashMap::new());
    }
    Ok(found.precision())
}

impl Precision {
    /// What an ONNX file computes in, read from its graph; `name` is for messages.
    pub fn of_file(name: &str, path: &Path) -> Result<Self, InferError> {
        Ok(of_file(name, path)?.unwrap_or_default())
    }
}

#[derive(Default)]
struct Found {
    quantised: bool,
    products: usize,
    half: usize,
}

impl Found {
    /// Counts a graph's nodes and those of graphs in its branches, which see the weights around them.
    fn look_at<'g>(&mut self, graph: &'g GraphProto, around: &HashMap<&'g str, i32>) {
        let mut weights = around.clone();
        weights.extend(graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor.data_type)));
        for node in graph.node.iter().filter(|node| node.op_type == "Constant") {
            let values = node.attribute.iter().filter_map(|attribute| attribute.t.as_ref());
            weights.extend(node.output.iter().zip(values).map(|(name, value)| (name.as_str(), value.data_type)));
        }
        for node in &graph.node {
            self.quantised |= quantises(&node.op_type);
            if is_product(&node.op_type) {
                self.products += 1;
                let is_half = |name: &String| weights.get(name.as_str()) == Some(&FLOAT16);
                self.half += usize::from(node.input.iter().any(is_half));
            }
            for branch in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
                self.look_at(branch, &weights);
            }
        }
    }

    fn precision(&self) -> Option<Precision> {
        match self {
            Self { quantised: true, .. } => Some(Precision::Int8),
            Self { products: 0, .. } => None,
            Self { products, half, .. } if 2 * half > *products => Some(Precision::Fp16),
            _ => Some(Precision::Fp32),
        }
    }
}

/// Operators on activations in 8 bits.
fn quantises(operator: &str) -> bool {
    matches!(operator, "QuantizeLinear" | "DynamicQuantizeLinear" | "ConvInteger" | "MatMulInteger")
        || operator.starts_with("QLinear")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Option<Precision> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models");
        of_file(name, &folder.join(name)).unwrap()
    }

    #[test]
    fn the_graph_says_what_it_computes_in() {
        assert_eq!(of("classifier.onnx"), Some(Precision::Fp32));
        assert_eq!(of("classifier_fp16.onnx"), Some(Precision::Fp16));
        assert_eq!(of("classifier_int8.onnx"), Some(Precision::Int8));
        assert_eq!(of("types.onnx"), None, "it multiplies nothing by weights");
    }

    fn graph(weight: &str, more: &[&str]) -> GraphProto {
        let node = |op_type: &str, input: &[&str], output: &str| NodeProto {
            op_type: op_type.to_owned(),
            input: input.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![output.to_owned()],
            attribute: Vec::new(),
        };
        let mut nodes = vec![node("Cast", &["half"], "full"), node("Conv", &["x", weight], "y")];
        nodes.extend(more.iter().map(|op_type| node(op_type, &["y"], "z")));
        GraphProto { node: nodes, initializer: vec![TensorProto { data_type: FLOAT16, name: "half".to_owned() }] }
    }

    fn precision(graph: &GraphProto) -> Option<Precision> {
        let mut found = Found::default();
        found.look_at(graph, &HashMap::new());
        found.precision()
    }

    #[test]
    fn weights_that_are_only_stored_in_fewer_bits_are_no_arithmetic() {
        assert_eq!(precision(&graph("half", &[])), Some(Precision::Fp16));
        assert_eq!(precision(&graph("full", &[])), Some(Precision::Fp32));
        assert_eq!(precision(&graph("full", &["DequantizeLinear"])), Some(Precision::Fp32));
        assert_eq!(precision(&graph("full", &["QuantizeLinear"])), Some(Precision::Int8));
    }

    #[test]
    fn branches_see_the_weights_around_them() {
        let branch = AttributeProto { t: None, g: Some(GraphProto { initializer: Vec::new(), ..graph("half", &[]) }) };
        let mut outer = GraphProto { node: Vec::new(), ..graph("half", &[]) };
        outer.node.push(NodeProto { op_type: "If".to_owned(), attribute: vec![branch], ..NodeProto::default() });
        assert_eq!(precision(&outer), Some(Precision::Fp16));
    }
}
