//! An orchestrator that starts again behind a long job.
use crate::fleet::long_job::{LongJob, Resumed};
use crate::{Effort, row};
use framefleet_ledger::Output;
use std::path::Path;

/// Finished tasks of a short job, those of some 200 hours with five tasks a batch, and as many as take only seconds.
const SHORT: u64 = 10_000;
const LONG: u64 = 3_000_000;
const QUICK: u64 = 100_000;

/// The row of the table.
pub fn rows(effort: &Effort) {
    let tasks = if effort.quick { QUICK } else { LONG };
    let (short, long) = (taken_up(SHORT), taken_up(tasks));
    let each = |resumed: &Resumed| resumed.total().as_secs_f64() / resumed.entries as f64 * 1e6;
    let seconds = long.total().as_secs_f64();
    let (open, fold) = (long.open.as_secs_f64(), long.fold.as_secs_f64());
    row(
        &format!("restart behind {tasks} finished tasks, until it is known what is left"),
        &format!("{seconds:.2} s ({open:.2} s opening, {fold:.2} s folding), {:.1} µs a task", each(&long)),
        &format!("{:.1} µs a task behind {SHORT}", each(&short)),
        Some(each(&long) / each(&short)),
        "≤ 10 s",
    );
}

/// Takes up a job with so many finished tasks, in a folder: one in memory where there is such, since writing millions of files is
/// no part of what is measured.
fn taken_up(tasks: u64) -> Resumed {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a folder");
    let output = Output::parse(&folder.path().join("out").to_string_lossy()).expect("an output");
    runtime.block_on(async {
        let job = LongJob::new(tasks);
        job.fill(&output).await;
        job.resume(&output).await
    })
}
