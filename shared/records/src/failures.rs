//! The list of frames that failed, with the command that does them again.
use crate::RecordsError;
use framefleet_frames::times::Times;
use framefleet_ledger::presence::{file_of, is_there};
use framefleet_ledger::{Ledger, Manifest, layout, task_key};
use framefleet_proto::v1::{FrameFailure, ItemFailure, TaskResult};
use futures::TryStreamExt;
use serde_json::json;

/// What did not work in an output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Lines of `failures.jsonl`.
    pub lines: u64,
    /// Items that a step's finish failed on: (item, step and why).
    pub items: Vec<(String, String)>,
}

/// Writes `failures.jsonl`: one line per failed frame with item, frame, file (of images), time (seconds), step, code, reason and the
/// command that replays it, and before them one per item of `unreadable` (name, why) that could not be read, or not to its end, and one
/// per item that a finish failed on; removes the file when there is none.
pub async fn write_failures(
    ledger: &Ledger,
    manifests: &[Manifest],
    unreadable: &[(String, String)],
) -> Result<Failures, RecordsError> {
    let replay = replay_command(ledger.output().url());
    let mut file = ledger.store().upload(layout::FAILURES).await?;
    for (item, reason) in unreadable {
        let record =
            json!({ "item": item, "step": "ingest", "code": "unreadable", "reason": reason, "replay": replay });
        file.write(format!("{record}\n").as_bytes()).await?;
    }
    let mut count = unreadable.len() as u64;
    let mut items = Vec::new();
    for manifest in manifests {
        for ItemFailure { item, code, reason } in &ledger.scoped(manifest).await?.failed_items {
            let record = json!({ "item": item, "step": manifest.step, "code": code, "reason": reason });
            file.write(format!("{record}\n").as_bytes()).await?;
            items.push((item.clone(), format!("step {}: {reason}", manifest.step)));
            count += 1;
        }
        let mut tasks = ledger.tasks(manifest);
        while let Some(task) = tasks.try_next().await? {
            let entry = ledger.known(&task_key(manifest, &task)?, &format!("a task of step {}", manifest.step))?;
            let failed = entry.outcomes.iter().flat_map(|outcomes| &outcomes.failed);
            for failure in failed.filter(|failure| is_there(&task, failure.frame)) {
                file.write(line(manifest, &task, failure, &replay).as_bytes()).await?;
                count += 1;
            }
        }
    }
    file.finish().await?;
    if count == 0 {
        ledger.store().delete([layout::FAILURES.to_owned()]).await?;
    }
    Ok(Failures { lines: count, items })
}

fn line(manifest: &Manifest, task: &TaskResult, failure: &FrameFailure, replay: &str) -> String {
    let start = task.range.unwrap_or_default().start;
    let offset = usize::try_from(failure.frame.saturating_sub(start)).unwrap_or(usize::MAX);
    let times = task.times.as_ref().map(Times::from).unwrap_or_default();
    let seconds = times.get(offset).map(|pts_ns| pts_ns as f64 / 1e9);
    let mut record = json!({
        "item": manifest.item_name(task),
        "frame": failure.frame,
        "time": seconds,
        "step": manifest.step,
        "code": failure.code,
        "reason": failure.reason,
        "replay": replay,
    });
    if let Some(file) = file_of(task, failure.frame) {
        record["file"] = file.name.as_str().into();
    }
    format!("{record}\n")
}

/// The command that does the failed frames of an output again, and nothing else, as a POSIX shell takes it.
pub fn replay_command(output: &str) -> String {
    // Only a NUL cannot be quoted, and no path or URL of an output has one.
    let quoted = shlex::try_quote(output).unwrap_or(output.into());
    format!("framefleet failures replay {quoted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_survives_a_shell() {
        for output in ["films/a.mp4", "it's; rm -rf $HOME", "", "ü & ö", "-x"] {
            let words = replay_command(output).strip_prefix("framefleet failures replay ").unwrap().to_owned();
            let script = format!("printf %s {words}");
            let out = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), output);
        }
    }
}
