//! The stages of Framefleet, one line each.
use framefleet_stage::{Registry, RegistryError};

/// All stages. (Ingest, which opens sources, is built in and not one of them.)
pub fn stages() -> Result<Registry, RegistryError> {
    Registry::new().with::<assemble::Assemble>()?.with::<lighting::LightingStage>()?.with::<motion::MotionStage>()
}
