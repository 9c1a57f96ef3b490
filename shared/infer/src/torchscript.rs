//! A TorchScript module by libtorch: the second backend, behind the feature `torch`. A module does not say what it takes, so its user does.
use crate::InferError;
use crate::device::Device;
use crate::loaded_model::{LoadedModel, Take};
use crate::options::{Model, SessionOptions};
use crate::profile::Profile;
use crate::spec::{TensorSpec, micro_batch};
use crate::tensor::{Element, ElementType, Tensor, TensorView, TensorViewMut, each};
use half::f16;
use tch::{CModule, IValue, Kind};

/// What a module takes and gives, in the order of its arguments and of its result's parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Arguments of `forward`.
    pub inputs: Vec<TensorSpec>,
    /// Its result: one tensor, or a tuple of them.
    pub outputs: Vec<TensorSpec>,
}

pub(crate) struct TorchScript {
    model: String,
    module: CModule,
    device: tch::Device,
    signature: Signature,
    batch: usize,
    buffers: Vec<Tensor>,
    bytes: u64,
}

impl TorchScript {
    /// Loads the module onto the device. libtorch's threads are the process's: the last module loaded sets their number.
    pub fn open(
        model: &Model,
        device: Device,
        signature: &Signature,
        options: &SessionOptions,
    ) -> Result<Self, InferError> {
        let device = match device {
            Device::Cpu => tch::Device::Cpu,
            Device::Cuda(number) if tch::Cuda::is_available() => tch::Device::Cuda(number as usize),
            Device::Cuda(number) => {
                let found = "this libtorch has no CUDA".to_owned();
                return Err(InferError::Device { asked: format!("cuda:{number}"), found });
            }
        };
        tch::set_num_threads(i32::try_from(options.threads).unwrap_or(i32::MAX));
        let failed = |error: tch::TchError| InferError::Load { model: model.name.clone(), reason: error.to_string() };
        let mut module = CModule::load_on_device(&model.path, device).map_err(failed)?;
        module.f_set_eval().map_err(failed)?;
        let weights = module.named_parameters().map_err(failed)?;
        let bytes = weights.iter().map(|(_, weight)| weight.numel() * weight.kind().elt_size_in_bytes()).sum::<usize>();
        Ok(Self {
            model: model.name.clone(),
            module,
            device,
            signature: signature.clone(),
            batch: micro_batch(&signature.inputs, options.micro_batch),
            buffers: Vec::new(),
            bytes: bytes as u64,
        })
    }

    fn forward(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>, InferError> {
        let failed = |reason: String| InferError::Run { model: self.model.clone(), reason };
        let _no_gradients = tch::no_grad_guard();
        let inputs: Result<Vec<IValue>, _> = inputs.iter().map(|input| self.given(input).map(IValue::Tensor)).collect();
        let result = self
            .module
            .forward_is(&inputs.map_err(|error| failed(error.to_string()))?)
            .map_err(|error| failed(error.to_string()))?;
        let parts = match result {
            IValue::Tensor(tensor) => vec![tensor],
            IValue::Tuple(parts) => {
                let tensor = |part| if let IValue::Tensor(tensor) = part { Some(tensor) } else { None };
                parts
                    .into_iter()
                    .map(tensor)
                    .collect::<Option<_>>()
                    .ok_or_else(|| failed("a part is no tensor".to_owned()))?
            }
            _ => return Err(failed("forward gives neither a tensor nor a tuple of tensors".to_owned())),
        };
        let wanted = self.signature.outputs.len();
        if parts.len() != wanted {
            return Err(failed(format!("forward gives {} tensors, the signature says {wanted}", parts.len())));
        }
        parts.iter().zip(&self.signature.outputs).map(|(part, spec)| self.taken(part, spec)).collect()
    }

    fn given(&self, view: &TensorView<'_>) -> Result<tch::Tensor, tch::TchError> {
        let shape: Vec<i64> = view.shape().iter().map(|size| *size as i64).collect();
        let tensor = each!(view, TensorView, array => {
            let packed = array.as_standard_layout();
            tch::Tensor::f_from_slice(packed.as_slice().unwrap_or_default())?
        });
        tensor.f_reshape(&shape)?.f_to_device(self.device)
    }

    fn taken(&self, tensor: &tch::Tensor, spec: &TensorSpec) -> Result<Tensor, InferError> {
        let found = match tensor.kind() {
            Kind::Float => ElementType::F32,
            Kind::Half => ElementType::F16,
            Kind::Uint8 => ElementType::U8,
            Kind::Int => ElementType::I32,
            Kind::Int64 => ElementType::I64,
            other => {
                return Err(InferError::Unsupported {
                    model: self.model.clone(),
                    tensor: spec.name.clone(),
                    found: format!("{other:?}"),
                    supported: ElementType::NAMES.to_owned(),
                });
            }
        };
        if found != spec.element {
            let (model, tensor) = (self.model.clone(), format!("output {}", spec.name));
            return Err(InferError::Type { model, tensor, wanted: spec.element, got: found });
        }
        let copied = match found {
            ElementType::F32 => copy::<f32>(tensor),
            ElementType::F16 => copy::<f16>(tensor),
            ElementType::U8 => copy::<u8>(tensor),
            ElementType::I32 => copy::<i32>(tensor),
            ElementType::I64 => copy::<i64>(tensor),
        };
        copied.map_err(|error| InferError::Run { model: self.model.clone(), reason: error.to_string() })
    }

    fn take(outputs: &[Tensor], take: &mut Take<'_>) -> Result<(), InferError> {
        take(&outputs.iter().map(Tensor::view).collect::<Vec<_>>())
    }
}

fn copy<T: Element + tch::kind::Element>(tensor: &tch::Tensor) -> Result<Tensor, tch::TchError> {
    let packed = tensor.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
    let shape: Vec<usize> = packed.size().iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect();
    let mut array = ndarray::ArrayD::<T>::default(shape);
    let count = array.len();
    if let Some(numbers) = array.as_slice_mut() {
        packed.f_copy_data(numbers, count)?;
    }
    Ok(T::view(array.view()).to_tensor())
}

impl LoadedModel for TorchScript {
    fn inputs(&self) -> &[TensorSpec] {
        &self.signature.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.signature.outputs
    }

    fn run(&mut self, inputs: &[TensorView<'_>], take: &mut Take<'_>) -> Result<(), InferError> {
        Self::take(&self.forward(inputs)?, take)
    }

    fn buffers(&mut self) -> Result<Vec<TensorViewMut<'_>>, InferError> {
        if self.buffers.is_empty() {
            for spec in &self.signature.inputs {
                let shape = spec.planned(self.batch).ok_or_else(|| InferError::OpenShape {
                    model: self.model.clone(),
                    input: spec.name.clone(),
                    shape: spec.shape_text(),
                })?;
                self.bytes += (shape.iter().product::<usize>() * spec.element.bytes()) as u64;
                self.buffers.push(Tensor::zeros(spec.element, &shape));
            }
        }
        Ok(self.buffers.iter_mut().map(Tensor::view_mut).collect())
    }

    fn run_buffers(&mut self, take: &mut Take<'_>) -> Result<(), InferError> {
        self.buffers()?;
        let inputs: Vec<TensorView<'_>> = self.buffers.iter().map(Tensor::view).collect();
        Self::take(&self.forward(&inputs)?, take)
    }

    fn profile(&mut self) -> Option<Profile> {
        None
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}
