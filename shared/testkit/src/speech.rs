//! Speech whose every sample is known: the `espeak-ng` program's.
use crate::TestkitError;
use crate::reference::capture;

/// Mono samples (−1..1) at `rate` Hz of a voice ("en", "en+f3", …) that reads `text`, without silence around it.
pub fn speech(text: &str, voice: &str, rate: u32) -> Result<Vec<f32>, TestkitError> {
    let file = tempfile::Builder::new().suffix(".wav").tempfile();
    let file = file.map_err(TestkitError::io(std::env::temp_dir()))?;
    let path = file.path().display().to_string();
    capture("espeak-ng", &["-v", voice, "-z", "-w", &path, text])?;
    let rate = rate.to_string();
    let output = ["-f", "f32le", "-ac", "1", "-ar", &rate, "-"];
    let (bytes, _) = capture("ffmpeg", &[&["-v", "error", "-nostdin", "-i", &path][..], &output[..]].concat())?;
    Ok(bytes.chunks_exact(4).map(|sample| f32::from_le_bytes([sample[0], sample[1], sample[2], sample[3]])).collect())
}

/// How loud sound is around a time, 0..1: the root mean square over 50 ms, of the loudest that there is. What lies outside is
/// silent.
pub fn loudness(samples: &[f32], rate: u32, times: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let half = (0.025 * f64::from(rate)) as i64;
    let level = |time: f64| {
        let centre = (time * f64::from(rate)).round() as i64;
        let within = |at: i64| usize::try_from(at.max(0)).unwrap_or(0).min(samples.len());
        let part = &samples[within(centre - half)..within(centre + half)];
        let sum: f64 = part.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        (sum / (2 * half).max(1) as f64).sqrt()
    };
    let levels: Vec<f64> = times.into_iter().map(level).collect();
    let most = levels.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    levels.into_iter().map(|level| level / most).collect()
}
