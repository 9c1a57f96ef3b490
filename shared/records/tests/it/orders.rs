//! The order of commits, their number and compaction change no digest.
use crate::completion::complete;
use framefleet_ledger::Output;
use framefleet_records::{RecordsOptions, verify};
use framefleet_testkit_ledger::{Job, commit, open};
use proptest::prelude::*;

async fn digest(order: &[usize], compact_after: usize) -> String {
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    let job = Job::new(1);
    let tasks = job.tasks();
    for (number, task) in order.iter().map(|&task| &tasks[task]).chain(&tasks).enumerate() {
        commit(&ledger, task).await.unwrap();
        if number == compact_after {
            ledger.compact_from(1).await.unwrap();
        }
    }
    assert_eq!(ledger.len(), tasks.len());
    complete(&ledger, &job.results(), RecordsOptions::default()).await.unwrap();
    let report = verify(&output, true).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    report.digest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_order_and_any_number_of_commits_give_one_digest(
        order in prop::collection::vec(0..7_usize, 0..20),
        compact_after in 0..20_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let one = runtime.block_on(digest(&order, compact_after));
        let plain = runtime.block_on(digest(&[], usize::MAX));
        prop_assert_eq!(one, plain);
    }
}
