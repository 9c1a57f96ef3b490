use super::*;
use proptest::prelude::*;

fn queue() -> Subject {
    Subject::task("pose", "cpu")
}

fn fleet(slots: usize) -> Arc<QueueShares> {
    let shares = QueueShares::of_fleet();
    shares.serve(HashMap::from([(queue(), slots)]));
    shares
}

/// Takes as many places as there are for a job.
fn fill(share: &QueueShare) -> usize {
    share.clear_wanted();
    (0..1000).take_while(|_| share.take(&queue())).count()
}

#[test]
fn a_lone_job_has_every_place() {
    assert_eq!(fill(&fleet(3).join(0)), 6);
}

#[test]
fn without_workers_there_is_no_place_and_the_stage_is_named() {
    let share = QueueShares::of_fleet().join(0);
    assert_eq!(fill(&share), 0);
    assert_eq!(share.unserved(), ["pose"]);
}

#[test]
fn a_second_job_gets_half_as_soon_as_tasks_end() {
    let shares = fleet(2);
    let (long, short) = (shares.join(0), shares.join(0));
    assert_eq!(fill(&long), 4);
    assert_eq!(fill(&short), 0);
    long.give_back(&queue());
    assert_eq!(fill(&long), 0, "the place is not its own any more");
    assert_eq!(fill(&short), 1);
    long.give_back(&queue());
    assert_eq!((fill(&long), fill(&short)), (0, 1));
    short.give_back(&queue());
    assert_eq!((fill(&long), fill(&short)), (0, 1), "half each from now on");
}

#[test]
fn a_higher_priority_comes_first() {
    let shares = fleet(1);
    let (low, high) = (shares.join(0), shares.join(1));
    assert_eq!((fill(&low), fill(&high)), (2, 0));
    low.give_back(&queue());
    low.give_back(&queue());
    assert_eq!(fill(&low), 0);
    assert_eq!(fill(&high), 2);
}

#[test]
fn what_a_job_held_is_free_when_it_is_gone() {
    let shares = fleet(1);
    let (one, other) = (shares.join(0), shares.join(0));
    assert_eq!((fill(&one), fill(&other)), (2, 0));
    drop(one);
    assert_eq!(fill(&other), 2);
}

proptest! {
    /// However jobs take and give back: no more places are held than there are, and with free places and nobody else asking,
    /// a job that asks gets one.
    #[test]
    fn places_are_never_exceeded_and_never_idle(slots in 1usize..4, steps in prop::collection::vec((0usize..3, any::<bool>()), 1..200)) {
        let shares = fleet(slots);
        let jobs = [shares.join(0), shares.join(0), shares.join(1)];
        let mut held = [0usize; 3];
        for (job, takes) in steps {
            if takes {
                jobs[job].clear_wanted();
                held[job] += usize::from(jobs[job].take(&queue()));
            } else if held[job] > 0 {
                jobs[job].give_back(&queue());
                held[job] -= 1;
            }
            prop_assert!(held.iter().sum::<usize>() <= DEPTH * slots);
        }
        jobs.iter().for_each(QueueShare::clear_wanted);
        if held.iter().sum::<usize>() < DEPTH * slots {
            prop_assert!(jobs[0].take(&queue()));
        }
    }
}
