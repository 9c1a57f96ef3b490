//! What every backend does: ONNX Runtime in `onnx`, TorchScript in `torchscript`.
use crate::InferError;
use crate::profile::Profile;
use crate::spec::TensorSpec;
use crate::tensor::{TensorView, TensorViewMut};

/// Gets the outputs of a run, in the model's order, for as long as it looks.
pub(crate) type Take<'t> = dyn FnMut(&[TensorView<'_>]) -> Result<(), InferError> + 't;

/// A loaded model that one thread uses at a time.
pub(crate) trait LoadedModel: Send {
    /// What goes in.
    fn inputs(&self) -> &[TensorSpec];
    /// What comes out.
    fn outputs(&self) -> &[TensorSpec];
    /// Runs on tensors of the caller, in the model's order; nothing is copied on the CPU.
    fn run(&mut self, inputs: &[TensorView<'_>], take: &mut Take<'_>) -> Result<(), InferError>;
    /// Inputs of the planned shapes, allocated once, to be filled before [`LoadedModel::run_buffers`].
    fn buffers(&mut self) -> Result<Vec<TensorViewMut<'_>>, InferError>;
    /// Runs on the buffers.
    fn run_buffers(&mut self, take: &mut Take<'_>) -> Result<(), InferError>;
    /// What the first run executed; `None` before it, and after it was taken.
    fn profile(&mut self) -> Option<Profile>;
    /// Bytes that this session alone occupies: activations, buffers, and weights that are not shared.
    fn bytes(&self) -> u64;
}
