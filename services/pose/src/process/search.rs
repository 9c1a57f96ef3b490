//! Where persons are looked for: in the whole frame, and in tiles of it where that finds more.
use super::Detection;
use super::tiles::{part_tiles, unique};
use crate::models::multi;
use crate::person::Person;
use crate::{Detector, PoseSettings};
use framefleet_perception::tiles::Tile;
use framefleet_perception::{FrameView, PerceptionError};
use opencv::core::{Mat, MatTraitConst};

/// Tiles along each side that are tried where their number is to be measured: with more, tiles of a proxy have fewer pixels than the
/// model's input.
const MOST_TILES: u32 = 3;
/// Persons of this score or more count when numbers are compared.
const SURE: f32 = 0.3;
/// A person this close to a tile's border inside the frame is cut off by it, pixels.
const BORDER: f32 = 2.0;

/// The persons of a frame, in pixels of its view.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Each once, the best first.
    pub persons: Vec<Person>,
    /// Whether some part of the frame has as many as the model finds in one go: there may be more.
    pub at_limit: bool,
}

/// Looks for the persons of a batch's frames, one after the other.
pub struct Search<'a> {
    detection: &'a Detection,
    settings: &'a PoseSettings,
    /// Whether frames have nothing to do with each other, so that each is measured.
    is_stills: bool,
    /// Tiles along each side; `None` until the first frame has been measured.
    tiles: Option<u32>,
}

impl<'a> Search<'a> {
    /// Begins with a batch.
    pub fn new(detection: &'a Detection, settings: &'a PoseSettings, is_stills: bool) -> Self {
        let given = match (settings.tiles, settings.detector) {
            (0, Detector::Multi) => None,
            (given, _) => Some(given.max(1)),
        };
        Self { detection, settings, is_stills, tiles: given }
    }

    /// The persons of the next frame. Where the number of tiles is to be measured, it is that of the batch's first frame (of each of
    /// stills); a frame that is at the limit gets more all the same.
    pub fn find(&mut self, view: &FrameView<'_>) -> Result<Found, PerceptionError> {
        let Some(tiles) = self.tiles else {
            let (found, tiles) = self.measured(view)?;
            self.tiles = (!self.is_stills).then_some(tiles);
            return Ok(found);
        };
        let found = self.with_tiles(view, tiles)?;
        if self.settings.tiles == 0 && found.at_limit && tiles < MOST_TILES {
            return self.with_tiles(view, tiles + 1);
        }
        Ok(found)
    }

    /// Tries more and more tiles for as long as that finds more persons; what was found, and with how many.
    fn measured(&self, view: &FrameView<'_>) -> Result<(Found, u32), PerceptionError> {
        let sure = |found: &Found| found.persons.iter().filter(|person| person.score >= SURE).count();
        let (mut best, mut chosen) = (self.with_tiles(view, 1)?, 1);
        for tiles in 2..=MOST_TILES {
            let more = self.with_tiles(view, tiles)?;
            if sure(&more) <= sure(&best) {
                break;
            }
            (best, chosen) = (more, tiles);
        }
        Ok((best, chosen))
    }

    /// Looks in the whole frame and in so many tiles along each side.
    fn with_tiles(&self, view: &FrameView<'_>, tiles: u32) -> Result<Found, PerceptionError> {
        let settings = self.settings;
        let (min_score, min_visibility) = (settings.min_score as f32, settings.min_visibility as f32);
        let places = part_tiles((view.rgb().cols(), view.rgb().rows()), tiles);
        let parts = places.iter().map(|tile| Mat::roi(view.rgb(), tile.place)).collect::<opencv::Result<Vec<_>>>()?;
        let found = match self.detection {
            Detection::Multi(multi) => multi.find(&parts, min_score)?,
            Detection::Single(single) => single.find(&parts, min_score, min_visibility)?,
            Detection::Blazepose(blazepose) => blazepose.find(&parts, min_score)?,
        };
        let is_multi = matches!(self.detection, Detection::Multi(_));
        // Where there are tiles, the whole frame is not what finds all.
        let searched = if places.len() > 1 { &found[1..] } else { &found[..] };
        let at_limit = is_multi && searched.iter().any(|persons| persons.len() >= multi::MOST);
        let mut all = Vec::new();
        for (persons, tile) in found.into_iter().zip(&places) {
            let whole = persons.into_iter().filter(|person| self.settings.tiles > 0 || !is_cut(person, tile));
            all.extend(whole.map(|person| person.map(|point| tile.back(point))));
        }
        let similarity = settings.duplicate_similarity as f32;
        let persons = unique(all, similarity, min_visibility, settings.max_persons as usize);
        Ok(Found { persons, at_limit })
    }
}

/// Whether a tile's border inside the frame cuts a person off: another tile, or the whole frame, has all of them.
fn is_cut(person: &Person, tile: &Tile) -> bool {
    tile.cuts(&person.bbox, BORDER)
}
