//! What image and text towers have in common: a session that gives a vector for each item.
use crate::ClipError;
use framefleet_infer::{Dim, ElementType, ItemInputs, Session, TensorSpec};
use ndarray::Array2;

/// The input that says which tokens are text.
pub(crate) const MASK: &str = "attention_mask";

/// One of the two towers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// Pictures.
    Image,
    /// Texts.
    Text,
}

/// A session, and which of its tensors are the tower's. A graph may be both towers at once; the inputs of the other one then stay 0.
#[derive(Debug)]
pub(crate) struct Tower {
    session: Session,
    input: String,
    /// Sizes of the input behind the first axis.
    sizes: Vec<usize>,
    masked: bool,
    output: String,
}

impl Half {
    fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Text => "text",
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Image => "f32 [N, 3, side, side] → image_embeds or pooler_output f32 [N, D]",
            Self::Text => "i64 [N, length], perhaps attention_mask → text_embeds or pooler_output f32 [N, D]",
        }
    }

    fn owns(self, input: &TensorSpec) -> bool {
        match self {
            Self::Image => input.element == ElementType::F32 && input.shape.len() == 4,
            Self::Text => input.element == ElementType::I64 && input.shape.len() == 2 && input.name != MASK,
        }
    }

    /// The output with the vectors: by the names of exports, else the only one that it can be.
    fn output(self, outputs: &[TensorSpec]) -> Option<&TensorSpec> {
        let own = if self == Self::Image { "image_embeds" } else { "text_embeds" };
        let vectors = || outputs.iter().filter(|output| output.element == ElementType::F32 && output.shape.len() == 2);
        let named = |name: &str| vectors().find(|output| output.name == name);
        let only = || if vectors().count() == 1 { vectors().next() } else { None };
        named(own).or_else(|| named("pooler_output")).or_else(only)
    }
}

impl Tower {
    /// Finds the tower's tensors.
    pub(crate) fn new(session: Session, half: Half) -> Result<Self, ClipError> {
        let (inputs, outputs) = (session.inputs()?, session.outputs()?);
        let mask = |input: &TensorSpec| input.name == MASK && input.element == ElementType::I64;
        let known = inputs.iter().all(|input| Half::Image.owns(input) || Half::Text.owns(input) || mask(input));
        let mut own = inputs.iter().filter(|input| half.owns(input));
        let (Some(input), None, Some(output), true) = (own.next(), own.next(), half.output(&outputs), known) else {
            return Err(wrong(&session, half, &inputs, &outputs));
        };
        let sizes = input.shape.iter().skip(1).map(|dim| match dim {
            Dim::Fixed(size) => Ok(*size),
            Dim::Open(_) => Err(ClipError::Open {
                model: session.name().to_owned(),
                input: input.to_string(),
                axis: dim.to_string(),
            }),
        });
        let sizes = sizes.collect::<Result<Vec<_>, _>>()?;
        if half == Half::Image && (sizes[0] != 3 || sizes[1] != sizes[2]) {
            return Err(wrong(&session, half, &inputs, &outputs));
        }
        let (input, output) = (input.name.clone(), output.name.clone());
        let masked = inputs.iter().any(mask);
        Ok(Self { session, input, sizes, masked, output })
    }

    /// The name of its model.
    pub(crate) fn model(&self) -> &str {
        self.session.name()
    }

    /// The name of its input.
    pub(crate) fn input(&self) -> &str {
        &self.input
    }

    /// The last size of its input: the side of a picture, the length of a text.
    pub(crate) fn size(&self) -> usize {
        self.sizes.last().copied().unwrap_or_default()
    }

    /// Whether it has an input [`MASK`].
    pub(crate) fn is_masked(&self) -> bool {
        self.masked
    }

    /// A row of unit length for each item, whose inputs `fill` writes.
    pub(crate) fn embed(
        &self,
        items: usize,
        fill: impl FnMut(usize, &mut ItemInputs<'_, '_>) -> Result<(), ClipError>,
    ) -> Result<Array2<f32>, ClipError> {
        let mut rows = Vec::new();
        self.session.run_batches(items, &[], fill, |item, outputs| {
            let row = outputs.output::<f32>(&self.output)?;
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            if !length.is_finite() || length == 0.0 {
                return Err(ClipError::Vector { model: self.model().to_owned(), item, length });
            }
            rows.extend(row.iter().map(|value| value / length));
            Ok(())
        })?;
        let width = rows.len().checked_div(items).unwrap_or_default();
        Ok(Array2::from_shape_vec((items, width), rows)?)
    }
}

fn wrong(session: &Session, half: Half, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> ClipError {
    let list = |specs: &[TensorSpec]| specs.iter().map(TensorSpec::to_string).collect::<Vec<_>>().join("; ");
    ClipError::Tower {
        model: session.name().to_owned(),
        tower: half.name(),
        found: format!("{} → {}", list(inputs), list(outputs)),
        expected: half.expected(),
    }
}
