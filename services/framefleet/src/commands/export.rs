//! `framefleet export`
mod leftovers;

use crate::args::ExportArguments;
use crate::commands::jobs::block_on;
use crate::failure::Failure;
use framefleet_export::{Exported, Request};
use framefleet_job::SourcePictures;
use framefleet_ledger::{Ledger, Output};
use framefleet_service::Exit;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Writes the results of an output in another format.
pub fn run(arguments: &ExportArguments) -> Result<Exit, Failure> {
    let folder = arguments.folder.clone().unwrap_or_else(|| default_folder(arguments));
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::usage(format!("{} cannot be made: {error}", folder.display())))?;
    let exported = block_on(export(arguments, &folder))?;
    leftovers::remove(&folder, arguments.to.name(), &exported)?;
    if arguments.json {
        let document = json!({
            "format": arguments.to.name(), "step": exported.step, "frames": exported.frames, "files": exported.files,
        });
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        let files = exported.files.len();
        println!("step {}: {} frames, {files} files in {}", exported.step, exported.frames, folder.display());
    }
    Ok(Exit::Done)
}

async fn export(arguments: &ExportArguments, folder: &Path) -> Result<Exported, Failure> {
    let ledger = Ledger::read(Output::parse(&arguments.output)?).await?;
    let mut pictures = SourcePictures::open(&ledger).await?;
    let request = Request {
        format: arguments.to,
        step: arguments.step.as_deref(),
        folder,
        every: arguments.every,
        context: arguments.context,
    };
    framefleet_export::export(&ledger, &request, &mut pictures).await.map_err(Failure::failed)
}

/// `films.framefleet` as COCO becomes `films.coco-keypoints`, here.
fn default_folder(arguments: &ExportArguments) -> PathBuf {
    let name = arguments.output.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let stem = name.strip_suffix(".framefleet").unwrap_or(name);
    PathBuf::from(format!("{stem}.{}", arguments.to))
}
