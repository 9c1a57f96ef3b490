//! The part of ONNX's file format that graphs of tests need: messages by the field numbers of onnx.proto.
use prost::Message;

/// Readable by ONNX Runtime 1.15 and newer.
const IR_VERSION: i64 = 9;
const OPSET: i64 = 17;

/// Kinds of an attribute's value.
const INT: i32 = 2;

/// A model's file.
#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSet>,
}

#[derive(Clone, PartialEq, Message)]
struct OperatorSet {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(int64, tag = "2")]
    version: i64,
}

/// Nodes, constants, inputs and outputs.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeProto>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, optional, tag = "3")]
    i: Option<i64>,
    #[prost(int32, tag = "20")]
    kind: i32,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueInfo {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeProto {
    #[prost(message, optional, tag = "1")]
    tensor: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dim>,
}

/// A size, or the name of an open one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Dim {
    #[prost(int64, optional, tag = "1")]
    pub(crate) value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub(crate) name: Option<String>,
}

impl GraphProto {
    /// An empty graph.
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Adds an input of elements by their number in onnx.proto.
    pub(crate) fn add_input(&mut self, name: &str, elem_type: i32, dims: Vec<Dim>) {
        self.input.push(value(name, elem_type, dims));
    }

    /// Adds an output, likewise.
    pub(crate) fn add_output(&mut self, name: &str, elem_type: i32, dims: Vec<Dim>) {
        self.output.push(value(name, elem_type, dims));
    }

    /// Adds a constant of 32-bit floats.
    pub(crate) fn floats(&mut self, name: &str, dims: &[i64], values: &[f32]) -> String {
        self.constant(name, dims, 1, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Adds a constant of 64-bit integers with one axis.
    pub(crate) fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, &[values.len() as i64], 7, bytes)
    }

    fn constant(&mut self, name: &str, dims: &[i64], data_type: i32, raw_data: Vec<u8>) -> String {
        self.initializer.push(TensorProto { dims: dims.to_vec(), data_type, name: name.to_owned(), raw_data });
        name.to_owned()
    }

    /// Adds a node with one output, which is what this gives.
    pub(crate) fn node(&mut self, op: &str, inputs: &[&str], output: &str, attributes: &[(&str, i64)]) -> String {
        let attribute = attributes
            .iter()
            .map(|(name, number)| Attribute { name: (*name).to_owned(), i: Some(*number), kind: INT })
            .collect();
        self.node.push(NodeProto {
            input: inputs.iter().map(|input| (*input).to_owned()).collect(),
            output: vec![output.to_owned()],
            name: output.to_owned(),
            op_type: op.to_owned(),
            attribute,
        });
        output.to_owned()
    }

    /// The bytes of a model's file.
    pub(crate) fn into_file(self) -> Vec<u8> {
        let opset = OperatorSet { domain: String::new(), version: OPSET };
        ModelProto { ir_version: IR_VERSION, graph: Some(self), opset_import: vec![opset] }.encode_to_vec()
    }
}

fn value(name: &str, elem_type: i32, dim: Vec<Dim>) -> ValueInfo {
    let tensor = TensorType { elem_type, shape: Some(Shape { dim }) };
    ValueInfo { name: name.to_owned(), kind: Some(TypeProto { tensor: Some(tensor) }) }
}
