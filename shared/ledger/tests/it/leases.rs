//! Ownership of outputs in stores.
use framefleet_ledger::{LeaseTiming, Ledger, LedgerError, Output};
use framefleet_testkit_ledger::{EXPIRED, Job, commit, options};
use std::time::Duration;

const LONG: LeaseTiming = LeaseTiming { lasts: Duration::from_secs(600), renewed_every: Duration::from_secs(600) };

#[tokio::test]
async fn a_second_owner_is_told_who_the_first_is_until_that_closes() {
    let output = Output::in_memory();
    let first = Ledger::open_timed(output.clone(), options(), LONG).await.unwrap();
    let error = Ledger::open_timed(output.clone(), options(), LONG).await.unwrap_err();
    assert!(matches!(&error, LedgerError::Owned { pid, .. } if *pid == std::process::id()), "{error}");
    assert_eq!(first.epoch(), 1);
    first.close().await.unwrap();
    assert_eq!(Ledger::open_timed(output, options(), LONG).await.unwrap().epoch(), 2);
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_and_its_holder_stops() {
    let output = Output::in_memory();
    let hung = LeaseTiming { lasts: Duration::ZERO, renewed_every: Duration::from_millis(20) };
    let first = Ledger::open_timed(output.clone(), options(), hung).await.unwrap();
    let second = Ledger::open_timed(output.clone(), options(), LONG).await.unwrap();
    let tasks = Job::new(1).tasks();
    let refused = async {
        loop {
            match first.check_owner("commit a task") {
                Err(error) => return error,
                Ok(()) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    assert!(matches!(refused.await, LedgerError::LeaseLost { .. }));
    assert!(matches!(commit(&first, &tasks[0]).await, Err(LedgerError::LeaseLost { .. })));
    commit(&second, &tasks[0]).await.unwrap();
}

#[tokio::test]
async fn a_renewed_lease_outlives_its_first_term() {
    let output = Output::in_memory();
    let short = LeaseTiming { lasts: Duration::from_secs(3), renewed_every: Duration::from_millis(50) };
    let first = Ledger::open_timed(output.clone(), options(), short).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert!(matches!(Ledger::open_timed(output, options(), EXPIRED).await, Err(LedgerError::Owned { .. })));
    first.check_owner("commit a task").unwrap();
}

#[tokio::test]
async fn readers_need_no_lease_and_cannot_write() {
    let output = Output::in_memory();
    assert!(matches!(Ledger::read(output.clone()).await, Err(LedgerError::NoOutput { .. })));
    let _owner = Ledger::open_timed(output.clone(), options(), LONG).await.unwrap();
    let reader = Ledger::read(output).await.unwrap();
    let error = commit(&reader, &Job::new(1).tasks()[0]).await.unwrap_err();
    assert!(matches!(error, LedgerError::NotOwner { .. }));
    reader.write_file("report.html", "<p>".into()).await.unwrap();
    assert_eq!(reader.read_file("report.html").await.unwrap().unwrap(), "<p>");
    for path in ["../x", "/x", ".framefleet/lease", "a//b"] {
        assert!(reader.write_file(path, "".into()).await.is_err(), "{path}");
    }
}
