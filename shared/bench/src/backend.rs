//! What models run by.
use crate::BenchError;
use framefleet_infer::{DeviceChoice, Provider};
use framefleet_service::ModelArguments;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A provider that models are to run by, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Backend(pub Provider);

impl Backend {
    /// How a machine runs models by it alone. On a GPU the number that was asked for stays.
    pub fn arguments(self, given: &ModelArguments) -> ModelArguments {
        let gpu = match given.device {
            DeviceChoice::Cuda(number) => number,
            DeviceChoice::Auto | DeviceChoice::Cpu => 0,
        };
        let device = if self.0 == Provider::Cpu { DeviceChoice::Cpu } else { DeviceChoice::Cuda(gpu) };
        ModelArguments { device, providers: vec![self.0], ..given.clone() }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for Backend {
    type Err = BenchError;
    fn from_str(text: &str) -> Result<Self, BenchError> {
        text.parse().map(Self).map_err(BenchError::Argument)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_the_only_provider_and_its_device() {
        let given = ModelArguments::of_environment().unwrap();
        let cuda = "cuda".parse::<Backend>().unwrap().arguments(&given);
        assert_eq!((cuda.device, cuda.providers), (DeviceChoice::Cuda(0), vec![Provider::Cuda]));
        let second = ModelArguments { device: DeviceChoice::Cuda(1), ..given.clone() };
        assert_eq!("tensorrt".parse::<Backend>().unwrap().arguments(&second).device, DeviceChoice::Cuda(1));
        assert_eq!("cpu".parse::<Backend>().unwrap().arguments(&second).device, DeviceChoice::Cpu);
        assert!("metal".parse::<Backend>().unwrap_err().to_string().contains("tensorrt, cuda or cpu"));
    }
}
