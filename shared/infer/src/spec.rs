//! What a model says about its inputs and outputs.
use crate::tensor::ElementType;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A dimension of an input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Dim {
    /// Of this size always.
    Fixed(usize),
    /// Open; its name in the model, empty if it has none.
    Open(String),
}

/// What a model says about an input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// Name in the model.
    pub name: String,
    /// Type of the numbers.
    pub element: ElementType,
    /// Dimensions by axis.
    pub shape: Vec<Dim>,
}

impl TensorSpec {
    /// Whether a tensor of this shape may go in.
    pub fn takes(&self, shape: &[usize]) -> bool {
        self.shape.len() == shape.len()
            && self.shape.iter().zip(shape).all(|(dim, size)| match dim {
                Dim::Fixed(fixed) => fixed == size,
                Dim::Open(_) => true,
            })
    }

    /// The shape in full, once an open first axis is a micro-batch of this size; `None` if others are open.
    pub fn planned(&self, batch: usize) -> Option<Vec<usize>> {
        let size = |(axis, dim): (usize, &Dim)| match dim {
            Dim::Fixed(size) => Some(*size),
            Dim::Open(_) if axis == 0 => Some(batch),
            Dim::Open(_) => None,
        };
        self.shape.iter().enumerate().map(size).collect()
    }

    /// `[N, 3, 16, 16]`
    pub fn shape_text(&self) -> String {
        let dims: Vec<String> = self.shape.iter().map(Dim::to_string).collect();
        format!("[{}]", dims.join(", "))
    }

    /// All of them in one line.
    pub(crate) fn list(specs: &[Self]) -> String {
        specs.iter().map(Self::to_string).collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(out, "{size}"),
            Self::Open(name) if name.is_empty() => out.write_str("?"),
            Self::Open(name) => out.write_str(name),
        }
    }
}

impl fmt::Display for TensorSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.name, self.element, self.shape_text())
    }
}

/// Items that a run takes: the first axis of the first input, where the model fixes it; else what was asked for, or one.
pub(crate) fn micro_batch(inputs: &[TensorSpec], asked: Option<usize>) -> usize {
    match inputs.first().and_then(|spec| spec.shape.first()) {
        Some(Dim::Fixed(size)) => (*size).max(1),
        Some(Dim::Open(_)) => asked.unwrap_or(1),
        None => 1,
    }
}
