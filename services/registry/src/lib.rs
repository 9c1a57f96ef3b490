//! The stages of Framefleet, one line each.
use framefleet_stage::{Registry, RegistryError};

/// All stages. (Ingest, which opens sources, is built in and not one of them.)
pub fn stages() -> Result<Registry, RegistryError> {
    let registry = Registry::new();
    let registry = registry.with::<assemble::AssembleStage>()?;
    let registry = registry.with::<categorizer::CategorizerStage>()?;
    let registry = registry.with::<composite::CompositeStage>()?;
    let registry = registry.with::<face_clustering::FaceClusteringStage>()?;
    let registry = registry.with::<inpainting::InpaintingStage>()?;
    let registry = registry.with::<lighting::LightingStage>()?;
    let registry = registry.with::<motion::MotionStage>()?;
    let registry = registry.with::<pose::PoseStage>()?;
    let registry = registry.with::<segmentation::SegmentationStage>()?;
    let registry = registry.with::<subjects::SubjectsStage>()?;
    let registry = registry.with::<sync::SyncStage>()?;
    Ok(registry)
}
