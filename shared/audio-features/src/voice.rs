//! Voice activity by silero VAD: 512 samples of 16 kHz at a time, with state from one to the next.
use framefleet_infer::ndarray::{Array0, Array2, ArrayD, IxDyn};
use framefleet_infer::{InferError, Session};
use std::ops::Range;

/// Samples per second of the audio that the model takes.
pub const RATE: u32 = 16_000;
/// Samples per probability.
const BLOCK: usize = 512;
/// Samples of the block before that the model sees again.
const CONTEXT: usize = 64;
/// Numbers that the model takes at once.
pub const INPUT: usize = CONTEXT + BLOCK;
/// Shape of the state.
const STATE: [usize; 3] = [2, 1, 128];
/// Nanoseconds per probability.
pub const BLOCK_NS: i64 = BLOCK as i64 * 1_000_000_000 / RATE as i64;

/// Speech ends only where the probability falls this much below the threshold.
const HYSTERESIS: f32 = 0.15;
/// Pauses up to this length, nanoseconds, belong to the speech.
const PAUSE_NS: i64 = 300_000_000;
/// Speech of less, nanoseconds, is none.
const SHORTEST_NS: i64 = 250_000_000;

/// Listens to audio that comes in pieces of any length.
pub struct VoiceActivity<'s> {
    session: &'s Session,
    state: ArrayD<f32>,
    context: [f32; CONTEXT],
    /// Samples that do not make a block yet.
    rest: Vec<f32>,
    probabilities: Vec<f32>,
}

impl<'s> VoiceActivity<'s> {
    /// Begins in silence.
    pub fn new(session: &'s Session) -> Self {
        let state = ArrayD::zeros(IxDyn(&STATE));
        Self { session, state, context: [0.0; CONTEXT], rest: Vec::new(), probabilities: Vec::new() }
    }

    /// Takes the next samples.
    pub fn listen(&mut self, samples: &[f32]) -> Result<(), InferError> {
        self.rest.extend_from_slice(samples);
        let rest = std::mem::take(&mut self.rest);
        let blocks = rest.chunks_exact(BLOCK);
        self.rest = blocks.remainder().to_vec();
        blocks.into_iter().try_for_each(|block| self.block(block))
    }

    fn block(&mut self, block: &[f32]) -> Result<(), InferError> {
        let input = self.context.iter().chain(block).copied();
        let input = Array2::from_shape_fn((1, INPUT), {
            let mut input = input;
            move |_| input.next().unwrap_or(0.0)
        });
        let rate = Array0::from_elem((), i64::from(RATE));
        let outputs =
            self.session.run(&[("input", (&input).into()), ("state", (&self.state).into()), ("sr", (&rate).into())])?;
        self.state = outputs.get::<f32>("stateN")?;
        self.probabilities.push(outputs.get::<f32>("output")?.iter().copied().next().unwrap_or(0.0));
        self.context.copy_from_slice(&block[BLOCK - CONTEXT..]);
        Ok(())
    }

    /// Probability of speech per block of [`BLOCK_NS`], from the first sample on; the last block is filled up with silence.
    pub fn finish(mut self) -> Result<Vec<f32>, InferError> {
        if !self.rest.is_empty() {
            self.listen(&vec![0.0; BLOCK - self.rest.len()])?;
        }
        Ok(self.probabilities)
    }
}

/// Where somebody speaks, nanoseconds: from where the probability reaches the threshold to where it stays well below it.
pub fn speech(probabilities: &[f32], threshold: f32) -> Vec<Range<i64>> {
    let mut found: Vec<Range<i64>> = Vec::new();
    let mut speaking = false;
    for (block, &probability) in (0..).zip(probabilities) {
        speaking = probability >= if speaking { threshold - HYSTERESIS } else { threshold };
        if !speaking {
            continue;
        }
        let (start, end) = (block * BLOCK_NS, (block + 1) * BLOCK_NS);
        match found.last_mut() {
            Some(last) if start - last.end <= PAUSE_NS => last.end = end,
            _ => found.push(start..end),
        }
    }
    found.retain(|speech| speech.end - speech.start >= SHORTEST_NS);
    found
}

/// Nanoseconds of `ranges` (in order, not overlapping) inside `within`.
pub fn overlap_ns(ranges: &[Range<i64>], within: &Range<i64>) -> i64 {
    let first = ranges.partition_point(|range| range.end <= within.start);
    let inside = ranges[first..].iter().take_while(|range| range.start < within.end);
    inside.map(|range| range.end.min(within.end) - range.start.max(within.start)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_bridged_and_clicks_are_no_speech() {
        let mut probabilities = vec![0.0_f32; 100];
        probabilities[10..20].fill(0.9);
        probabilities[26..30].fill(0.9);
        probabilities[30..34].fill(0.4);
        probabilities[60..63].fill(0.9);
        assert_eq!(speech(&probabilities, 0.5), std::slice::from_ref(&(10 * BLOCK_NS..34 * BLOCK_NS)));
        assert_eq!(speech(&[], 0.5), []);
    }

    #[test]
    fn overlaps_add_up() {
        let ranges = [0..10, 20..30, 40..50];
        assert_eq!(overlap_ns(&ranges, &(5..45)), 5 + 10 + 5);
        assert_eq!(overlap_ns(&ranges, &(10..20)), 0);
        assert_eq!(overlap_ns(&[], &(0..9)), 0);
    }
}
