//! The stages of Framefleet, one line each.
use framefleet_stage::{Registry, RegistryError};

/// All stages. (Ingest, which opens sources, is built in and not one of them.)
pub fn stages() -> Result<Registry, RegistryError> {
    let registry = Registry::new();
    let registry = registry.with::<assemble::Assemble>()?;
    let registry = registry.with::<face_clustering::FaceClustering>()?;
    let registry = registry.with::<composite::Composite>()?;
    let registry = registry.with::<inpainting::Inpainting>()?;
    let registry = registry.with::<lighting::LightingStage>()?;
    let registry = registry.with::<motion::MotionStage>()?;
    let registry = registry.with::<pose::PoseStage>()?;
    let registry = registry.with::<segmentation::SegmentationStage>()?;
    let registry = registry.with::<sync::SyncStage>()?;
    Ok(registry)
}
