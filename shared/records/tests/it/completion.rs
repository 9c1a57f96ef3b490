//! The fixture's job up to its records.
use framefleet_ledger::Ledger;
use framefleet_records::{RecordsError, RecordsOptions, complete_step};
use framefleet_testkit_ledger::{Job, Results, commit_missing};

/// Makes results what the output shows of their step.
pub async fn complete(ledger: &Ledger, results: &Results, options: RecordsOptions) -> Result<(), RecordsError> {
    complete_step(ledger, results.write(ledger).await?, options).await
}

/// Commits what is missing of a job and completes its step.
pub async fn run(ledger: &Ledger, job: &Job) -> Result<(), RecordsError> {
    commit_missing(ledger, job).await?;
    complete(ledger, &job.results(), RecordsOptions::default()).await
}
