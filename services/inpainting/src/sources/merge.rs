//! One value out of several.
use crate::settings::Blend;

/// A pixel as a reference shows it.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Its channels.
    pub values: [f32; 4],
    /// How far it is trusted, above 0.
    pub trust: f32,
}

/// The pixel that several references, at least one, make together, channel by channel.
pub fn merge(shown: &[Shown], channels: usize, blend: Blend) -> [f32; 4] {
    let mut merged = [0.0; 4];
    match blend {
        Blend::Best => {
            let best = shown.iter().reduce(|best, other| if other.trust > best.trust { other } else { best });
            merged = best.map_or(merged, |best| best.values);
        }
        Blend::Average => {
            let sum: f32 = shown.iter().map(|one| one.trust).sum();
            for (channel, value) in merged.iter_mut().enumerate().take(channels) {
                *value = shown.iter().map(|one| one.trust * one.values[channel]).sum::<f32>() / sum;
            }
        }
        Blend::Median => {
            for (channel, value) in merged.iter_mut().enumerate().take(channels) {
                *value = median(shown, channel);
            }
        }
    }
    merged
}

/// Weighted median: the value that has half of the weight on each side; between two that share the middle, their mean.
fn median(shown: &[Shown], channel: usize) -> f32 {
    const MAX: usize = 16;
    let mut sorted = [(0.0_f32, 0.0_f32); MAX];
    let count = shown.len().min(MAX);
    for (slot, one) in sorted.iter_mut().zip(shown) {
        *slot = (one.values[channel], one.trust);
    }
    let sorted = &mut sorted[..count];
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let half = sorted.iter().map(|(_, trust)| trust).sum::<f32>() / 2.0;
    let mut below = 0.0;
    for (at, (value, trust)) in sorted.iter().enumerate() {
        below += trust;
        if below == half {
            return sorted.get(at + 1).map_or(*value, |(next, _)| (value + next) / 2.0);
        }
        if below > half {
            return *value;
        }
    }
    sorted.last().map_or(0.0, |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(of: &[(f32, f32)]) -> Vec<Shown> {
        of.iter().map(|&(value, trust)| Shown { values: [value, 2.0 * value, 0.0, 0.0], trust }).collect()
    }

    #[test]
    fn the_three_ways_differ() {
        let shown = shown(&[(10.0, 0.3), (20.0, 0.3), (90.0, 0.4)]);
        assert_eq!(merge(&shown, 2, Blend::Median)[..2], [20.0, 40.0]);
        assert_eq!(merge(&shown, 2, Blend::Best)[..2], [90.0, 180.0]);
        let average = merge(&shown, 2, Blend::Average);
        assert!((average[0] - 45.0).abs() < 1e-4 && (average[1] - 90.0).abs() < 1e-4);
    }

    #[test]
    fn equal_halves_meet_in_the_middle() {
        assert_eq!(merge(&shown(&[(30.0, 0.5), (10.0, 0.5)]), 1, Blend::Median)[0], 20.0);
        assert_eq!(merge(&shown(&[(7.0, 0.1)]), 1, Blend::Median)[0], 7.0);
    }
}
