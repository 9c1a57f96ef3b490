//! What a failure of the runtime means: its interface has words only, no codes.
use crate::InferError;
use crate::device::Device;
use std::sync::OnceLock;

/// Said by allocators of the runtime, of CUDA, cuDNN and cuBLAS, and of C++.
const OUT_OF_MEMORY: [&str; 7] = [
    "Failed to allocate memory for requested buffer",
    "Available memory of",
    "out of memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "bad_alloc",
    "bad allocation",
];

/// Errors of CUDA after which nothing runs on the device in this process.
const DEVICE_LOST: [&str; 9] = [
    "an illegal memory access was encountered",
    "unspecified launch failure",
    "device-side assert triggered",
    "uncorrectable ECC error",
    "uncorrectable NVLink error",
    "the launch timed out",
    "no CUDA-capable device",
    "CUDA-capable devices are busy or unavailable",
    "GPU is lost",
];

/// Why a device is gone for good; empty while it is not. Shared by everything that an engine opened.
#[derive(Debug, Default)]
pub(crate) struct DeviceState(OnceLock<String>);

impl DeviceState {
    /// Why the device is gone.
    pub fn lost(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// The error that everything gets from now on, if the device is gone.
    pub fn check(&self, device: Device) -> Result<(), InferError> {
        match self.lost() {
            Some(reason) => Err(InferError::DeviceLost { device, reason: reason.to_owned() }),
            None => Ok(()),
        }
    }

    /// What the runtime's words mean for a model, if they are about memory or the device.
    pub fn judge(&self, model: &str, device: Device, micro_batch: usize, words: &str) -> Option<InferError> {
        let says = |known: &[&str]| known.iter().any(|part| words.contains(part));
        if device != Device::Cpu && says(&DEVICE_LOST) {
            let reason = self.0.get_or_init(|| words.to_owned()).clone();
            return Some(InferError::DeviceLost { device, reason });
        }
        let (model, reason) = (model.to_owned(), words.to_owned());
        says(&OUT_OF_MEMORY).then_some(InferError::OutOfMemory { model, device, micro_batch, reason })
    }

    /// A run that failed.
    pub fn run_error(&self, model: &str, device: Device, micro_batch: usize, error: &ort::Error) -> InferError {
        let words = error.to_string();
        self.judge(model, device, micro_batch, &words).unwrap_or_else(|| {
            let reason = match micro_batch {
                0 | 1 => words,
                items => format!(
                    "{words}; {items} items went through it together: if its file computes one at a time, `framefleet tune {model}` finds it out, \
                     and later jobs keep to it"
                ),
            };
            InferError::Run { model: model.to_owned(), reason }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_allocators_are_out_of_memory_and_leave_the_device_as_it_is() {
        let state = DeviceState::default();
        for words in [
            "Non-zero status code returned while running Conv node. bfc_arena.cc:359 Failed to allocate memory for requested buffer of size 9",
            "CUDA failure 2: out of memory ; GPU=0",
            "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED",
            "std::bad_alloc",
        ] {
            let found = state.judge("m", Device::Cuda(0), 8, words);
            assert!(matches!(found, Some(InferError::OutOfMemory { micro_batch: 8, .. })), "{words}");
        }
        assert!(state.check(Device::Cuda(0)).is_ok());
        assert!(state.judge("m", Device::Cuda(0), 8, "Got invalid dimensions for input: x").is_none());
    }

    #[test]
    fn a_device_that_is_gone_stays_gone() {
        let state = DeviceState::default();
        let words = "CUDA failure 700: an illegal memory access was encountered ; GPU=1";
        assert!(matches!(state.judge("m", Device::Cuda(1), 8, words), Some(InferError::DeviceLost { .. })));
        let Err(InferError::DeviceLost { device, reason }) = state.check(Device::Cuda(1)) else {
            panic!("it came back")
        };
        assert_eq!((device, reason.as_str()), (Device::Cuda(1), words));
        state.judge("m", Device::Cuda(1), 8, "unspecified launch failure");
        assert_eq!(state.lost(), Some(words), "the first reason is the cause");
        assert!(DeviceState::default().judge("m", Device::Cpu, 1, words).is_none(), "a processor is not lost");
    }
}
