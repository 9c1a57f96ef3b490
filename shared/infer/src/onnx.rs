//! A session of ONNX Runtime: runs on the caller's tensors, or on buffers that are bound once.
use crate::InferError;
use crate::device::Device;
use crate::loaded_model::{LoadedModel, Take};
use crate::profile::Profile;
use crate::spec::{Dim, TensorSpec, micro_batch};
use crate::tensor::{TensorView, TensorViewMut};
use crate::trouble::DeviceState;
use crate::values::{borrowed, element, specs, view_mut, views, zero};
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session, SessionInputValue};
use ort::value::DynTensor;
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A session, and what it reuses from run to run.
pub(crate) struct OnnxSession {
    model: String,
    device: Device,
    state: Arc<DeviceState>,
    session: Session,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    batch: usize,
    bound: Option<Bound>,
    profiling: Option<TempDir>,
    profile: Option<Profile>,
    runs: u64,
    bytes: u64,
}

/// Tensors that stay where they are, and the binding that knows them.
struct Bound {
    inputs: Vec<DynTensor>,
    binding: IoBinding,
    /// Outputs whose shape is not known beforehand; bound anew for every run, since a binding keeps the tensor of the last one.
    open: Vec<String>,
}

impl OnnxSession {
    /// `batch` is the size of an open first axis in buffers. With a folder for it, the first run is profiled.
    pub fn new(
        model: &str,
        device: Device,
        state: Arc<DeviceState>,
        session: Session,
        batch: Option<usize>,
        profiling: Option<TempDir>,
    ) -> Result<Self, InferError> {
        let inputs = specs(model, session.inputs())?;
        let outputs = specs(model, session.outputs())?;
        let batch = micro_batch(&inputs, batch);
        let mut new = Self {
            model: model.to_owned(),
            device,
            state,
            session,
            inputs,
            outputs,
            batch,
            bound: None,
            profiling,
            profile: None,
            runs: 0,
            bytes: 0,
        };
        new.measure();
        Ok(new)
    }

    /// Ends profiling after the first run, and reads what it saw. Measures memory now and then: the arena grows in the first run, and
    /// later only with larger shapes.
    fn after_run(&mut self) {
        self.runs += 1;
        if let Some(folder) = self.profiling.take() {
            self.profile = self
                .session
                .end_profiling()
                .map_err(|error| error.to_string())
                .and_then(|file| Profile::read(Path::new(&file)))
                .map_err(|reason| tracing::warn!(model = self.model, reason, "no profile of the first run"))
                .ok();
            drop(folder);
        }
        if self.runs.is_power_of_two() {
            self.measure();
        }
    }

    /// What the session's arena has taken from the system, and the bound inputs.
    fn measure(&mut self) {
        let buffers = self
            .bound
            .iter()
            .flat_map(|bound| &bound.inputs)
            .filter_map(|tensor| tensor.data_type().byte_size(tensor.shape().num_elements()));
        let buffers: usize = buffers.sum();
        self.bytes = arena_bytes(&self.session, self.device).unwrap_or(0) + buffers as u64;
    }

    fn bind(&mut self) -> Result<(), InferError> {
        if self.bound.is_some() {
            return Ok(());
        }
        let failed = |error: ort::Error| self.state.run_error(&self.model, self.device, self.batch, &error);
        let allocator = input_allocator(&self.session, self.device);
        let mut binding = self.session.create_binding().map_err(failed)?;
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for spec in &self.inputs {
            let shape = spec.planned(self.batch).ok_or_else(|| InferError::OpenShape {
                model: self.model.clone(),
                input: spec.name.clone(),
                shape: spec.shape_text(),
            })?;
            let mut tensor = DynTensor::new(&allocator, element(spec.element), shape).map_err(failed)?;
            zero(&mut tensor).map_err(failed)?;
            binding.bind_input(&spec.name, &tensor).map_err(failed)?;
            inputs.push(tensor);
        }
        let mut open = Vec::new();
        for spec in &self.outputs {
            let fixed: Option<Vec<usize>> =
                spec.shape.iter().map(|dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None }).collect();
            match fixed {
                Some(shape) => {
                    let tensor = DynTensor::new(&Allocator::default(), element(spec.element), shape).map_err(failed)?;
                    binding.bind_output(&spec.name, tensor).map_err(failed)?;
                }
                None => open.push(spec.name.clone()),
            }
        }
        self.bound = Some(Bound { inputs, binding, open });
        self.measure();
        Ok(())
    }
}

