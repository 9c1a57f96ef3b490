//! Jobs that are simulated, so that what is left of them is known at every moment.
use super::*;

/// A sequence of choices.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }
}

/// A step of a simulated job.
#[derive(Clone, Copy)]
struct Step {
    /// Frames of a batch that it does.
    frames: u64,
    /// Seconds of a task on the average.
    seconds: f64,
    pool: usize,
    /// Whether its tasks run one after another: decoding a film without key frames.
    serial: bool,
    /// Batches from which on it has something to do: before, the output held its results.
    from: usize,
}

fn step(frames: u64, seconds: f64) -> Step {
    Step { frames, seconds, pool: 0, serial: false, from: 0 }
}

/// Every batch goes through all steps, one after another; batches before others, and no more than `ahead` at a time.
struct Job {
    steps: Vec<Step>,
    /// Slots of every pool.
    slots: Vec<usize>,
    batches: usize,
    ahead: usize,
    /// Seconds before anything runs.
    idle: f64,
    seed: u64,
}

/// A task that came to its end.
struct Done {
    at: f64,
    step: usize,
    seconds: f64,
    frames: u64,
}

impl Job {
    fn new(steps: Vec<Step>, slots: &[usize], batches: usize) -> Self {
        Self { steps, slots: slots.to_vec(), batches, ahead: 16, idle: 0.0, seed: 7 }
    }

    /// Runs it: the ends of its tasks, in order.
    fn run(&self) -> Vec<Done> {
        let mut chance = Chance(self.seed);
        // By batch: the step that it has come to, and whether that runs.
        let mut next: Vec<(usize, bool)> = vec![(0, false); self.batches];
        let mut running: Vec<(f64, usize, usize, f64)> = Vec::new();
        let (mut now, mut ended) = (self.idle, Vec::new());
        loop {
            for (batch, (step, runs)) in next.iter_mut().enumerate() {
                while !*runs && *step < self.steps.len() && batch < self.steps[*step].from {
                    *step += 1;
                }
            }
            let first = next.iter().position(|(step, _)| *step < self.steps.len());
            let Some(first) = first else { return ended };
            for (batch, (number, runs)) in next.iter_mut().enumerate().skip(first).take(self.ahead) {
                let number = *number;
                let Some(of) = self.steps.get(number).filter(|_| !*runs) else { continue };
                let in_pool = running.iter().filter(|task| self.steps[task.2].pool == of.pool).count();
                let alone = !of.serial || running.iter().all(|task| task.2 != number);
                if in_pool < self.slots[of.pool] && alone {
                    let seconds = of.seconds * (0.5 + chance.below(1024) as f64 / 1024.0);
                    running.push((now + seconds, batch, number, seconds));
                    *runs = true;
                }
            }
            running.sort_by(|a, b| b.0.total_cmp(&a.0));
            let (at, batch, number, seconds) = running.pop().unwrap();
            now = at;
            next[batch] = (number + 1, false);
            ended.push(Done { at, step: number, seconds, frames: self.steps[number].frames });
        }
    }

    /// Follows the estimate through the job: after a fifth of the work it is right to a factor of two, and never absurd.
    fn check(&self, what: &str) {
        self.check_within(2.0, what);
    }

