//! `framefleet edit`
use crate::args::{EditArguments, EditVerb};
use crate::commands::jobs;
use crate::failure::Failure;
use framefleet_job::output::edits::{Correction, StepEdits, short_line};
use framefleet_ledger::Output;
use framefleet_service::Exit;
use framefleet_stage::Registry;

/// Notes a correction, lists them, or takes the last one back.
pub fn run(arguments: &EditArguments, registry: &Registry) -> Result<Exit, Failure> {
    jobs::block_on(async {
        let edits = StepEdits::open(Output::parse(&arguments.output)?, &arguments.step).await?;
        let correction = match arguments.verb.clone() {
            EditVerb::List => {
                let (edits, now) = edits.list().await?;
                for edit in &edits {
                    println!("{}", short_line(edit)?);
                }
                now.followed.iter().chain(&now.lost).for_each(|line| println!("{line}"));
                return Ok(Exit::Done);
            }
            EditVerb::Undo => None,
            EditVerb::Name { target, name } => Some(Correction::Name { target, name }),
            EditVerb::Merge { targets } => Some(Correction::Merge(targets)),
            EditVerb::Split { targets } => Some(Correction::Split(targets)),
            EditVerb::Drop { targets } => Some(Correction::Drop(targets)),
            EditVerb::Assign { category, targets } => Some(Correction::Assign { targets, category }),
            EditVerb::Keep { targets } => Some(Correction::Keep(targets)),
        };
        match correction {
            Some(correction) => println!("noted: {}", short_line(&edits.note(&correction, registry).await?)?),
            None => println!("taken back: {}", short_line(&edits.undo().await?)?),
        }
        println!(
            "run the job into {} again as before (framefleet run SOURCE --output {0} …): only the finish of {} and what \
             needs it is done anew",
            arguments.output, arguments.step
        );
        Ok(Exit::Done)
    })
}
