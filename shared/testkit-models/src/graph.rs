//! Graphs that take and give what a model of the catalogue does, with fixed random weights: they know nothing, and show that a
//! stage's loader and adaptor fit the model's tensors where its weights cannot be had.
use crate::onnx::{Dim, GraphProto};
use framefleet_infer::Model as File;
use framefleet_models::{Dimension, Element, Model, Sha256, Tensor};
use std::io;
use std::path::Path;

/// What an open size is that no input has.
const OPEN: i64 = 4;

/// A graph in the making.
pub struct RandomGraph<'m> {
    model: &'m Model,
    repeats: Vec<(&'m str, &'m str, f32)>,
}

impl<'m> RandomGraph<'m> {
    /// Of the tensors of this entry. A tensor whose name no source states is called by its place.
    pub fn of(model: &'m Model) -> Self {
        Self { model, repeats: Vec::new() }
    }

    /// One of its outputs, of floats, is an input of the same shape, so many times as large.
    pub fn repeating(mut self, output: &'m str, input: &'m str, times: f32) -> Self {
        self.repeats.push((output, input, times));
        self
    }

    /// Writes `<id>.onnx`.
    pub fn write(&self, folder: &Path) -> io::Result<File> {
        let path = folder.join(format!("{}.onnx", self.model.id));
        let bytes = self.build().into_file();
        let sha256 = Sha256::of(&bytes).to_string();
        std::fs::write(&path, bytes)?;
        Ok(File { name: self.model.id.clone(), path, sha256 })
    }

    fn build(&self) -> GraphProto {
        let mut graph = GraphProto::named(&self.model.id);
        let mut means = Vec::new();
        for (place, tensor) in self.model.inputs.iter().enumerate() {
            let name = name(tensor, "input", place);
            graph.add_input(&name, number(tensor.element), dims(tensor));
            let floats = graph.node("Cast", &[&name], &format!("{name}/floats"), &[("to", 1)]);
            means.push(graph.node("ReduceMean", &[&floats], &format!("{name}/mean"), &[("keepdims", 0)]));
        }
        let means: Vec<&str> = means.iter().map(String::as_str).collect();
        let seen = graph.node("Sum", &means, "seen", &[]);
        for (place, tensor) in self.model.outputs.iter().enumerate() {
            let name = name(tensor, "output", place);
            graph.add_output(&name, number(tensor.element), dims(tensor));
            match self.repeats.iter().find(|(output, ..)| *output == name) {
                Some((_, input, times)) => {
                    let times = graph.floats(&format!("{name}/times"), &[], &[*times]);
                    graph.node("Mul", &[&format!("{input}/floats"), &times], &name, &[]);
                }
                None => self.random(&mut graph, &seen, tensor, &name),
            }
        }
        graph
    }

    /// An output between 0 and 1 that depends on all inputs: a number for each place of the last axis.
    fn random(&self, graph: &mut GraphProto, seen: &str, tensor: &Tensor, name: &str) {
        let last = match tensor.shape.last() {
            Some(Dimension::Fixed(size)) => *size,
            _ => 1,
        };
        let weights = graph.floats(&format!("{name}/weights"), &[last as i64], &noise(name, last as usize));
        let sums = graph.node("Add", &[seen, &weights], &format!("{name}/sums"), &[]);
        let shares = graph.node("Sigmoid", &[&sums], &format!("{name}/shares"), &[]);
        let sizes: Vec<String> =
            tensor.shape.iter().enumerate().map(|(axis, size)| self.size(graph, name, axis, size)).collect();
        let sizes: Vec<&str> = sizes.iter().map(String::as_str).collect();
        let shape = graph.node("Concat", &sizes, &format!("{name}/shape"), &[("axis", 0)]);
        let spread = graph.node("Expand", &[&shares, &shape], &format!("{name}/spread"), &[]);
        graph.node("Cast", &[&spread], name, &[("to", i64::from(number(tensor.element)))]);
    }

    /// A size as a tensor of one number: what it is always, that of an input's axis of the same name, or [`OPEN`].
    fn size(&self, graph: &mut GraphProto, output: &str, axis: usize, size: &Dimension) -> String {
        let own = format!("{output}/size{axis}");
        let Dimension::Named(wanted) = size else {
            return graph.integers(&own, &[if let Dimension::Fixed(size) = size { *size as i64 } else { OPEN }]);
        };
        for (place, tensor) in self.model.inputs.iter().enumerate() {
            let same = |size: &Dimension| matches!(size, Dimension::Named(name) if name == wanted);
            if let Some(at) = tensor.shape.iter().position(same) {
                let shape = graph.node("Shape", &[&name(tensor, "input", place)], &format!("{own}/shape"), &[]);
                let at = graph.integers(&format!("{own}/at"), &[at as i64]);
                return graph.node("Gather", &[&shape, &at], &own, &[("axis", 0)]);
            }
        }
        graph.integers(&own, &[OPEN])
    }
}

fn name(tensor: &Tensor, kind: &str, place: usize) -> String {
    if tensor.name == "*" { format!("{kind}{place}") } else { tensor.name.clone() }
}

fn dims(tensor: &Tensor) -> Vec<Dim> {
    let dim = |size: &Dimension| match size {
        Dimension::Fixed(size) => Dim { value: Some(*size as i64), name: None },
        Dimension::Named(name) => Dim { value: None, name: Some(name.clone()) },
    };
    tensor.shape.iter().map(dim).collect()
}

/// A kind of element in onnx.proto.
fn number(element: Element) -> i32 {
    match element {
        Element::F32 => 1,
        Element::U8 => 2,
        Element::I8 => 3,
        Element::I32 => 6,
        Element::I64 => 7,
        Element::Bool => 9,
        Element::F16 => 10,
        Element::F64 => 11,
    }
}

/// Numbers between -1 and 1, the same for the same name (xorshift64).
fn noise(seed: &str, count: usize) -> Vec<f32> {
    let mut state = seed
        .bytes()
        .fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}
