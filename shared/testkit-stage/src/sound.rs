//! What is heard.
use framefleet_frames::Item;
use framefleet_stage::{Audio, AudioSource};
use std::ops::Range;

/// Items without sound.
pub struct Silence;

impl AudioSource for Silence {
    fn read(&self, _: &Item, _: Option<u32>, _: Range<i64>, _: u32) -> Result<Option<Audio>, String> {
        Ok(None)
    }
}

/// Sound in memory, which begins with the first frame; silence before and behind.
pub struct Heard {
    /// Samples per second; no other rate can be asked for.
    pub rate: u32,
    /// Mono samples, −1..1.
    pub samples: Vec<f32>,
}

impl AudioSource for Heard {
    fn read(&self, _: &Item, _track: Option<u32>, range_ns: Range<i64>, rate: u32) -> Result<Option<Audio>, String> {
        if rate != self.rate {
            return Err(format!("there are {} samples per second, not {rate}", self.rate));
        }
        let number = |ns: i64| (i128::from(ns) * i128::from(rate)).div_euclid(1_000_000_000) as i64;
        let at = |n: i64| usize::try_from(n).ok().and_then(|n| self.samples.get(n)).copied().unwrap_or(0.0);
        Ok(Some(Audio { rate, samples: (number(range_ns.start)..number(range_ns.end)).map(at).collect() }))
    }
}

/// Several sound tracks, by their numbers; the first is the default one.
pub struct Tracks(pub Vec<Heard>);

impl AudioSource for Tracks {
    fn read(&self, item: &Item, track: Option<u32>, range_ns: Range<i64>, rate: u32) -> Result<Option<Audio>, String> {
        let heard = self.0.get(track.unwrap_or(0) as usize);
        heard.map_or(Ok(None), |heard| heard.read(item, None, range_ns, rate))
    }
}

/// For a half that did not ask for sound.
pub(crate) struct NotAsked;

impl AudioSource for NotAsked {
    fn read(&self, _: &Item, _: Option<u32>, _: Range<i64>, _: u32) -> Result<Option<Audio>, String> {
        Err("sound is for those who ask for it: HalfNeeds::side_inputs.audio".to_owned())
    }
}
