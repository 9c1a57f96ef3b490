//! `framefleet export`
mod leftovers;

use crate::args::{ExportArguments, FormatArguments};
use crate::commands::jobs::block_on;
use crate::failure::Failure;
use framefleet_export::{Exported, Request, Settings, Splits};
use framefleet_job::SourcePictures;
use framefleet_ledger::{Ledger, Output};
use framefleet_selection::Selection;
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
    let steps = exported.steps.join(", ");
    if arguments.json {
        let document = json!({
            "format": arguments.to.name(), "steps": exported.steps, "frames": exported.frames, "objects": exported.objects,
            "left_out": exported.left_out, "files": exported.files, "kept": exported.kept,
        });
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        let (frames, files) = (exported.frames, exported.files.len());
        println!("{steps}: {frames} frames, {files} files written in {}", folder.display());
        if !exported.kept.is_empty() {
            println!("{} files were there already and stay", exported.kept.len());
        }
        if exported.left_out > 0 {
            println!(
                "{} people or things are left out: without a track or mask, {} cannot say them",
                exported.left_out, arguments.to
            );
        }
    }
    Ok(Exit::Done)
}

async fn export(arguments: &ExportArguments, folder: &Path) -> Result<Exported, Failure> {
    let ledger = Ledger::read(Output::parse(&arguments.output)?).await?;
    let selection = match arguments.select.as_deref() {
        None => None,
        Some(name) => {
            let name = Some(name).filter(|name| !name.is_empty());
            Some(Selection::read(ledger.store(), name).await.map_err(Failure::failed)?)
        }
    };
    let mut pictures = SourcePictures::open(&ledger).await?;
    let request = Request {
        format: arguments.to,
        steps: &arguments.step,
        folder,
        every: arguments.every,
        selection: selection.as_ref(),
        settings: &settings(&arguments.settings),
    };
    framefleet_export::export(&ledger, &request, &mut pictures).await.map_err(Failure::failed)
}

fn settings(of: &FormatArguments) -> Settings {
    Settings {
        context: of.context,
        frames: of.frames,
        images: of.images,
        yolo: of.task,
        splits: Splits { by: of.split_by, ..of.split.clone() },
        shard_frames: of.shard,
        repeats: of.repeats,
        caption: of.caption.clone(),
        crop: of.crop,
    }
}

/// `films.framefleet` as COCO becomes `films.coco`, here.
fn default_folder(arguments: &ExportArguments) -> PathBuf {
    let name = arguments.output.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let stem = name.strip_suffix(".framefleet").unwrap_or(name);
    PathBuf::from(format!("{stem}.{}", arguments.to))
}
