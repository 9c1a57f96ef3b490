//! What verify finds.
use crate::completion::{self, run};
use framefleet_ledger::{Ledger, Output, PartKind, layout};
use framefleet_records::{RecordsOptions, verify};
use framefleet_testkit_ledger::{ITEMS, Job, commit_missing, open};

/// An output with one finished job, before and after something happened to it; the problems found.
async fn problems_after(deep: bool, harm: impl AsyncFn(&Ledger)) -> Vec<String> {
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    run(&ledger, &Job::new(1)).await.unwrap();
    assert_eq!(verify(&output, true).await.unwrap().problems, Vec::<String>::new());
    harm(&ledger).await;
    verify(&output, deep).await.unwrap().problems
}

fn assert_names(problems: &[String], words: &[&str]) {
    let named = problems.iter().any(|problem| words.iter().all(|word| problem.contains(word)));
    assert!(named, "{words:?} not in {problems:?}");
}

#[tokio::test]
async fn harm_is_found_and_named() {
    let path = "artifacts/light/a/one.mp4/1.png";
    let gone = problems_after(false, async |ledger| ledger.store().delete([path.to_owned()]).await.unwrap()).await;
    assert_names(&gone, &[path, "missing"]);
    let same_length = "PICTURE 1 a/one.mp4 1";
    let changed =
        problems_after(false, async |ledger| ledger.write_file(path, same_length.into()).await.unwrap()).await;
    assert_names(&changed, &[path, "other bytes"]);
    let cut =
        problems_after(false, async |ledger| ledger.write_file("records/light.jsonl", "{}\n".into()).await.unwrap())
            .await;
    assert_names(&cut, &["records/light.jsonl", "3 bytes"]);
    let deep =
        problems_after(true, async |ledger| ledger.write_file("records/light.jsonl", "{}\n".into()).await.unwrap())
            .await;
    assert_names(&deep, &["records/light.jsonl", "line 1", "frame 0"]);
    let block = problems_after(false, async |ledger| {
        let key = Job::new(1).process()[0].key;
        let entry = ledger.entry(&key).unwrap();
        let part = entry.parts.iter().find(|part| layout::kind(part) == PartKind::Annotations).unwrap();
        ledger.store().write(&layout::part(&key, part), "x".into()).await.unwrap();
    });
    assert_names(&block.await, &["a/one.mp4 frames 0–4", "digest"]);
}

#[tokio::test]
async fn a_gap_in_a_complete_step_is_a_problem_and_in_a_preview_is_none() {
    for complete in [true, false] {
        let output = Output::in_memory();
        let ledger = open(&output).await.unwrap();
        let job = Job::new(1);
        commit_missing(&ledger, &job).await.unwrap();
        let mut results = job.results();
        results.head.complete = complete;
        results.items[1].1.remove(1);
        completion::complete(&ledger, &results, RecordsOptions::default()).await.unwrap();
        let problems = verify(&output, true).await.unwrap().problems;
        assert_eq!(problems.len(), usize::from(complete), "{problems:?}");
        if complete {
            assert_names(&problems, &[ITEMS[1], "frames 4–8 are in no task"]);
        }
    }
}

#[tokio::test]
async fn a_gap_in_decoding_is_no_problem() {
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    let job = Job::new(1);
    commit_missing(&ledger, &job).await.unwrap();
    let mut results = job.results();
    results.head.stage = "ingest".to_owned();
    results.items[1].1.remove(1);
    completion::complete(&ledger, &results, RecordsOptions::default()).await.unwrap();
    assert_eq!(verify(&output, true).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn the_digest_sees_results_artifacts_and_annotations_of_the_user_but_not_reports() {
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    run(&ledger, &Job::new(1)).await.unwrap();
    let one = verify(&output, false).await.unwrap().digest;
    ledger.write_file("report.html", "x".into()).await.unwrap();
    ledger.write_file("job.json", "{}".into()).await.unwrap();
    ledger.compact_from(1).await.unwrap();
    assert_eq!(verify(&output, false).await.unwrap().digest, one);
    ledger.write_file("coco.json", "{}".into()).await.unwrap();
    let two = verify(&output, false).await.unwrap().digest;
    assert_ne!(two, one);
    run(&ledger, &Job::new(2)).await.unwrap();
    assert_ne!(verify(&output, false).await.unwrap().digest, two);
}
