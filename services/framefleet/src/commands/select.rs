//! `framefleet select`
use crate::args::SelectArguments;
use crate::commands::jobs::block_on;
use crate::failure::Failure;
use framefleet_job::SourcePictures;
use framefleet_ledger::{Ledger, Output, layout};
use framefleet_selection::{Criteria, Selection, SelectionError, choose, contact_sheet};
use framefleet_service::Exit;
use serde_json::json;

/// Chooses people and frames of an output.
pub fn run(arguments: &SelectArguments) -> Result<Exit, Failure> {
    let criteria = criteria(arguments);
    if criteria.is_empty() {
        return Err(Failure::usage(
            "nothing to choose by: give --identity, --min-size, --one-per-shot, --max-similar or --sharpest",
        ));
    }
    let (selection, files) = block_on(select(arguments, &criteria))?;
    let (frames, objects) = (selection.frames().len(), selection.object_count());
    if arguments.json {
        let document = json!({"name": selection.name(), "frames": frames, "objects": objects, "files": files});
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        println!("selection {}: {objects} pictures of people and things in {frames} frames", selection.name());
        files.iter().for_each(|file| println!("  {file}"));
        println!("framefleet export {} --select={} --to … takes it", arguments.output, selection.name());
    }
    Ok(Exit::Done)
}

fn criteria(arguments: &SelectArguments) -> Criteria {
    Criteria {
        identities: arguments.identity.clone(),
        min_size: arguments.min_size,
        one_per_shot: arguments.one_per_shot,
        max_similar: arguments.max_similar,
        sharpest: arguments.sharpest,
    }
}

/// Makes the selection and its contact sheet; their paths in the output.
async fn select(arguments: &SelectArguments, criteria: &Criteria) -> Result<(Selection, Vec<String>), Failure> {
    let ledger = Ledger::read(Output::parse(&arguments.output)?).await?;
    let mut pictures = SourcePictures::open(&ledger).await?;
    let selection = choose(&ledger, &arguments.name, criteria, &mut pictures).await.map_err(failure)?;
    let mut files = vec![selection.write(ledger.store()).await.map_err(failure)?];
    if !arguments.no_sheet {
        let manifests = ledger.manifests().await?;
        let sheet = contact_sheet(&selection, &manifests, &mut pictures).map_err(failure)?;
        let path = layout::selection(selection.name(), "jpg");
        ledger.store().write(&path, sheet.into()).await?;
        files.push(path);
    }
    Ok((selection, files))
}

fn failure(error: SelectionError) -> Failure {
    match error {
        SelectionError::Name(_) | SelectionError::Unknown { .. } => Failure::usage(error),
        error => Failure::failed(error),
    }
}
