//! `framefleet bench`
use crate::args::BenchArguments;
use crate::failure::Failure;
use crate::{machine, request, terminal};
use framefleet_bench::{Bench, BenchError, Clip, Document, Machine, Matrix, Row, Target, Window, compare};
use framefleet_service::Exit;
use framefleet_stage::Registry;
use std::path::Path;

/// Measures a pipeline over what was asked for, or compares two measurements.
pub fn run(arguments: &BenchArguments, registry: Registry) -> Result<Exit, Failure> {
    if let [before, after] = &arguments.compare[..] {
        return print_comparison(arguments, before, after);
    }
    let bench = bench(arguments, registry)?;
    let clip = Clip::from(arguments.source.as_deref().unwrap_or_default());
    let window = Window { frames: arguments.frames, runs: arguments.runs };
    let subject = bench.subject(&clip, window)?;
    // A stage that crashes is a failure of its task, reported there; the default hook would print it as well.
    std::panic::set_hook(Box::new(|info| tracing::debug!("{info}")));
    framefleet_vision::use_one_thread().map_err(Failure::failed)?;
    let matrix = Matrix {
        sizes: arguments.sizes.clone(),
        batches: arguments.batches.clone(),
        precisions: arguments.precision.clone(),
        backends: arguments.backends.clone(),
    };
    let rows = bench.measure_all(&clip, &matrix, window, |row| eprintln!("{}", terminal::printable(&line(row))))?;
    let document = Document::new(Machine::here(bench.threads, bench.memory), subject, rows);
    framefleet_bench::write(&document, &arguments.output)?;
    print(&document, &arguments.output, arguments.json);
    save_config(arguments, &bench, &document)?;
    Ok(if document.rows.iter().any(|row| row.figures.is_some()) { Exit::Done } else { Exit::Failed })
}

fn bench(arguments: &BenchArguments, registry: Registry) -> Result<Bench, Failure> {
    Ok(Bench {
        registry,
        pipeline: request::pipeline(&arguments.pipeline)?,
        set: request::settings(&arguments.pipeline),
        models: arguments.models.clone(),
        allowed: arguments.allow_licence.clone(),
        threads: arguments.threads.map_or_else(machine::cores, usize::from),
        memory: arguments.memory.map_or_else(machine::default_memory, |size| size.as_u64()),
    })
}

/// A row for the person who waits.
fn line(row: &Row) -> String {
    let name = row.name();
    match (&row.figures, &row.not_run) {
        (Some(figures), _) => format!("{name}: {:.1} frames/s", figures.frames_per_second),
        (None, reason) => format!("{name}: did not run: {}", reason.as_deref().unwrap_or_default()),
    }
}

fn print(document: &Document, folder: &Path, json: bool) {
    if json {
        return terminal::print_json("bench", document);
    }
    println!("{}", document.recommendation);
    println!("results: {}", folder.join("bench.html").display());
}

fn save_config(arguments: &BenchArguments, bench: &Bench, document: &Document) -> Result<(), Failure> {
    let Some(file) = &arguments.save_config else { return Ok(()) };
    let target = Target { frames_per_second: arguments.target_fps, latency_ms: arguments.max_latency_ms };
    let chosen = target.choose(&document.rows)?;
    let text = chosen.pipeline_file(bench, &file.to_string_lossy())?;
    std::fs::write(file, text).map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?;
    if !arguments.json {
        println!("settings: {} ({})", file.display(), chosen.combination);
    }
    Ok(())
}

fn print_comparison(arguments: &BenchArguments, before: &Path, after: &Path) -> Result<Exit, Failure> {
    let comparison = compare(&Document::read(before)?, &Document::read(after)?, arguments.bound);
    comparison.notes.iter().for_each(|note| println!("{note}"));
    comparison.changes.iter().for_each(|change| println!("{change}"));
    comparison.lost.iter().for_each(|row| println!("{row}"));
    Ok(if comparison.holds() { Exit::Done } else { Exit::Failed })
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Job(error) => error.into(),
            error @ (BenchError::Argument(_)
            | BenchError::Source { .. }
            | BenchError::Reading(_)
            | BenchError::Document { .. }) => Self::usage(error),
            error => Self::failed(error),
        }
    }
}
