//! Mel-frequency cepstral coefficients (Davis and Mermelstein 1980) as SyncNet was trained on them: those of python_speech_features with its defaults (pre-emphasis
//! 0.97, rectangular frames of 25 ms every 10 ms, 26 triangular filters up to 8 kHz, liftering 22, log energy in place of the first).
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Samples per second.
pub const RATE: u32 = 16_000;
/// Coefficients per step.
pub const COEFFICIENTS: usize = 13;
/// Samples from one step to the next.
pub const STEP: usize = 160;
/// Samples of a frame.
pub const FRAME: usize = 400;
const FFT: usize = 512;
const FILTERS: usize = 26;
const PRE_EMPHASIS: f64 = 0.97;
const LIFTER: f64 = 22.0;
/// Full scale of the 16-bit samples that the reference reads.
const FULL_SCALE: f64 = 32_768.0;

/// Computes coefficients.
pub struct Mfcc {
    fft: Arc<dyn RealToComplex<f64>>,
    /// Weights by filter and frequency.
    filters: Vec<Vec<f64>>,
}

impl Default for Mfcc {
    /// Plans the transform.
    fn default() -> Self {
        Self { fft: RealFftPlanner::new().plan_fft_forward(FFT), filters: filters() }
    }
}

impl Mfcc {
    /// Coefficients of `steps` frames, [`STEP`] apart, of samples −1..1; what is missing at the end is silence. `before` is the sample
    /// before the first (0 where there is none).
    pub fn compute(&self, before: f32, samples: &[f32], steps: usize) -> Vec<[f32; COEFFICIENTS]> {
        let at = |index: usize| FULL_SCALE * f64::from(samples.get(index).copied().unwrap_or(0.0));
        let emphasised = |index: usize| {
            let previous = if index == 0 { FULL_SCALE * f64::from(before) } else { at(index - 1) };
            if index < samples.len() { at(index) - PRE_EMPHASIS * previous } else { 0.0 }
        };
        (0..steps).map(|step| self.frame((0..FRAME).map(|n| emphasised(step * STEP + n)))).collect()
    }

    fn frame(&self, samples: impl Iterator<Item = f64>) -> [f32; COEFFICIENTS] {
        let mut padded: Vec<f64> = samples.collect();
        padded.resize(FFT, 0.0);
        let mut spectrum = self.fft.make_output_vec();
        // Lengths are those that the plan asks for, which is all that can go wrong.
        if self.fft.process(&mut padded, &mut spectrum).is_err() {
            return [0.0; COEFFICIENTS];
        }
        let power: Vec<f64> = spectrum.iter().map(|value| value.norm_sqr() / FFT as f64).collect();
        let not_zero = |value: f64| if value == 0.0 { f64::EPSILON } else { value };
        let energy = not_zero(power.iter().sum());
        let through = |filter: &Vec<f64>| not_zero(filter.iter().zip(&power).map(|(f, p)| f * p).sum()).ln();
        let bands: Vec<f64> = self.filters.iter().map(through).collect();
        std::array::from_fn(|n| if n == 0 { energy.ln() as f32 } else { (lifter(n) * cosine(&bands, n)) as f32 })
    }
}

/// Triangles whose corners are equally spaced in mel.
fn filters() -> Vec<Vec<f64>> {
    let mel = |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10();
    let hertz = |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0);
    let top = mel(f64::from(RATE) / 2.0);
    let corner = |n: usize| {
        let frequency = hertz(top * n as f64 / (FILTERS + 1) as f64);
        ((FFT + 1) as f64 * frequency / f64::from(RATE)).floor()
    };
    let filter = |number: usize| {
        let [left, middle, right] = [corner(number), corner(number + 1), corner(number + 2)];
        let weight = |bin: usize| {
            let bin = bin as f64;
            if bin >= left && bin < middle {
                (bin - left) / (middle - left)
            } else if bin >= middle && bin < right {
                (right - bin) / (right - middle)
            } else {
                0.0
            }
        };
        (0..FFT / 2 + 1).map(weight).collect()
    };
    (0..FILTERS).map(filter).collect()
}

/// The orthonormal discrete cosine transform (type II), one coefficient of it.
fn cosine(values: &[f64], n: usize) -> f64 {
    let count = values.len() as f64;
    let angle = |k: usize| std::f64::consts::PI * n as f64 * (2 * k + 1) as f64 / (2.0 * count);
    (2.0 / count).sqrt() * values.iter().enumerate().map(|(k, value)| value * angle(k).cos()).sum::<f64>()
}

fn lifter(n: usize) -> f64 {
    1.0 + LIFTER / 2.0 * (std::f64::consts::PI * n as f64 / LIFTER).sin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The signal of `tools/parity/lip_sync.py`.
    fn signal(length: usize) -> Vec<f32> {
        let sample = |n: usize| {
            let n = n as f64;
            let value = 8000.0 * (0.05 * n).sin() + 4000.0 * (0.31 * n + 1.0).sin() + 2000.0 * (n * n * 1e-4).sin();
            (value.round() / FULL_SCALE) as f32
        };
        (0..length).map(sample).collect()
    }

    #[test]
    fn coefficients_are_those_of_the_reference() {
        let expected: BTreeMap<String, Vec<Vec<f64>>> =
            serde_json::from_str(include_str!("../tests/parity/mfcc.json")).unwrap();
        let (signal, mfcc) = (signal(8000), Mfcc::default());
        let part = |before: f32, start: usize| mfcc.compute(before, &signal[start..], 20);
        for (name, found) in [("first", part(0.0, 0)), ("from_1600", part(signal[1599], 1600))] {
            for (step, (found, expected)) in found.iter().zip(&expected[name]).enumerate() {
                for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
                    assert!((f64::from(*found) - expected).abs() < 1e-4, "{name} {step} {n}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn silence_has_coefficients() {
        assert!(Mfcc::default().compute(0.0, &[], 3).iter().flatten().all(|value| value.is_finite()));
    }
}
