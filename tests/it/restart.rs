//! An orchestrator that starts again behind much finished work.
use crate::fleet::long_job::LongJob;
use framefleet_ledger::Output;
use framefleet_orchestration::Work;

/// Finished tasks of the shorter and of the longer job.
const TASKS: [u64; 2] = [10_000, 100_000];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_the_finished_tasks_take_about_ten_times_as_long_to_take_up() {
    let mut seconds = Vec::new();
    for tasks in TASKS {
        let job = LongJob::new(tasks);
        let output = Output::in_memory();
        let filled = job.fill(&output).await;
        assert!((tasks - 5..=tasks).contains(&filled), "{filled} of {tasks}");
        // The best of three: others use the machine, too.
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let resumed = job.resume(&output).await;
            assert_eq!(resumed.entries as u64, filled);
            // Only the last batch is to be done, and decoding it comes first.
            let next: Vec<Work> = resumed.next.iter().map(|task| task.kind).collect();
            assert_eq!(next, [Work::Ingest]);
            best = best.min(resumed.total().as_secs_f64());
        }
        seconds.push(best);
    }
    let growth = seconds[1] / seconds[0];
    println!("{seconds:?} s: {growth:.1} times as long");
    // What is quadratic takes 100 times as long.
    assert!(growth < 40.0, "{seconds:?} s: {growth:.1} times as long");
}
