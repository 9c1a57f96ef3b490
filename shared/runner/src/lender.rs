//! What a machine lends to the stages it runs.
use framefleet_proto::v1::TaskModel;
use framefleet_stage::{Host, SetupError};

/// Lends a stage the devices and caches of this machine, with the networks that its task names.
pub trait Lender: Send + Sync {
    /// The host of a stage that may open these networks. The error says what is missing here, and what mends it.
    fn host(&self, models: &[TaskModel]) -> Result<Host, SetupError>;

    /// Seconds that runs of the calling thread occupied devices beside the processor so far.
    fn device_seconds(&self) -> f64 {
        0.0
    }
}

/// A machine without networks.
impl Lender for Host {
    fn host(&self, models: &[TaskModel]) -> Result<Host, SetupError> {
        match models {
            [] => Ok(self.clone()),
            [model, ..] => Err(SetupError(format!("this worker runs no networks, and the task names {}", model.id))),
        }
    }
}
