//! Finds the frames that break a stage, by running parts of the window.
//!
//! Frames are taken in order: the shortest prefix of the window (less what is located already) that fails ends with a frame
//! to blame. A binary search finds it, since `process` is pure: log2(window) + 1 attempts per frame. The kept answer is one run of
//! the whole batch with the located frames absent, so it does not depend on how they were found.
use crate::failure::TaskFailure;
use framefleet_frames::FrameFailure;

/// What is left when the frames that break a stage are absent.
pub(crate) struct Located<T> {
    /// What the stage made of the others.
    pub made: T,
    /// The frames to blame; those outside the batch (in its halo) included.
    pub blamed: Vec<FrameFailure>,
}

/// Locates the frames behind `failure`. `window` are the frames the stage reads, ascending; `attempt` runs the stage with
/// some of them absent. Fails when the stage fails with every frame absent, or with something that says nothing of frames.
pub(crate) fn locate<T>(
    window: &[u64],
    failure: TaskFailure,
    mut attempt: impl FnMut(&[u64]) -> Result<T, TaskFailure>,
) -> Result<Located<T>, TaskFailure> {
    attempt(window)?;
    let mut blamed: Vec<FrameFailure> = Vec::new();
    let mut failure = failure;
    loop {
        let absent: Vec<u64> = blamed.iter().map(|frame| frame.frame).collect();
        let culprit = first_failing_prefix(window, &absent, &mut failure, &mut attempt)?;
        blamed.push(FrameFailure { frame: culprit, code: failure.code.to_owned(), reason: failure.reason.clone() });
        let absent: Vec<u64> = blamed.iter().map(|frame| frame.frame).collect();
        match attempt(&absent) {
            Ok(made) => return Ok(Located { made, blamed }),
            Err(next) if next.can_be_located() && blamed.len() < window.len() => failure = next,
            Err(next) => return Err(next),
        }
    }
}

/// The last frame of the shortest prefix of the window that fails; `failure` becomes what it fails with.
fn first_failing_prefix<T>(
    window: &[u64],
    absent: &[u64],
    failure: &mut TaskFailure,
    attempt: &mut impl FnMut(&[u64]) -> Result<T, TaskFailure>,
) -> Result<u64, TaskFailure> {
    // Invariant: the prefix of `good` frames works, the prefix of `bad` frames fails.
    let (mut good, mut bad) = (0, window.len());
    if bad == 0 {
        return Err(failure.clone());
    }
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        let hidden: Vec<u64> = window[middle..].iter().chain(absent).copied().collect();
        match attempt(&hidden) {
            Ok(_) => good = middle,
            Err(error) if error.can_be_located() => {
                bad = middle;
                *failure = error;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(window[bad - 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_proto::v1::FailureKind;

    fn failure() -> TaskFailure {
        TaskFailure { kind: FailureKind::BadInput, code: "bad-input", reason: "cannot".to_owned() }
    }

    /// Runs `locate` on a stage that breaks on `bad` frames; returns the frames blamed and the attempts.
    fn blame(window: &[u64], bad: &[u64]) -> (Vec<u64>, usize) {
        let mut attempts = 0;
        let located = locate(window, failure(), |absent| {
            attempts += 1;
            let breaks = window.iter().any(|frame| bad.contains(frame) && !absent.contains(frame));
            if breaks { Err(failure()) } else { Ok(()) }
        });
        (located.unwrap().blamed.iter().map(|frame| frame.frame).collect(), attempts)
    }

    #[test]
    fn one_bad_frame_takes_a_logarithm_of_attempts() {
        let window: Vec<u64> = (100..133).collect();
        for bad in &window {
            let (blamed, attempts) = blame(&window, &[*bad]);
            assert_eq!(blamed, [*bad]);
            assert!(attempts <= 3 + 6, "{attempts} attempts for a window of 33");
        }
    }

    #[test]
    fn several_bad_frames_are_all_found_in_order() {
        let window: Vec<u64> = (0..32).collect();
        assert_eq!(blame(&window, &[31, 0, 7, 8]).0, [0, 7, 8, 31]);
        assert_eq!(blame(&window, &window).0, window);
    }

    #[test]
    fn a_stage_that_fails_without_any_frame_is_not_the_frames_fault() {
        let result = locate(&[1, 2, 3], failure(), |_| Err::<(), _>(failure()));
        assert_eq!(result.err(), Some(failure()));
    }

    #[test]
    fn a_passing_failure_ends_the_search() {
        let retry = TaskFailure { kind: FailureKind::Retry, code: "retry", reason: "busy".to_owned() };
        assert_eq!(locate(&[1, 2], failure(), |_| Err::<(), _>(retry.clone())).err(), Some(retry));
    }
}