    /// The same with another factor.
    fn check_within(&self, factor: f64, what: &str) {
        let ended = self.run();
        let end = ended.last().unwrap().at;
        let work: f64 = ended.iter().map(|done| done.seconds).sum();
        // What a task under way has done is not known: about one task of each step is forgiven.
        let slack: f64 = self.steps.iter().map(|step| 1.5 * step.seconds).sum();
        let mut pace = Pace::new(self.steps.len());
        for (number, step) in self.steps.iter().enumerate().filter(|(_, step)| step.from > 0) {
            pace.took_earlier(number, step.seconds * step.from as f64, step.frames * step.from as u64);
        }
        let mut left: Vec<f64> =
            self.steps.iter().map(|step| (step.frames * (self.batches - step.from) as u64) as f64).collect();
        let (mut worked, mut reported, mut asked) = (0.0, 0, 0);
        for (number, done) in ended.iter().enumerate() {
            worked += done.seconds;
            left[done.step] -= done.frames as f64;
            let of = Worked { seconds: done.seconds, frames: done.frames, tasks: 1, ..Worked::default() };
            pace.task(Duration::from_secs_f64(done.at), done.step, of);
            let remaining: Vec<Remaining> = (self.steps.iter().zip(&left).enumerate())
                .map(|(step, (of, frames))| Remaining {
                    step,
                    frames: *frames,
                    pool: of.pool,
                    slots: self.slots[of.pool],
                })
                .collect();
            let until = ended.get(number + 1).map_or(done.at, |next| next.at);
            for now in [done.at, (done.at + until) / 2.0] {
                let estimate = pace.left(Duration::from_secs_f64(now), &remaining).map(|left| left.as_secs_f64());
                let (truth, share) = (end - now, worked / work);
                let says = || format!("{what}: {:.0} % at {now:.1} s: {estimate:?}, truly {truth:.1} s", 100.0 * share);
                if share > 0.05
                    && let Some(estimate) = estimate
                {
                    assert!(estimate < 10.0 * truth + slack, "{}", says());
                }
                if share > 0.2 {
                    asked += 1;
                    if let Some(estimate) = estimate {
                        reported += 1;
                        let right = estimate < factor * truth + slack && estimate > truth / factor - slack;
                        assert!(right, "{}", says());
                    }
                }
            }
        }
        assert!(reported * 10 >= asked * 9, "{what}: {reported} of {asked} times");
    }
}

#[test]
fn one_step_on_a_few_threads() {
    for slots in [1, 2, 7, 32] {
        Job::new(vec![step(32, 3.0)], &[slots], 40 * slots).check(&format!("{slots} threads"));
        Job::new(vec![step(32, 0.02)], &[slots], 200 * slots).check(&format!("{slots} threads, short tasks"));
    }
}

#[test]
fn an_idle_beginning_does_not_count() {
    Job { idle: 600.0, ..Job::new(vec![step(32, 1.0)], &[2], 100) }.check("ten minutes without workers");
}

#[test]
fn steps_of_different_cost_and_sampling_share_threads() {
    let steps = vec![step(32, 0.3), step(32, 0.05), step(3, 2.0), step(32, 0.8)];
    Job::new(steps.clone(), &[2], 200).check("four steps");
    Job::new(steps, &[16], 600).check("four steps on many threads");
}

#[test]
fn decoding_may_be_what_everybody_waits_for() {
    let decoding = Step { serial: true, ..step(32, 1.0) };
    Job::new(vec![decoding, step(32, 0.5)], &[8], 200).check("one after another");
    let alone = Step { pool: 1, ..decoding };
    Job::new(vec![alone, step(32, 0.5)], &[4, 8], 200).check("one after another, in a fleet");
}

#[test]
fn workers_of_their_own_work_beside_each_other() {
    let pool = |pool, frames, seconds| Step { pool, ..step(frames, seconds) };
    let steps = vec![pool(0, 32, 0.2), pool(1, 32, 4.0), pool(2, 3, 0.5)];
    Job::new(steps.clone(), &[1, 8, 1], 300).check("three stages");
    Job::new(steps, &[4, 1, 4], 100).check("three stages, one slow");
}

#[test]
fn a_task_may_be_as_long_as_a_window() {
    Job::new(vec![step(32, 0.5), step(32, 45.0)], &[4], 120).check("long tasks");
}

/// Jobs of chance: in one process or with workers of each step's own, decoding serial or not, tasks of 20 ms to 5 s. Where a step begins
/// late, since the output holds its first results, what was measured before it began says less.
#[test]
fn any_job() {
    for seed in 0..400 {
        let mut chance = Chance(seed * 977 + 1);
        let (steps, batches, fleet) = (1 + chance.below(4), 100 + chance.below(400), chance.below(2) == 1);
        let late = chance.below(3) == 0;
        let steps: Vec<Step> = (0..steps)
            .map(|number| Step {
                frames: [32, 3, 16][chance.below(3) as usize],
                seconds: 0.02 * 1.5_f64.powi(chance.below(14) as i32),
                pool: if fleet { number as usize } else { 0 },
                serial: number == 0 && chance.below(3) == 0,
                from: if late && number > 0 { chance.below(batches / 2) as usize } else { 0 },
            })
            .collect();
        let slots: Vec<usize> = steps.iter().map(|_| 1 + chance.below(12) as usize).collect();
        let job = Job { idle: chance.below(3) as f64 * 50.0, seed, ..Job::new(steps, &slots, batches as usize) };
        job.check_within(if late { 5.0 } else { 2.0 }, &format!("job {seed}"));
    }
}

