//! The audio of an item: how loud its voices are, where somebody speaks, and what a timeline shows of it.
use biquad::{Biquad, Coefficients, DirectForm2Transposed, Q_BUTTERWORTH_F32, Type};
use framefleet_audio_features::correlation::Contour;
use framefleet_audio_features::voice::{self, BLOCK_NS, RATE, VoiceActivity};
use framefleet_frames::{Item, SoundOverview};
use framefleet_infer::Session;
use framefleet_stage::{Job, StageError};
use std::ops::Range;

/// The band of voices, Hz.
const BAND: (f32, f32) = (300.0, 3400.0);
/// Samples per energy.
const HOP: usize = RATE as usize / 100;
/// Nanoseconds per energy.
pub const HOP_NS: i64 = HOP as i64 * 1_000_000_000 / RATE as i64;
/// Audio read at once, nanoseconds; a whole number of hops.
const CHUNK_NS: i64 = 60_000_000_000;
/// Quieter than this below the loud parts, decibels, is as good as silent.
const DEPTH_DB: f64 = 45.0;
/// Quieter than this, decibels of full scale, is silence whatever else there is.
const SILENCE_DB: f64 = -70.0;
/// Share of the levels that loud parts exceed.
const LOUD: f64 = 0.95;
/// Most steps of an overview.
const STEPS: i64 = 1000;

/// What is heard of an item.
pub struct Sound {
    /// Mean square of the band's samples, per [`HOP_NS`].
    energies: Vec<f32>,
    /// Where somebody speaks, nanoseconds, in order.
    pub speech: Vec<Range<i64>>,
    /// For timelines.
    pub overview: SoundOverview,
}

impl Sound {
    /// Listens to a sound track of an item from its first frame to `end_ns`; `None` when it has no audio.
    ///
    /// # Errors
    /// Audio that cannot be read, or a model that cannot run: the machine's failures.
    pub fn listen(
        job: &Job,
        item: &Item,
        track: u32,
        end_ns: i64,
        vad: &Session,
        threshold: f64,
    ) -> Result<Option<Self>, StageError> {
        let step_ns = (end_ns / STEPS).max(HOP_NS);
        let mut band = Band::new()?;
        let mut activity = VoiceActivity::new(vad);
        let mut overview = SoundOverview { step_ns, ..SoundOverview::default() };
        let mut energies = Vec::new();
        for start in (0..end_ns.max(1)).step_by(CHUNK_NS as usize) {
            let end = (start + CHUNK_NS).min(end_ns.max(1));
            let Some(audio) = job.audio.read(item, Some(track), start..end, RATE).map_err(StageError::Retry)? else {
                return Ok(None);
            };
            show(&mut overview, start, &audio.samples);
            energies.extend(audio.samples.chunks(HOP).map(|hop| band.energy(hop)));
            activity.listen(&audio.samples).map_err(StageError::retry)?;
        }
        let probabilities = activity.finish().map_err(StageError::retry)?;
        let voices = (0..).zip(&probabilities).map(|(block, p)| (block * BLOCK_NS / step_ns, *p));
        overview.voice = vec![0.0; overview.low.len()];
        for (step, probability) in voices {
            if let Some(max) = overview.voice.get_mut(step as usize) {
                *max = max.max((probability * 100.0).round() / 100.0);
            }
        }
        Ok(Some(Self { energies, speech: voice::speech(&probabilities, threshold as f32), overview }))
    }

    /// How loud the voices are, in decibels around each frame: the root mean square of the band over `frame_ns`, without slow changes.
    pub fn contour(&self, frame_ns: i64) -> Contour {
        let mut sums = vec![0.0];
        for energy in &self.energies {
            sums.push(sums[sums.len() - 1] + f64::from(*energy));
        }
        let half = (frame_ns / HOP_NS / 2).max(0) as usize;
        let level = |hop: usize| {
            let (start, end) = (hop.saturating_sub(half), (hop + half + 1).min(self.energies.len()));
            10.0 * ((sums[end] - sums[start]) / (end - start) as f64).max(1e-12).log10()
        };
        let mut levels: Vec<f64> = (0..self.energies.len()).map(level).collect();
        let floor = (percentile(&levels, LOUD) - DEPTH_DB).max(SILENCE_DB);
        levels.iter_mut().for_each(|level| *level = level.max(floor));
        Contour::new(HOP_NS, &levels)
    }

