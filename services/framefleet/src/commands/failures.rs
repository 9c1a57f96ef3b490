//! `framefleet failures`
use crate::args::{FailuresArguments, FailuresVerb};
use crate::client::ServerArguments;
use crate::commands::{jobs, run};
use crate::failure::Failure;
use crate::request::absolute;
use framefleet_job::{JobRequest, output};
use framefleet_ledger::{Ledger, Output};
use framefleet_service::Exit;
use framefleet_stage::Registry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line of failures.jsonl. Items that cannot be read have no frame.
#[derive(Debug, Serialize, Deserialize)]
struct Failed {
    item: String,
    frame: Option<u64>,
    time: Option<f64>,
    step: String,
    code: String,
    reason: String,
    replay: String,
}

/// Lists, shows or replays failures.
pub fn run(arguments: &FailuresArguments, registry: Registry) -> Result<Exit, Failure> {
    match &arguments.verb {
        FailuresVerb::List { output, json } => list(output, *json),
        FailuresVerb::Show { output, item, frame } => show(output, item, *frame),
        FailuresVerb::Replay { output, fleet, server } => replay(output, fleet.then_some(server), registry),
    }
}

fn list(output: &str, json: bool) -> Result<Exit, Failure> {
    let failures = read(output)?;
    if json {
        for failed in &failures {
            println!("{}", serde_json::to_string(failed)?);
        }
        return Ok(Exit::Done);
    }
    let mut together: BTreeMap<(&str, &str, &str, &str), Vec<u64>> = BTreeMap::new();
    for failed in &failures {
        let frames = together.entry((&failed.step, &failed.item, &failed.code, &failed.reason)).or_default();
        frames.extend(failed.frame);
    }
    for ((step, item, code, reason), frames) in together {
        let which = if frames.is_empty() { "all of it".to_owned() } else { format!("frames {}", runs(&frames)) };
        println!("{step:<18} {item}  {which}: {reason} ({code})");
    }
    match failures.first() {
        Some(failed) => println!("{} failures; to do them again: {}", failures.len(), failed.replay),
        None => println!("nothing failed"),
    }
    Ok(Exit::Done)
}

fn show(output: &str, item: &str, frame: Option<u64>) -> Result<Exit, Failure> {
    let all = read(output)?;
    let found: Vec<&Failed> =
        all.iter().filter(|failed| failed.item == item && (frame.is_none() || failed.frame == frame)).collect();
    if found.is_empty() {
        let which = frame.map(|frame| format!(" frame {frame}")).unwrap_or_default();
        return Err(Failure::usage(format!("{item}{which} is not among the failures of {output}")));
    }
    for failed in found {
        println!("item    {}", failed.item);
        if let (Some(frame), time) = (failed.frame, failed.time.unwrap_or_default()) {
            println!("frame   {frame}, at {time:.3} s");
        }
        println!(
            "step    {}\ncode    {}\nreason  {}\nagain   {}\n",
            failed.step, failed.code, failed.reason, failed.replay
        );
    }
    Ok(Exit::Done)
}

/// Does what failed again: with the request of the output's last run.
fn replay(place: &str, fleet: Option<&ServerArguments>, registry: Registry) -> Result<Exit, Failure> {
    let request = jobs::block_on(async {
        let ledger = Ledger::read(Output::parse(place)?).await?;
        let request = output::request(&ledger).await?;
        request.ok_or_else(|| {
            Failure::usage(format!(
                "{place} does not say what it was made of: run its command again with --retry-failed"
            ))
        })
    })?;
    let request = JobRequest { output: absolute(place)?, retry_failed: true, fresh: false, preview: None, ..request };
    match fleet {
        Some(server) => jobs::send(server, &request, true, false),
        None => run::run_job(request, registry, &run::RunOptions::of_environment()?),
    }
}

fn read(output: &str) -> Result<Vec<Failed>, Failure> {
    jobs::block_on(async {
        let ledger = Ledger::read(Output::parse(output)?).await?;
        let Some(bytes) = ledger.read_file("failures.jsonl").await? else { return Ok(Vec::new()) };
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(Failure::from)).collect()
    })
}

/// Frames as ranges: 1–3, 7.
fn runs(frames: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &frame in frames {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == frame => *last = frame,
            _ => runs.push((frame, frame)),
        }
    }
    let text = |(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}–{last}") };
    runs.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn frames_are_told_as_ranges() {
        assert_eq!(super::runs(&[1, 2, 3, 7, 9, 10]), "1–3, 7, 9–10");
    }
}