impl LoadedModel for OnnxSession {
    fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    fn run(&mut self, inputs: &[TensorView<'_>], take: &mut Take<'_>) -> Result<(), InferError> {
        let copies: Vec<_> = inputs.iter().map(|input| (!input.is_contiguous()).then(|| input.to_tensor())).collect();
        let mut values: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for ((spec, input), copy) in self.inputs.iter().zip(inputs).zip(&copies) {
            let view = match copy {
                Some(copy) => copy.view(),
                None => input.reborrow(),
            };
            let value =
                borrowed(view).map_err(|error| self.state.run_error(&self.model, self.device, self.batch, &error))?;
            values.push((Cow::Owned(spec.name.clone()), value));
        }
        let failed = |error: ort::Error| self.state.run_error(&self.model, self.device, self.batch, &error);
        let outputs = self.session.run(values).map_err(failed)?;
        let result = take(&views(&self.outputs, &outputs).map_err(failed)?);
        drop(outputs);
        self.after_run();
        result
    }

    fn buffers(&mut self) -> Result<Vec<TensorViewMut<'_>>, InferError> {
        self.bind()?;
        let failed = |error: ort::Error| self.state.run_error(&self.model, self.device, self.batch, &error);
        let inputs = self.bound.iter_mut().flat_map(|bound| &mut bound.inputs);
        inputs.map(|tensor| view_mut(tensor).map_err(failed)).collect()
    }

    fn run_buffers(&mut self, take: &mut Take<'_>) -> Result<(), InferError> {
        self.bind()?;
        let failed = |error: ort::Error| self.state.run_error(&self.model, self.device, self.batch, &error);
        let Some(bound) = &mut self.bound else { return Ok(()) };
        let host =
            MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput).map_err(failed)?;
        for name in &bound.open {
            bound.binding.bind_output_to_device(name, &host).map_err(failed)?;
        }
        if self.device != Device::Cpu {
            // Binding is what copies to a GPU.
            for (spec, tensor) in self.inputs.iter().zip(&bound.inputs) {
                bound.binding.bind_input(&spec.name, tensor).map_err(failed)?;
            }
        }
        let outputs = self.session.run_binding(&bound.binding).map_err(failed)?;
        let result = take(&views(&self.outputs, &outputs).map_err(failed)?);
        drop(outputs);
        self.after_run();
        result
    }

    fn profile(&mut self) -> Option<Profile> {
        self.profile.take()
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Page-locked memory for a GPU, ordinary memory else.
fn input_allocator(session: &Session, device: Device) -> Allocator {
    let Device::Cuda(number) = device else { return Allocator::default() };
    let pinned =
        MemoryInfo::new(AllocationDevice::CUDA_PINNED, number as i32, AllocatorType::Device, MemoryType::CPUInput);
    pinned.and_then(|info| Allocator::new(session, info)).unwrap_or_default()
}

/// Bytes that the session's arena on its device has taken from the system; `None` if there is none.
fn arena_bytes(session: &Session, device: Device) -> Option<u64> {
    use ort::AsPointer;
    let (kind, number) = match device {
        Device::Cpu => (AllocationDevice::CPU, 0),
        Device::Cuda(number) => (AllocationDevice::CUDA, number as i32),
    };
    let info = MemoryInfo::new(kind, number, AllocatorType::Device, MemoryType::Default).ok()?;
    let allocator = Allocator::new(session, info).ok()?;
    let mut pairs = std::ptr::null_mut();
    // SAFETY: the allocator lives; on success `pairs` is ours to release, and its values live as long as it does.
    unsafe {
        let status = (ort::api().AllocatorGetStats)(allocator.ptr(), &mut pairs);
        ort::Error::result_from_status(status).ok()?;
        let value = (ort::api().GetKeyValue)(pairs, c"TotalAllocated".as_ptr());
        let bytes = if value.is_null() { None } else { std::ffi::CStr::from_ptr(value).to_str().ok()?.parse().ok() };
        (ort::api().ReleaseKeyValuePairs)(pairs);
        bytes
    }
}
