//! The two models.
use crate::{PictureError, Preprocessing, Tokenizer};
use framefleet_infer::{Dim, ElementType, InferError, Session, TensorSpec};
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayView3, Axis};

/// A vector that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// The model fails.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// The picture cannot be prepared.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A model that is no such tower.
    #[error("model {model} is not CLIP's {tower} tower: it takes {found}, expected is {expected}")]
    Tower {
        /// Name of the model.
        model: String,
        /// `image` or `text`.
        tower: &'static str,
        /// What it takes or gives.
        found: String,
        /// What a tower takes or gives.
        expected: &'static str,
    },
}

/// An open CLIP model.
#[derive(Debug)]
pub struct Clip {
    image: Tower,
    text: Tower,
    preprocessing: Preprocessing,
    tokenizer: Tokenizer,
    context: usize,
}

#[derive(Debug)]
struct Tower {
    session: Session,
    input: String,
    output: String,
    size: usize,
}

impl Clip {
    /// Puts the towers together. The image tower takes `[n, 3, side, side]` in f32, the text tower `[n, length]` in i64; each gives `[n, d]`.
    pub fn new(image: Session, text: Session, tokenizer: Tokenizer) -> Result<Self, ClipError> {
        let (image, shape) = Tower::new(image, "image", ElementType::F32, 4, "f32 [n, 3, side, side] → f32 [n, d]")?;
        let (text, text_shape) = Tower::new(text, "text", ElementType::I64, 2, "i64 [n, length] → f32 [n, d]")?;
        let side = shape.last().copied().unwrap_or_default();
        let context = text_shape.last().copied().unwrap_or_default();
        Ok(Self { image, text, preprocessing: Preprocessing::new(side), tokenizer, context })
    }

    /// One row of unit length for each picture (height × width × RGB).
    pub fn images(&self, pictures: &[ArrayView3<'_, u8>]) -> Result<Array2<f32>, ClipError> {
        self.image.embed(pictures.len(), |item, inputs| {
            let prepared = self.preprocessing.apply(pictures[item])?;
            inputs.input::<f32>(&self.image.input)?.assign(&prepared);
            Ok(())
        })
    }

    /// One row of unit length for each text.
    pub fn texts(&self, texts: &[&str]) -> Result<Array2<f32>, ClipError> {
        self.text.embed(texts.len(), |item, inputs| {
            let tokens = self.tokenizer.encode_padded(texts[item], self.context);
            inputs.input::<i64>(&self.text.input)?.assign(&ArrayView1::from(&tokens));
            Ok(())
        })
    }
}

impl Tower {
    /// Checks what a tower takes and gives; also returns the sizes of its input, 0 where open.
    fn new(
        session: Session,
        tower: &'static str,
        element: ElementType,
        rank: usize,
        expected: &'static str,
    ) -> Result<(Self, Vec<usize>), ClipError> {
        let (inputs, outputs) = (session.inputs()?, session.outputs()?);
        let size = |dim: &Dim| if let Dim::Fixed(size) = dim { *size } else { 0 };
        let input =
            inputs.first().filter(|spec| inputs.len() == 1 && spec.element == element && spec.shape.len() == rank);
        let output = outputs.iter().find(|spec| spec.element == ElementType::F32 && spec.shape.len() == 2);
        let shape: Vec<usize> = input.iter().flat_map(|spec| spec.shape.iter().map(size)).collect();
        let sizes_known = shape.iter().skip(1).all(|size| *size > 0);
        let square = rank == 2 || (shape.get(1) == Some(&3) && shape.get(2) == shape.get(3));
        match (input, output) {
            (Some(input), Some(output)) if sizes_known && square => {
                let size = output.shape.last().map_or(0, size);
                let (input, output) = (input.name.clone(), output.name.clone());
                Ok((Self { session, input, output, size }, shape))
            }
            _ => {
                let text =
                    |specs: &[TensorSpec]| specs.iter().map(TensorSpec::to_string).collect::<Vec<_>>().join("; ");
                let found = format!("{} → {}", text(&inputs), text(&outputs));
                Err(ClipError::Tower { model: session.name().to_owned(), tower, found, expected })
            }
        }
    }

    fn embed(
        &self,
        items: usize,
        fill: impl FnMut(usize, &mut framefleet_infer::ItemInputs<'_, '_>) -> Result<(), ClipError>,
    ) -> Result<Array2<f32>, ClipError> {
        let mut rows = Array2::zeros((items, self.size));
        self.session.run_batches(items, &[], fill, |item, outputs| {
            let row = outputs.output::<f32>(&self.output)?;
            let row: Vec<f32> = row.iter().copied().collect();
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            if rows.ncols() != row.len() {
                rows = Array2::zeros((items, row.len()));
            }
            let unit = ArrayView1::from(&row).mapv(|value| value / length.max(f32::MIN_POSITIVE));
            rows.index_axis_mut(Axis(0), item).assign(&unit);
            Ok::<_, ClipError>(())
        })?;
        Ok(rows)
    }
}

/// Cosine of every row of one with every row of the other; rows are of unit length.
pub fn cosine(one: ArrayView2<'_, f32>, other: ArrayView2<'_, f32>) -> Array2<f32> {
    one.dot(&other.t())
}
