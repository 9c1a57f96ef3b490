//! What is heard with several films.
use crate::Film;
use framefleet_frames::Item;
use framefleet_stage::{Audio, AudioSource};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// What is heard with each of several films.
pub(crate) struct Soundtracks(HashMap<String, Arc<dyn AudioSource>>);

impl Soundtracks {
    pub(crate) fn of(films: &[Film]) -> Self {
        Self(films.iter().map(|film| (film.item.name.clone(), Arc::clone(&film.audio))).collect())
    }
}

impl AudioSource for Soundtracks {
    fn read(&self, item: &Item, track: Option<u32>, range_ns: Range<i64>, rate: u32) -> Result<Option<Audio>, String> {
        let of_item = self.0.get(&item.name).ok_or_else(|| format!("there is no film \"{}\"", item.name))?;
        of_item.read(item, track, range_ns, rate)
    }
}
