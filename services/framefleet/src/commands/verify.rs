//! `framefleet verify`
use crate::args::VerifyArguments;
use crate::failure::Failure;
use framefleet_job::in_process::runtime;
use framefleet_job::output::source_check::{self, SourceCheck};
use framefleet_ledger::{Ledger, Output};
use framefleet_records::VerifyReport;
use framefleet_service::Exit;
use serde_json::json;

/// Proves that an output is complete and undamaged.
pub fn run(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let output = Output::parse(&arguments.output)?;
    let (mut report, source) = runtime(1)?.block_on(verify(output, arguments.deep))?;
    report.problem_count += source.problems.len() as u64;
    report.problems.extend(source.problems.iter().cloned());
    if arguments.json {
        print_json(&report, &source)?
    } else {
        print(&report, &source)
    }
    Ok(if report.problem_count == 0 { Exit::Done } else { Exit::Failed })
}

async fn verify(output: Output, deep: bool) -> Result<(VerifyReport, SourceCheck), Failure> {
    let report = framefleet_records::verify(&output, deep).await?;
    let source = match deep {
        true => source_check::check(&Ledger::read(output).await?).await?,
        false => SourceCheck::default(),
    };
    Ok((report, source))
}

fn print_json(report: &VerifyReport, source: &SourceCheck) -> Result<(), Failure> {
    let steps: Vec<_> = report
        .steps
        .iter()
        .map(|step| json!({"step": step.step, "complete": step.complete, "result": step.result, "failed": step.failed, "skipped": step.skipped}))
        .collect();
    let document = json!({
        "digest": report.digest, "problems": report.problems, "problem_count": report.problem_count,
        "steps": steps, "parts": report.parts, "bytes": report.bytes,
        "items": {"compared": source.compared, "left_out": source.left_out},
    });
    println!("{}", serde_json::to_string_pretty(&document)?);
    Ok(())
}

fn print(report: &VerifyReport, source: &SourceCheck) {
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
    for item in &source.left_out {
        println!("not compared: {item} is not where it was, or the output does not say what it was");
    }
    println!("{} parts, {}", report.parts, bytesize::ByteSize(report.bytes));
    println!("digest {}", report.digest);
}