/// Half of one step was done before: at first only the other works, and quickly.
#[test]
fn a_step_that_begins_late_is_reckoned_with_by_what_it_took_in_earlier_runs() {
    let job = Job::new(vec![step(32, 0.1), Step { from: 100, ..step(32, 2.0) }], &[2], 200);
    let ended = job.run();
    let first = ended.iter().position(|done| done.step == 1).unwrap();
    let mut known = Pace::new(2);
    known.took_earlier(1, 200.0, 3200);
    let mut unknown = Pace::new(2);
    for done in &ended[..first] {
        let of = Worked { seconds: done.seconds, frames: done.frames, tasks: 1, ..Worked::default() };
        known.task(Duration::from_secs_f64(done.at), done.step, of);
        unknown.task(Duration::from_secs_f64(done.at), done.step, of);
    }
    let now = Duration::from_secs_f64(ended[first - 1].at);
    let remaining = [(0, 200.0 * 32.0 - first as f64 * 32.0), (1, 3200.0)].map(|(step, frames)| Remaining {
        step,
        frames,
        pool: 0,
        slots: 2,
    });
    let truth = ended.last().unwrap().at - now.as_secs_f64();
    let reported = known.left(now, &remaining).unwrap().as_secs_f64();
    assert!((0.5 * truth..2.0 * truth).contains(&reported), "{reported}, truly {truth}");
    assert_eq!(unknown.left(now, &remaining), None);
}

/// A step that is nearly done and costs much is no measure for one that has far to go and costs little.
#[test]
fn what_is_far_behind_is_not_reckoned_at_the_pace_of_what_is_slow() {
    let mut pace = Pace::new(2);
    for number in 1..=8 {
        let at = Duration::from_secs(10 * (number + 1));
        for (step, seconds) in [(1, 20.0), (0, 0.05)] {
            pace.task(at, step, Worked { seconds, frames: 32, tasks: 1, ..Worked::default() });
        }
    }
    for pools in [[0, 0], [0, 1]] {
        let remaining =
            [(0, 100_000.0), (1, 64.0)].map(|(step, frames)| Remaining { step, frames, pool: pools[step], slots: 2 });
        let left = pace.left(Duration::from_secs(90), &remaining).unwrap().as_secs_f64();
        assert!((70.0..140.0).contains(&left), "{left}");
    }
}

#[test]
fn what_frames_take_of_late_counts() {
    let mut pace = Pace::new(1);
    for (number, seconds) in std::iter::repeat_n(1, 100).chain(std::iter::repeat_n(5, 8)).enumerate() {
        let at = if number < 100 { number as u64 + 1 } else { 100 + 5 * (number as u64 - 99) };
        let of = Worked { seconds: seconds as f64, frames: 32, tasks: 1, ..Worked::default() };
        pace.task(Duration::from_secs(at), 0, of);
    }
    let remaining = [Remaining { step: 0, frames: 320.0, pool: 0, slots: 1 }];
    assert_eq!(pace.left(Duration::from_secs(140), &remaining), Some(Duration::from_secs(50)));
    assert!((pace.frames_per_second(Duration::from_secs(140), 0) - 6.4).abs() < 0.01);
}

#[test]
fn nothing_is_said_before_it_can_be_known() {
    let mut pace = Pace::new(1);
    let remaining = [Remaining { step: 0, frames: 3200.0, pool: 0, slots: 2 }];
    assert_eq!(pace.left(Duration::from_secs(100), &remaining), None);
    let of = Worked { seconds: 2.0, frames: 32, tasks: 1, ..Worked::default() };
    pace.task(Duration::from_secs(102), 0, of);
    assert_eq!(pace.left(Duration::from_secs(102), &remaining), None);
    for second in 103..110 {
        pace.task(Duration::from_secs(second), 0, of);
    }
    let reported = pace.left(Duration::from_secs(109), &remaining).unwrap();
    assert!((90..115).contains(&reported.as_secs()), "{reported:?}");
    let without_workers = [Remaining { slots: 0, ..remaining[0] }];
    assert_eq!(pace.left(Duration::from_secs(109), &without_workers), None);
}
