//! The program with the stages of the tests besides its own: fleets of real processes run them.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "stages of tests may stop at the first surprise")]

#[path = "../fleet/caption.rs"]
mod caption;
#[path = "../fleet/cover.rs"]
mod cover;
#[path = "../fleet/portraits.rs"]
mod portraits;
#[path = "../fleet/resize.rs"]
mod resize;
#[path = "../fleet/stages.rs"]
mod stages;
#[path = "../fleet/work.rs"]
mod work;

use framefleet_stage::{Registry, RegistryError};
use std::process::ExitCode;

fn main() -> ExitCode {
    framefleet::main_with(all_stages)
}

fn all_stages() -> Result<Registry, RegistryError> {
    registry::stages()?
        .with::<stages::Level>()?
        .with::<stages::Brighten>()?
        .with::<stages::Surround>()?
        .with::<stages::Normalise>()?
        .with::<stages::Fragile>()?
        .with::<work::Spin>()?
        .with::<work::Sleep>()?
        .with::<work::Leak>()?
        .with::<stages::Classify>()?
        .with::<caption::Caption>()?
        .with::<cover::Cover>()?
        .with::<portraits::Portraits>()?
        .with::<resize::Resize>()
}