    /// Seconds with speech.
    pub fn speech_seconds(&self, within: &Range<i64>) -> f64 {
        voice::overlap_ns(&self.speech, within) as f64 / 1e9
    }
}

/// Adds samples that begin at a time to the steps of an overview.
fn show(overview: &mut SoundOverview, start_ns: i64, samples: &[f32]) {
    let step_of = |number: usize| (start_ns + number as i64 * 1_000_000_000 / i64::from(RATE)) / overview.step_ns;
    for (number, &sample) in samples.iter().enumerate() {
        let step = step_of(number) as usize;
        if step >= overview.low.len() {
            overview.low.resize(step + 1, f32::INFINITY);
            overview.high.resize(step + 1, f32::NEG_INFINITY);
        }
        let sample = (sample * 1000.0).round() / 1000.0;
        overview.low[step] = overview.low[step].min(sample);
        overview.high[step] = overview.high[step].max(sample);
    }
}

/// The value that a share of the values does not exceed; 0 for none.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(((sorted.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or_default()
}

/// A band-pass of second-order Butterworth sections: high-pass, then low-pass.
struct Band {
    sections: [DirectForm2Transposed<f32>; 2],
}

impl Band {
    fn new() -> Result<Self, StageError> {
        // In shares of the Nyquist frequency: `from_params` of biquad 0.5 takes hertz for four times as many.
        let section = |kind, frequency: f32| {
            let share = 2.0 * frequency / RATE as f32;
            Coefficients::<f32>::from_normalized_params(kind, share, Q_BUTTERWORTH_F32)
                .map(DirectForm2Transposed::<f32>::new)
                .map_err(|error| StageError::Fatal(format!("a filter at {frequency} Hz cannot be made: {error:?}")))
        };
        Ok(Self { sections: [section(Type::HighPass, BAND.0)?, section(Type::LowPass, BAND.1)?] })
    }

    /// Mean square of the next samples in the band.
    fn energy(&mut self, samples: &[f32]) -> f32 {
        let [high, low] = &mut self.sections;
        let sum: f64 = samples.iter().map(|sample| f64::from(low.run(high.run(*sample))).powi(2)).sum();
        (sum / samples.len().max(1) as f64) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone_energy(frequency: f64) -> f64 {
        let mut band = Band::new().unwrap();
        let sample = |n: usize| (std::f64::consts::TAU * frequency * n as f64 / f64::from(RATE)).sin() as f32;
        let samples: Vec<f32> = (0..16_000).map(sample).collect();
        band.energy(&samples[..8000]);
        f64::from(band.energy(&samples[8000..])) / 0.5
    }

    #[test]
    fn the_band_passes_voices_and_little_else() {
        assert!(tone_energy(1000.0) > 0.95);
        assert!((0.4..0.6).contains(&tone_energy(300.0)) && (0.4..0.6).contains(&tone_energy(3400.0)));
        assert!(tone_energy(50.0) < 0.001 && tone_energy(7500.0) < 0.01);
    }

    #[test]
    fn overviews_hold_the_extremes() {
        let mut overview = SoundOverview { step_ns: 1_000_000_000, ..SoundOverview::default() };
        show(&mut overview, 0, &[vec![0.25; 8000], vec![-0.5; 8000]].concat());
        show(&mut overview, 1_000_000_000, &[0.125]);
        assert_eq!((overview.low, overview.high), (vec![-0.5, 0.125], vec![0.25, 0.125]));
    }
}
