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
const AGAIN: usize = 16;
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

/// Looks for the persons of a batch's frames: as many frames together as do not wait for what is found in others.
pub struct Search<'a> {
    detection: &'a Detection,
    settings: &'a PoseSettings,
    /// Whether frames have nothing to do with each other, so that each is measured.
    is_stills: bool,
}

impl<'a> Search<'a> {
    /// Begins with a batch.
    pub fn new(detection: &'a Detection, settings: &'a PoseSettings, is_stills: bool) -> Self {
        Self { detection, settings, is_stills }
    }

    /// The persons of each frame. Where the number of tiles is to be measured, it is that of the first frame in which somebody is found
    /// (of each of stills); a frame that is at the limit gets more all the same.
    pub fn find(&self, views: &[FrameView<'_>]) -> Result<Vec<Found>, PerceptionError> {
        let views: Vec<&FrameView<'_>> = views.iter().collect();
        match (self.settings.tiles, self.settings.detector) {
            (0, Detector::Multi) if self.is_stills => {
                Ok(self.measured(&views)?.into_iter().map(|(found, _)| found).collect())
            }
            (0, Detector::Multi) => self.of_film(&views),
            (given, _) => self.with_tiles(&views, given.max(1)),
        }
    }

    /// The persons of a film's frames. Which tiles a frame is searched in depends on what was found in those before it: frames in between
    /// go together.
    fn of_film(&self, views: &[&FrameView<'_>]) -> Result<Vec<Found>, PerceptionError> {
        let mut all: Vec<Found> = Vec::with_capacity(views.len());
        while let Some(view) = views.get(all.len()) {
            let Some((found, tiles)) = self.measured(&[view])?.pop() else { break };
            let is_empty = found.persons.is_empty();
            all.push(found);
            let rest = &views[all.len()..];
            if is_empty {
                all.extend(self.with_tiles(&rest[..rest.len().min(AGAIN - 1)], 1)?);
            } else {
                all.extend(self.with_more_at_limit(rest, tiles)?);
            }
        }
        Ok(all)
    }

    /// Looks in the whole frame and in so many tiles along each side, and in more of frames that are at the limit.
    fn with_more_at_limit(&self, views: &[&FrameView<'_>], tiles: u32) -> Result<Vec<Found>, PerceptionError> {
        let mut all = self.with_tiles(views, tiles)?;
        if tiles < MOST_TILES {
            let at_limit: Vec<usize> = (0..all.len()).filter(|&at| all[at].at_limit).collect();
            let again: Vec<&FrameView<'_>> = at_limit.iter().map(|&at| views[at]).collect();
            let more = self.with_tiles(&again, tiles + 1)?;
            at_limit.into_iter().zip(more).for_each(|(at, found)| all[at] = found);
        }
        Ok(all)
    }

    /// For each frame the fewest tiles with which as many persons are found as with any, and are large enough in the model's input; what
    /// was found with them. Only the whole frame is searched where that shows persons large.
    fn measured(&self, views: &[&FrameView<'_>]) -> Result<Vec<(Found, u32)>, PerceptionError> {
        let mut tried: Vec<Vec<Found>> = self.with_tiles(views, 1)?.into_iter().map(|found| vec![found]).collect();
        for tiles in 2..=MOST_TILES {
            let is_open = |&at: &usize| !self.is_enough(&tried[at], size(views[at]));
            let open: Vec<usize> = (0..views.len()).filter(is_open).collect();
            let again: Vec<&FrameView<'_>> = open.iter().map(|&at| views[at]).collect();
            let found = self.with_tiles(&again, tiles)?;
            open.into_iter().zip(found).for_each(|(at, found)| tried[at].push(found));
        }
        Ok(views.iter().zip(tried).map(|(view, tried)| best(tried, size(view))).collect())
    }

    /// Whether more tiles than were tried would find nobody else: the whole frame shows persons large. Of stills, also when four tiles show
    /// nobody, and there is hardly anybody in nine: most pictures without people cost five searches, not fifteen. In a film the next frames
    /// are searched as this one is.
    fn is_enough(&self, tried: &[Found], size: (i32, i32)) -> bool {
        match tried {
            [whole] => sure(whole) > 0 && !whole.at_limit && shares(whole, size, 1).iter().all(|share| *share >= LARGE),
            all => self.is_stills && all.iter().all(|found| sure(found) == 0),
        }
    }

    /// Looks in each whole frame and in so many tiles along each side.
    fn with_tiles(&self, views: &[&FrameView<'_>], tiles: u32) -> Result<Vec<Found>, PerceptionError> {
        let settings = self.settings;
        let (min_score, min_visibility) = (settings.min_score as f32, settings.min_visibility as f32);
        let places: Vec<Vec<Tile>> = views.iter().map(|view| part_tiles(size(view), tiles)).collect();
        let parts = views
            .iter()
            .zip(&places)
            .flat_map(|(view, places)| places.iter().map(|tile| Mat::roi(view.rgb(), tile.place)));
        let parts = parts.collect::<opencv::Result<Vec<_>>>()?;
        let found = match self.detection {
            Detection::Multi(multi) => multi.find(&parts, min_score)?,
            Detection::Single(single) => single.find(&parts, min_score, min_visibility)?,
            Detection::Blazepose(blazepose) => blazepose.find(&parts, min_score)?,
        };
        let mut found = found.into_iter();
        Ok(places.iter().map(|places| self.joined(places, found.by_ref().take(places.len()).collect())).collect())
    }

    /// The persons of a frame, of what was found in its parts.
    fn joined(&self, places: &[Tile], found: Vec<Vec<Person>>) -> Found {
        let settings = self.settings;
        let is_multi = matches!(self.detection, Detection::Multi(_));
        // Where there are tiles, the whole frame is not what finds all.
        let searched = if places.len() > 1 { &found[1..] } else { &found[..] };
        let at_limit = is_multi && searched.iter().any(|persons| persons.len() >= multi::MOST);
        let mut all = Vec::new();
        for (persons, tile) in found.into_iter().zip(places) {
            let whole = persons.into_iter().filter(|person| settings.tiles > 0 || !is_cut(person, tile));
            all.extend(whole.map(|person| person.map(|point| tile.back(point))));
        }
        let (similarity, min_visibility) = (settings.duplicate_similarity as f32, settings.min_visibility as f32);
        let persons = unique(all, similarity, min_visibility, settings.max_persons as usize);
        Found { persons, at_limit }
    }
}

/// Width and height of a view.
fn size(view: &FrameView<'_>) -> (i32, i32) {
    (view.rgb().cols(), view.rgb().rows())
}

/// Persons who count when numbers are compared.
fn sure(found: &Found) -> usize {
    found.persons.iter().filter(|person| person.score >= SURE).count()
}

/// The best of what was found in a frame of a size with one tile, two along each side, and so on, and with how many that was.
fn best(mut tried: Vec<Found>, size: (i32, i32)) -> (Found, u32) {
    let most = tried.iter().map(sure).max().unwrap_or_default();
    let finds_all: Vec<(u32, &Found)> = (1..).zip(&tried).filter(|(_, found)| sure(found) == most).collect();
    let is_large =
        |(tiles, found): &&(u32, &Found)| median(&shares(found, size, *tiles)).is_none_or(|share| share >= LEAST);
    // Where persons are too small with any, as many as there are.
    let chosen = finds_all.iter().find(is_large).or(finds_all.last());
    let tiles = if most > 0 { chosen.map_or(1, |(tiles, _)| *tiles) } else { 1 };
    (tried.swap_remove(tiles as usize - 1), tiles)
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
