//! `framefleet run --dry-run`
use crate::failure::Failure;
use crate::terminal::printable;
use crate::{machine, terminal};
use bytesize::ByteSize;
use framefleet_folders::Changes;
use framefleet_job::{FolderChanges, Forecast, PreparedJob, describe_passes};
use framefleet_service::Exit;
use serde_json::json;

/// Says what a run would do.
pub async fn print(prepared: &PreparedJob, json: bool) -> Result<Exit, Failure> {
    let Forecast { plan, steps, folders } = prepared.forecast().await?;
    if json {
        terminal::print_json(
            "dry_run",
            &json!({
                "plan": plan.as_ref(), "steps": steps, "folders": folders, "refused": prepared.refused(),
                "left_out": prepared.left_out(),
            }),
        );
        return Ok(Exit::Done);
    }
    for (name, why) in prepared.refused() {
        println!("{}", printable(&format!("{name}: {why}")));
    }
    prepared.left_out().lines().iter().for_each(|line| println!("{}", printable(line)));
    for FolderChanges { item, changes } in &folders {
        let Changes { new, gone, renamed, replaced } = changes;
        println!("{item}: {new} pictures new, {gone} gone, {renamed} renamed, {replaced} replaced");
    }
    for step in &steps {
        println!(
            "{:<18} {:>9} frames to do {:>9} to reuse {:>9} to skip",
            step.step, step.to_do, step.reused, step.skipped
        );
    }
    describe_passes(&plan).iter().for_each(|line| println!("{line}"));
    let all = machine::total_memory().map(|all| format!(" of {}", ByteSize(all))).unwrap_or_default();
    for (step, model) in plan.steps.iter().flat_map(|step| step.models.iter().map(move |model| (step, model))) {
        let (class, precision) = (&model.mode.class, &model.mode.precision);
        let batches = match &model.one_by_one {
            Some(why) => format!("one item at a time ({why})"),
            None => format!("batches of {}", model.micro_batch),
        };
        println!(
            "model {} for {} of {}: {}, on {class}, {precision}, {batches}",
            model.id, model.role, step.name, model.licence
        );
    }
    println!("memory for frames: {}{all}", ByteSize(plan.memory.budget));
    Ok(Exit::Done)
}
