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
/// Height of persons in the model's input from which the whole frame is enough, as a share of the input's side: they are found as well
/// as can be.
const LARGE: f32 = 0.35;
/// The least height at which the model finds persons reliably: below, more tiles are taken though they find no more. On pedestrians
/// of 0.12 it finds one in five, of 0.23 three in five (docs/quality.md).
const LEAST: f32 = 0.2;
/// So many frames of a batch after one in which nobody was found, tiles are tried again: people come into the picture.
const AGAIN: u32 = 16;
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
    /// Tiles along each side; `None` until they have been measured.
    tiles: Option<u32>,
    /// Frames that are done as they are before tiles are measured again.
    pause: u32,
}

impl<'a> Search<'a> {
    /// Begins with a batch.
    pub fn new(detection: &'a Detection, settings: &'a PoseSettings, is_stills: bool) -> Self {
        let given = match (settings.tiles, settings.detector) {
            (0, Detector::Multi) => None,
            (given, _) => Some(given.max(1)),
        };
        Self { detection, settings, is_stills, tiles: given, pause: 0 }
    }

    /// The persons of the next frame. Where the number of tiles is to be measured, it is that of the batch's first frame in which somebody
    /// is found (of each of stills); a frame that is at the limit gets more all the same.
    pub fn find(&mut self, view: &FrameView<'_>) -> Result<Found, PerceptionError> {
        let Some(tiles) = self.tiles else {
            if self.pause > 0 {
                self.pause -= 1;
                return self.with_tiles(view, 1);
            }
            let (found, tiles) = self.measured(view)?;
            if found.persons.is_empty() {
                self.pause = if self.is_stills { 0 } else { AGAIN - 1 };
            } else {
                self.tiles = (!self.is_stills).then_some(tiles);
            }
            return Ok(found);
        };
        let found = self.with_tiles(view, tiles)?;
        if self.settings.tiles == 0 && found.at_limit && tiles < MOST_TILES {
            return self.with_tiles(view, tiles + 1);
        }
        Ok(found)
    }

    /// The fewest tiles with which as many persons are found as with any, and are large enough in the model's input; what was found with
    /// them. Only the whole frame is searched where that shows persons large.
    fn measured(&self, view: &FrameView<'_>) -> Result<(Found, u32), PerceptionError> {
        let size = (view.rgb().cols(), view.rgb().rows());
        let sure = |found: &Found| found.persons.iter().filter(|person| person.score >= SURE).count();
        let whole = self.with_tiles(view, 1)?;
        if sure(&whole) > 0 && !whole.at_limit && shares(&whole, size, 1).iter().all(|share| *share >= LARGE) {
            return Ok((whole, 1));
        }
        let mut tried = vec![whole];
        for tiles in 2..=MOST_TILES {
            tried.push(self.with_tiles(view, tiles)?);
            // Without anybody in four tiles there is hardly anybody in nine: most pictures without people cost five searches, not fifteen.
            if tried.iter().all(|found| sure(found) == 0) {
                break;
            }
        }
        let most = tried.iter().map(sure).max().unwrap_or_default();
        let finds_all: Vec<(u32, &Found)> = (1..).zip(&tried).filter(|(_, found)| sure(found) == most).collect();
        let is_large =
            |(tiles, found): &&(u32, &Found)| median(&shares(found, size, *tiles)).is_none_or(|share| share >= LEAST);
        // Where persons are too small with any, as many as there are.
        let chosen = finds_all.iter().find(is_large).or(finds_all.last());
        let tiles = if most > 0 { chosen.map_or(1, |(tiles, _)| *tiles) } else { 1 };
        Ok((tried.swap_remove(tiles as usize - 1), tiles))
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

/// Heights of persons in the model's input, as shares of its side, when a frame of a size is searched in so many tiles.
fn shares(found: &Found, size: (i32, i32), tiles: u32) -> Vec<f32> {
    let side = part_tiles(size, tiles).last().map_or(1, |tile| tile.place.width.max(tile.place.height)) as f32;
    let sure = found.persons.iter().filter(|person| person.score >= SURE);
    sure.map(|person| (person.bbox[3] - person.bbox[1]) / side).collect()
}

/// The value in the middle; `None` of no values.
fn median(values: &[f32]) -> Option<f32> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// Whether a tile's border inside the frame cuts a person off: another tile, or the whole frame, has all of them.
fn is_cut(person: &Person, tile: &Tile) -> bool {
    tile.cuts(&person.bbox, BORDER)
}
