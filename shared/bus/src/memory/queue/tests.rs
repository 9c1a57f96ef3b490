use super::Queue;
use crate::{Message, Subject};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

const REMEMBERED: Duration = Duration::from_secs(120);
const SECOND: Duration = Duration::from_secs(1);

fn message(id: &str) -> Message {
    Message { subject: Subject::events("queue"), id: id.to_owned(), payload: id.to_owned().into() }
}

#[test]
fn an_id_is_forgotten_some_time_after_its_message_was_removed() {
    let (mut queue, start) = (Queue::new(REMEMBERED), Instant::now());
    assert!(queue.push(message("a"), start));
    let later = start + REMEMBERED * 10;
    assert!(!queue.push(message("a"), later), "kept, however long");
    let taken = queue.take(later, later + SECOND).unwrap();
    queue.remove(taken.sequence, later);
    assert!(!queue.push(message("a"), later + REMEMBERED - SECOND));
    assert!(queue.push(message("a"), later + REMEMBERED));
}

#[test]
fn an_old_attempt_moves_nothing_once_another_worker_has_the_message() {
    let (mut queue, start) = (Queue::new(REMEMBERED), Instant::now());
    queue.push(message("a"), start);
    let one = queue.take(start, start + SECOND).unwrap();
    let two = queue.take(start + SECOND, start + 2 * SECOND).unwrap();
    assert!(!queue.hide(one.sequence, one.attempt, start + SECOND), "the first worker's hand-back is void");
    assert!(queue.take(start + SECOND, start + 9 * SECOND).is_none());
    assert!(queue.hide(two.sequence, two.attempt, start + 5 * SECOND));
    assert!(queue.take(start + 4 * SECOND, start + 9 * SECOND).is_none());
    assert_eq!(queue.take(start + 5 * SECOND, start + 9 * SECOND).unwrap().attempt, 3);
}

#[test]
fn due_is_when_the_first_lease_ends() {
    let (mut queue, start) = (Queue::new(REMEMBERED), Instant::now());
    queue.push(message("a"), start);
    queue.push(message("b"), start);
    assert_eq!(queue.due(), None);
    let slow = queue.take(start, start + 2 * SECOND).unwrap();
    let fast = queue.take(start, start + SECOND).unwrap();
    assert_eq!(queue.due(), Some(start + SECOND));
    queue.remove(fast.sequence, start);
    assert_eq!(queue.due(), Some(start + 2 * SECOND));
    queue.hide(slow.sequence, slow.attempt, start + 3 * SECOND);
    assert_eq!(queue.due(), Some(start + 3 * SECOND));
}

proptest! {
    /// Whatever workers do, every message pushed is either removed or can still be taken, and leases never overlap.
    #[test]
    fn nothing_is_lost_and_nothing_is_taken_twice(steps in prop::collection::vec((0u8..5, 0usize..8), 1..200)) {
        let (mut queue, mut now) = (Queue::new(REMEMBERED), Instant::now());
        let (mut pushed, mut removed, mut leases) = (0u64, BTreeSet::new(), Vec::new());
        for (action, choice) in steps {
            now += SECOND;
            leases.retain(|(_, _, until)| *until > now);
            let chosen = (!leases.is_empty()).then(|| choice % leases.len().max(1));
            match (action, chosen) {
                (0, _) => { queue.push(message(""), now); pushed += 1; }
                (1 | 2, _) => if let Some(taken) = queue.take(now, now + 5 * SECOND) {
                    prop_assert!(!removed.contains(&taken.sequence));
                    prop_assert!(leases.iter().all(|(sequence, ..)| *sequence != taken.sequence));
                    leases.push((taken.sequence, taken.attempt, now + 5 * SECOND));
                }
                (3, Some(index)) => { let (sequence, ..) = leases.remove(index); queue.remove(sequence, now); removed.insert(sequence); }
                (4, Some(index)) => { let (sequence, attempt, _) = leases.remove(index); prop_assert!(queue.hide(sequence, attempt, now)); }
                _ => {}
            }
        }
        now += 10 * SECOND;
        let mut left = BTreeSet::new();
        while let Some(taken) = queue.take(now, now + SECOND) {
            prop_assert!(left.insert(taken.sequence));
        }
        prop_assert!(left.is_disjoint(&removed));
        prop_assert_eq!(left.len() + removed.len(), pushed as usize);
    }
}
