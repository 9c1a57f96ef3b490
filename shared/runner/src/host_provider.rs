//! What a machine provides to the stages it runs.
use framefleet_proto::v1::TaskModel;
use framefleet_stage::{Host, SetupError};

/// Provides a stage with the devices and caches of this machine, and with the models that its task names.
pub trait HostProvider: Send + Sync {
    /// The host of a stage that may open these models. The error says what is missing here, and how to fix it.
    fn host(&self, models: &[TaskModel]) -> Result<Host, SetupError>;

    /// Seconds that runs of the calling thread occupied devices beside the processor so far.
    fn device_seconds(&self) -> f64 {
        0.0
    }

    /// Why a device of this process failed for good, so that its tasks are for other workers; `None` while all is well.
    fn lost_device(&self) -> Option<String> {
        None
    }
}

/// A machine without models.
impl HostProvider for Host {
    fn host(&self, models: &[TaskModel]) -> Result<Host, SetupError> {
        match models {
            [] => Ok(self.clone()),
            [model, ..] => Err(SetupError(format!("this worker runs no models, and the task names {}", model.id))),
        }
    }
}
