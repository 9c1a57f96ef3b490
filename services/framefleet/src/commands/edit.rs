//! `framefleet edit`
mod pictures;
mod targets;

use crate::args::{EditArguments, EditVerb};
use crate::commands::jobs;
use crate::failure::Failure;
use framefleet_frames::Edit;
use framefleet_job::output::edits;
use framefleet_ledger::{Ledger, Manifest, Output};
use framefleet_service::Exit;
use framefleet_stage::Registry;
use pictures::StepPictures;
use serde_json::Map;
use targets::Known;

/// Notes a correction, lists them, or takes the last one back.
pub fn run(arguments: &EditArguments, registry: &Registry) -> Result<Exit, Failure> {
    jobs::block_on(async {
        let ledger = Ledger::read(Output::parse(&arguments.output)?).await?;
        let mut edits = edits::read(&ledger).await?;
        let manifest = step(&ledger, &arguments.step).await?;
        let mut pictures = StepPictures::new(&ledger, &manifest);
        match &arguments.verb {
            EditVerb::List => {
                edits.retain(|edit| edit.step == arguments.step);
                for edit in &edits {
                    println!("{}", edits::short_line(edit)?);
                }
                let now = pictures.resolve(&edits).await?;
                now.followed.iter().chain(&now.lost).for_each(|line| println!("{line}"));
                return Ok(Exit::Done);
            }
            EditVerb::Undo => {
                let last = edits.iter().rposition(|edit| edit.step == arguments.step);
                let last = last.ok_or_else(|| {
                    Failure::usage(format!("there are no corrections of {} to take back", arguments.step))
                })?;
                println!("taken back: {}", edits::short_line(&edits.remove(last))?);
            }
            verb => {
                let known = Known::read(&ledger, &arguments.step).await?;
                let verb = numbered(verb, &pictures).await?;
                let mut edit = edit(&arguments.step, &verb, &known)?;
                check_verb(&manifest, &edit.verb, registry)?;
                pictures.describe(&mut edit).await?;
                println!("noted: {}", edits::short_line(&edit)?);
                edits.push(edit);
            }
        }
        edits::write(&ledger, &edits).await?;
        println!(
            "run the job into {} again as before (framefleet run SOURCE --output {0} …): only the finish of {} and what \
             needs it is done anew",
            arguments.output, arguments.step
        );
        Ok(Exit::Done)
    })
}

/// A verb with its targets, those that are given by a picture's name by its number.
async fn numbered(verb: &EditVerb, pictures: &StepPictures<'_>) -> Result<EditVerb, Failure> {
    let mut verb = verb.clone();
    let targets = match &mut verb {
        EditVerb::Name { target, .. } => std::slice::from_mut(target),
        EditVerb::Merge { targets } | EditVerb::Split { targets } | EditVerb::Drop { targets } => targets,
        EditVerb::List | EditVerb::Undo => &mut [],
    };
    for target in targets {
        *target = pictures.numbered(target).await?;
    }
    Ok(verb)
}

/// What is known of a step of the output.
async fn step(ledger: &Ledger, name: &str) -> Result<Manifest, Failure> {
    let manifests = ledger.manifests().await?;
    let names: Vec<&str> = manifests.iter().map(|manifest| manifest.step.as_str()).collect();
    let found = manifests.iter().find(|manifest| manifest.step == name);
    found.cloned().ok_or_else(|| {
        Failure::usage(format!("the output has no results of a step \"{name}\", only of: {}", names.join(", ")))
    })
}

/// Refuses a verb that the step's stage does not obey.
fn check_verb(manifest: &Manifest, verb: &str, registry: &Registry) -> Result<(), Failure> {
    let known = registry.get(&manifest.stage)?.resolve(None, &Map::new())?.needs.edits;
    if known.contains(&verb) {
        return Ok(());
    }
    let takes = if known.is_empty() { "no corrections".to_owned() } else { format!("only: {}", known.join(", ")) };
    Err(Failure::usage(format!("stage {} takes {takes}", manifest.stage)))
}

/// The correction that a verb means.
fn edit(step: &str, verb: &EditVerb, known: &Known) -> Result<Edit, Failure> {
    let all = |targets: &[String]| targets.iter().map(|target| known.target(target)).collect::<Result<Vec<_>, _>>();
    let edit = |verb: &str| Edit { step: step.to_owned(), verb: verb.to_owned(), ..Edit::default() };
    Ok(match verb {
        EditVerb::Name { target, name } => {
            let name = name.trim();
            if name.is_empty() || name.parse::<u64>().is_ok() || name.contains(':') {
                return Err(Failure::usage(format!(
                    "\"{name}\" is no name: names are not empty, no numbers, and have no colon"
                )));
            }
            let target = known.target(target)?;
            let former = known.name_of(&target).filter(|former| former != name).unwrap_or_default();
            Edit { targets: vec![target], name: name.to_owned(), former, ..edit("name") }
        }
        EditVerb::Merge { targets } => Edit { targets: all(targets)?, ..edit("merge") },
        EditVerb::Drop { targets } => Edit { targets: all(targets)?, ..edit("drop") },
        EditVerb::Split { targets } => {
            let targets = targets.iter().map(|target| known.instance(target)).collect::<Result<Vec<_>, _>>()?;
            let from = known.rest_of(&targets)?;
            Edit { targets, from: Some(from), ..edit("split") }
        }
        EditVerb::List | EditVerb::Undo => edit(""),
    })
}
