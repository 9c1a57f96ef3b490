//! Documents of manifests: kept with the results that refer to them, and proved.
use crate::completion::{complete, run};
use framefleet_ledger::{Ledger, LedgerError, OpenOptions, Output};
use framefleet_records::{RecordsOptions, verify};
use framefleet_testkit_ledger::{EXPIRED, Job, commit_missing, open, options};

/// The folder of documents.
const DOCUMENTS: &str = ".framefleet/documents";
/// What an output says of itself.
const STATE: &str = ".framefleet/output.json";

#[tokio::test]
async fn documents_of_the_results_stay_and_those_of_replaced_ones_go() {
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    run(&ledger, &Job::new(1)).await.unwrap();
    drop(ledger);
    let ledger = open(&output).await.unwrap();
    let count = async |ledger: &Ledger| ledger.store().list(DOCUMENTS).await.unwrap().len();
    assert_eq!(count(&ledger).await, 4, "items and tasks, a root and a chunk each");
    commit_missing(&ledger, &Job::new(2)).await.unwrap();
    complete(&ledger, &Job::new(2).results(), RecordsOptions::default()).await.unwrap();
    assert_eq!(count(&ledger).await, 6, "the items are the same");
    ledger.compact().await.unwrap();
    assert_eq!(count(&ledger).await, 4);
    assert_eq!(verify(&output, true).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn verify_names_a_manifest_that_is_damaged() {
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    run(&ledger, &Job::new(1)).await.unwrap();
    let tasks = ledger.manifests().await.unwrap().remove(0).tasks.clone();
    let name: String = tasks.iter().map(|byte| format!("{byte:02x}")).collect();
    let (path, _) = ledger.store().list(DOCUMENTS).await.unwrap().into_iter().find(|of| of.0.ends_with(&name)).unwrap();
    ledger.store().delete([path.clone()]).await.unwrap();
    let problems = verify(&output, false).await.unwrap().problems;
    assert!(problems.iter().any(|problem| problem.contains(&path)), "{problems:?}");
}

/// An output of an earlier form is refused with what to do, and makes room for a new one.
#[tokio::test]
async fn an_output_of_an_older_version_is_refused_and_can_be_started_over() {
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    run(&ledger, &Job::new(1)).await.unwrap();
    let store = ledger.store().clone();
    drop(ledger);
    let state = String::from_utf8(store.read(STATE).await.unwrap().unwrap().to_vec()).unwrap();
    let older = state.replace("\"format\": 2", "\"format\": 1");
    assert_ne!(older, state);
    store.write(STATE, older.into()).await.unwrap();
    for refused in [open(&output).await.err(), Ledger::read(output.clone()).await.err()] {
        assert!(matches!(refused, Some(LedgerError::OlderFormat { found: 1, known: 2, .. })), "{refused:?}");
    }
    let fresh = OpenOptions { fresh: true, ..options() };
    let ledger = Ledger::open_timed(output.clone(), fresh, EXPIRED).await.unwrap();
    assert!(ledger.is_empty());
    run(&ledger, &Job::new(2)).await.unwrap();
    assert_eq!(verify(&output, true).await.unwrap().problems, Vec::<String>::new());
}
