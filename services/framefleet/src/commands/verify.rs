//! `framefleet verify`
use crate::args::VerifyArguments;
use crate::failure::Failure;
use crate::job::runtime;
use framefleet_ledger::{Output, VerifyReport};
use framefleet_service::Exit;
use serde_json::json;

/// Proves that an output is complete and undamaged.
pub fn run(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let output = Output::parse(&arguments.output)?;
    let report = runtime(1)?.block_on(framefleet_ledger::verify(&output, arguments.deep))?;
    if arguments.json {
        print_json(&report)?
    } else {
        print(&report)
    }
    Ok(if report.problem_count == 0 { Exit::Done } else { Exit::Failed })
}

fn print_json(report: &VerifyReport) -> Result<(), Failure> {
    let steps: Vec<_> = report
        .steps
        .iter()
        .map(|step| json!({"step": step.step, "complete": step.complete, "result": step.result, "failed": step.failed, "skipped": step.skipped}))
        .collect();
    let document = json!({
        "digest": report.digest, "problems": report.problems, "problem_count": report.problem_count,
        "steps": steps, "parts": report.parts, "bytes": report.bytes,
    });
    println!("{}", serde_json::to_string_pretty(&document)?);
    Ok(())
}

fn print(report: &VerifyReport) {
    for step in &report.steps {
        let state = if step.complete { "complete" } else { "unfinished" };
        println!(
            "{:<20} {state:<10} {:>9} results {:>7} failed {:>9} skipped",
            step.step, step.result, step.failed, step.skipped
        );
    }
    for problem in &report.problems {
        println!("problem: {problem}");
    }
    let unlisted = report.problem_count.saturating_sub(report.problems.len() as u64);
    if unlisted > 0 {
        println!("… and {unlisted} more problems");
    }
    println!("{} parts, {}", report.parts, bytesize::ByteSize(report.bytes));
    println!("digest {}", report.digest);
}
