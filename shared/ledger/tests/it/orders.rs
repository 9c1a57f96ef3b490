//! The order of commits, their number and compaction change nothing.
use framefleet_ledger::Output;
use framefleet_testkit_ledger::{Job, commit, open};

#[tokio::test]
async fn the_first_entry_of_a_key_stays() {
    let output = Output::in_memory();
    let task = Job::new(1).tasks().remove(0);
    let ledger = open(&output).await.unwrap();
    commit(&ledger, &task).await.unwrap();
    let other = open(&output).await.unwrap();
    let mut late = task.clone();
    late.block.frames.clear();
    late.entry.stage_seconds = 9.0;
    commit(&other, &late).await.unwrap();
    for ledger in [&ledger, &other, &open(&output).await.unwrap()] {
        assert_eq!(ledger.annotations(&task.key).await.unwrap().as_ref(), &task.block);
        assert_eq!(ledger.entry(&task.key).unwrap().epoch, 1);
    }
}

#[tokio::test]
async fn concurrent_commits_and_compaction_agree_on_one_entry() {
    let output = Output::in_memory();
    let ledger = open(&output).await.unwrap();
    let tasks = Job::new(1).tasks();
    let all = tasks.iter().cycle().take(5 * tasks.len()).map(|task| commit(&ledger, task));
    let compactions = (0..20).map(|_| ledger.compact_from(1));
    let (commits, compactions) = futures::join!(futures::future::join_all(all), futures::future::join_all(compactions));
    commits.into_iter().chain(compactions).for_each(|result| result.unwrap());
    let reopened = open(&output).await.unwrap();
    assert_eq!(reopened.len(), tasks.len());
    for task in &tasks {
        assert_eq!(reopened.annotations(&task.key).await.unwrap().as_ref(), &task.block);
    }
}

#[tokio::test]
async fn frames_with_two_outcomes_are_refused_by_name() {
    let ledger = open(&Output::in_memory()).await.unwrap();
    let mut task = Job::new(1).tasks().remove(1);
    let outcomes = task.entry.outcomes.as_mut().unwrap();
    outcomes.failed.push(outcomes.failed[0].clone());
    let error = commit(&ledger, &task).await.unwrap_err().to_string();
    assert!(error.contains("a/one.mp4") && error.contains("frame 5 has two outcomes"), "{error}");
    assert!(ledger.is_empty());
}
