use super::*;

/// One step over items of so many frames, one pass.
fn workload(items: &[u64]) -> Workload {
    let mut workload = Workload::new(1, 1, items.len());
    for (item, frames) in items.iter().enumerate() {
        workload.expect(item, &[*frames], &[*frames]);
    }
    workload
}

fn frames(all: u64, reused: u64, done: u64, left: u64) -> StepFrames {
    StepFrames { all, reused, done, left }
}

#[test]
fn what_was_done_before_is_neither_done_now_nor_left() {
    let mut work = workload(&[100, 50]);
    assert_eq!(work.step(0), frames(150, 0, 0, 150));
    work.reuse(0, 0, 100, 0.0);
    work.done(0, 1, 20);
    assert_eq!(work.step(0), frames(150, 100, 20, 30));
    assert_eq!(work.frames(), 150);
}

#[test]
fn an_index_replaces_what_headers_said() {
    let mut work = workload(&[u64::from(u32::MAX), 50]);
    work.expect(0, &[862], &[862]);
    assert_eq!((work.step(0).left, work.frames()), (912, 912));
}

#[test]
fn an_item_with_more_frames_than_expected_is_never_more_than_done() {
    let mut work = workload(&[10]);
    work.done(0, 0, 12);
    assert_eq!(work.step(0), frames(12, 0, 12, 0));
}

/// 100 items were done when an earlier run ended, one was added in their midst.
#[test]
fn items_that_an_earlier_run_ended_with_are_not_left() {
    let mut work = workload(&[100; 101]);
    (0..101).filter(|item| *item != 50).for_each(|item| work.expect_reuse(0, item, 100));
    assert_eq!(work.step(0).left, 100, "only the new one");
    (0..50).for_each(|item| work.reuse(0, item, 100, 0.0));
    work.done(0, 50, 40);
    assert_eq!(work.step(0).left, 60);
    (51..101).for_each(|item| work.reuse(0, item, 100, 0.0));
    work.done(0, 50, 60);
    assert_eq!(work.step(0), frames(10_100, 10_000, 100, 0));
}

/// The same, and a setting has changed: nothing of it counts any more, and the first item shows it.
#[test]
fn what_an_earlier_run_did_is_left_when_it_does_not_count_any_more() {
    let mut work = workload(&[100; 10]);
    (0..10).for_each(|item| work.expect_reuse(0, item, 100));
    work.done(0, 0, 32);
    assert_eq!(work.step(0).left, 968);
}

#[test]
fn decoding_follows_the_steps_that_look() {
    let mut work = Workload::new(2, 1, 1);
    // The second step does every tenth frame.
    work.expect(0, &[1000, 100], &[1000]);
    let readers = [vec![0, 1]];
    assert_eq!(work.decoding(0, &readers).left, 1000);
    work.reuse(0, 0, 1000, 0.0);
    assert_eq!(work.decoding(0, &readers).left, 1000, "the second step still looks at frames everywhere");
    work.decoded(0, 600);
    work.done(1, 0, 55);
    assert_eq!(work.decoding(0, &readers), frames(1000, 0, 600, 400));
    work.reuse(1, 0, 45, 0.0);
    assert_eq!(work.decoding(0, &readers), frames(600, 0, 600, 0), "what nobody looks at is not decoded");
}

#[test]
fn frames_are_made_again_for_those_who_look_at_them() {
    let mut work = Workload::new(2, 1, 1);
    work.expect(0, &[1000, 1000], &[1000]);
    work.reuse(0, 0, 1000, 0.0);
    work.done(1, 0, 250);
    assert_eq!(work.step(0).left, 0);
    assert_eq!(work.work_left(0, &[1]), 750.0);
    assert_eq!(work.work_left(1, &[]), 750.0);
}
