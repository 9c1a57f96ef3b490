//! Which frames of a window are source frames of which.
use crate::align::downscaled::Downscaled;
use crate::align::{Region, align, features, follow};
use crate::mask::cover::Cover;
use crate::mask::edges::missed_at_edges;
use crate::mask::gaps::missed;
use crate::mask::hole::Hole;
use crate::settings::InpaintingSettings;
use crate::sources::reference::{Reference, reference};
use framefleet_frames::{Frame, Kind, Rendition};
use framefleet_perception::ChosenMasks;
use framefleet_stage::Batch;
use framefleet_vision::VisionError;
use framefleet_vision::geometry::homography::Homography;
use framefleet_vision::mat::view;
use opencv::core::{self, Mat, Size};
use opencv::imgproc;
use opencv::prelude::*;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Points of the hole that stand for all of it when frames are chosen.
const POINTS: usize = 600;
/// A frame that shows less of the hole, weighted by how little others show it, is not worth aligning.
const WORTH: f64 = 0.01;

/// A batch with what was found out about its frames. It remembers for speed alone: every answer follows from the window of the
/// frame that is asked about.
pub struct Context<'a> {
    batch: &'a Batch,
    settings: &'a InpaintingSettings,
    choice: &'a ChosenMasks,
    kind: Kind,
    covers: BTreeMap<u64, Rc<[Cover]>>,
    holes: BTreeMap<u64, Option<Rc<Hole>>>,
    downscaled_frames: BTreeMap<u64, Rc<Downscaled>>,
    small_pictures: BTreeMap<u64, Rc<[u8]>>,
    links: BTreeMap<(u64, u64), Option<Homography>>,
}

/// A frame that may be chosen.
struct Candidate {
    number: u64,
    guess: Homography,
    /// Whether it shows each of the points.
    shows: Vec<bool>,
}

impl<'a> Context<'a> {
    /// Nothing is known yet.
    pub fn new(batch: &'a Batch, settings: &'a InpaintingSettings, choice: &'a ChosenMasks) -> Self {
        Self {
            batch,
            settings,
            choice,
            kind: Kind::new("mask"),
            covers: BTreeMap::new(),
            holes: BTreeMap::new(),
            downscaled_frames: BTreeMap::new(),
            small_pictures: BTreeMap::new(),
            links: BTreeMap::new(),
        }
    }

    /// A frame of the window.
    pub fn frame(&self, number: u64) -> Option<&'a Frame> {
        self.batch.frame(Rendition::Full, number)
    }

    /// The hole of a frame; `None` when nothing is to be removed from it.
    pub fn hole(&mut self, frame: &Frame) -> Result<Option<Rc<Hole>>, VisionError> {
        if let Some(known) = self.holes.get(&frame.number) {
            return Ok(known.clone());
        }
        let size = (frame.image.width(), frame.image.height());
        let own = self.covers(frame.number, size)?;
        let gap = u64::from(self.settings.gap);
        let missed = missed(frame.number, gap, size, |near| self.neighbours_covers(near, size))?;
        let at_edges = missed_at_edges(frame.number, gap, size, |near| {
            if self.is_same_scene(frame.number, near)? { self.neighbours_covers(near, size) } else { Ok(Rc::from([])) }
        })?;
        let grow = pixels(self.settings.grow_percent, size);
        let hole = Hole::of(own.iter().chain(&missed).chain(&at_edges), size, grow)?.map(Rc::new);
        self.holes.insert(frame.number, hole.clone());
        Ok(hole)
    }

    /// What the chosen masks of a neighbour cover: masks that are none cost the frame that they are of, not its neighbours.
    fn neighbours_covers(&mut self, number: u64, size: (u32, u32)) -> Result<Rc<[Cover]>, VisionError> {
        match self.covers(number, size) {
            Err(error) if !matches!(error, VisionError::OpenCv(_)) => Ok(Rc::from([])),
            covers => covers,
        }
    }

    /// Whether two frames of the window show one scene, as far as small pictures of them tell.
    fn is_same_scene(&mut self, a: u64, b: u64) -> Result<bool, VisionError> {
        /// Mean difference of two scenes, levels of 255.
        const ANOTHER: f64 = 25.0;
        let (Some(a), Some(b)) = (self.small_picture(a)?, self.small_picture(b)?) else { return Ok(false) };
        let sum: u32 = a.iter().zip(b.iter()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        Ok(f64::from(sum) < ANOTHER * a.len().max(1) as f64)
    }

    /// Levels of a frame at 16 × 16 pixels; `None` when it is not there.
    fn small_picture(&mut self, number: u64) -> Result<Option<Rc<[u8]>>, VisionError> {
        if let Some(known) = self.small_pictures.get(&number) {
            return Ok(Some(Rc::clone(known)));
        }
        let Some(frame) = self.frame(number) else { return Ok(None) };
        let mut small = Mat::default();
        imgproc::resize(&view(&frame.image)?, &mut small, Size::new(16, 16), 0.0, 0.0, imgproc::INTER_AREA)?;
        let mut eight = Mat::default();
        let scale = if small.depth() == core::CV_16U { 1.0 / 257.0 } else { 1.0 };
        small.convert_to(&mut eight, core::CV_8U, scale, 0.0)?;
        let levels: Rc<[u8]> = eight.reshape(1, 0)?.data_bytes()?.into();
        self.small_pictures.insert(number, Rc::clone(&levels));
        Ok(Some(levels))
    }

    /// What the chosen masks of a frame cover, one by one.
    fn covers(&mut self, number: u64, size: (u32, u32)) -> Result<Rc<[Cover]>, VisionError> {
        if let Some(known) = self.covers.get(&number) {
            return Ok(Rc::clone(known));
        }
        let masks = self.choice.of_frame(self.batch, number, &self.kind);
        let covers = masks.map(|mask| Cover::of(mask, size)).filter_map(Result::transpose);
        let covers: Rc<[Cover]> = covers.collect::<Result<Vec<_>, _>>()?.into();
        self.covers.insert(number, Rc::clone(&covers));
        Ok(covers)
    }

    /// The source frames of a hole, nearest first.
    pub fn references(&mut self, frame: &Frame) -> Result<Vec<Reference>, VisionError> {
        self.forget(frame.number);
        let target = self.downscaled(frame)?;
        let candidates = self.candidates(frame.number, &target)?;
        let mut chosen = Vec::new();
        for candidate in choose(candidates, frame.number, self.settings) {
            let Some(source) = self.frame(candidate.number) else { continue };
            let other = self.downscaled(source)?;
            let Some(map) = align(&target, &other, &candidate.guess, Region::AroundHole)? else { continue };
            let distance = candidate.number.abs_diff(frame.number) as f64 / f64::from(self.settings.window.max(1));
            let format = frame.image.format();
            let both = (&*target, &*other);
            chosen.extend(reference(candidate.number, both, &map, self.settings.flow, distance, format)?);
        }
        chosen.sort_by_key(|of| (of.number.abs_diff(frame.number), of.number));
        Ok(chosen)
    }

    /// Pixels of a frame per pixel of its downscaled image, across and down.
    pub fn scale(&mut self, frame: &Frame) -> Result<(f64, f64), VisionError> {
        Ok(self.downscaled(frame)?.scale)
    }

    /// The frames of the window around `number` that a chain of alignments reaches. Where enough feature points around the hole can be
    /// followed there from frame to frame, these say where to look; else the chain does.
    fn candidates(&mut self, number: u64, target: &Rc<Downscaled>) -> Result<Vec<Candidate>, VisionError> {
        let (points, found) = (points(target)?, features(target, Region::AroundHole)?);
        let reach = u64::from(self.settings.window);
        let window = self.batch.window();
        let before = (number.saturating_sub(reach).max(window.start)..number).rev().collect::<Vec<_>>();
        let after = (number + 1..(number + reach + 1).min(window.end)).collect::<Vec<_>>();
        let mut candidates = Vec::new();
        for side in [before, after] {
            let (mut last, mut latest, mut chain) = (number, Rc::clone(target), Homography::IDENTITY);
            let mut tracks = found.clone();
            for other in side {
                let Some(source) = self.frame(other).filter(|source| self.fits(number, source)) else { continue };
                let Some(link) = self.link(last, other)? else { break };
                let downscaled = self.downscaled(source)?;
                follow(&mut tracks, &latest, &downscaled, &link)?;
                (last, latest, chain) = (other, Rc::clone(&downscaled), chain.then(&link));
                let guess = tracks.map(downscaled.size())?.unwrap_or(chain);
                let shows =
                    points.iter().map(|point| shows(&downscaled, &guess, *point)).collect::<Result<Vec<_>, _>>()?;
                // A frame of which nobody knows what is to be removed from it would be a source of that, too.
                if self.batch.has_result(other, &self.kind) {
                    candidates.push(Candidate { number: other, guess, shows });
                }
            }
        }
        Ok(candidates)
    }

    /// Whether a frame has the size and format of another.
    fn fits(&self, number: u64, other: &Frame) -> bool {
        self.frame(number).is_some_and(|frame| {
            (frame.image.width(), frame.image.height(), frame.image.format())
                == (other.image.width(), other.image.height(), other.image.format())
        })
    }

    /// The map from one frame to the next one that is there, in either direction.
    fn link(&mut self, from: u64, to: u64) -> Result<Option<Homography>, VisionError> {
        let key = (from.min(to), from.max(to));
        let forwards = match self.links.get(&key) {
            Some(link) => *link,
            None => {
                let (Some(a), Some(b)) = (self.frame(key.0), self.frame(key.1)) else { return Ok(None) };
                let (a, b) = (self.downscaled(a)?, self.downscaled(b)?);
                let link = align(&a, &b, &Homography::IDENTITY, Region::Everything)?;
                self.links.insert(key, link);
                link
            }
        };
        Ok(if from < to { forwards } else { forwards.and_then(|link| link.inverse()) })
    }

    fn downscaled(&mut self, frame: &Frame) -> Result<Rc<Downscaled>, VisionError> {
        if let Some(downscaled) = self.downscaled_frames.get(&frame.number) {
            return Ok(Rc::clone(downscaled));
        }
        let hole = self.hole(frame)?;
        let downscaled = Rc::new(Downscaled::of(&frame.image, hole.as_deref(), self.settings.analysis_side)?);
        self.downscaled_frames.insert(frame.number, Rc::clone(&downscaled));
        Ok(downscaled)
    }

    /// Drops what no later frame reads.
    fn forget(&mut self, number: u64) {
        let first = number.saturating_sub(u64::from(self.settings.window));
        self.downscaled_frames.retain(|of, _| *of >= first);
        self.holes.retain(|of, _| *of >= first);
        self.covers.retain(|of, _| *of + u64::from(self.settings.gap) >= first);
        self.small_pictures.retain(|of, _| *of + u64::from(self.settings.gap) >= first);
        self.links.retain(|(of, _), _| *of >= first);
    }
}

/// Percent of the long side in pixels.
pub fn pixels(percent: f64, size: (u32, u32)) -> f64 {
    percent / 100.0 * f64::from(size.0.max(size.1))
}

/// Points on a regular grid over the hole, small size.
fn points(target: &Downscaled) -> opencv::Result<Vec<(i32, i32)>> {
    let mut all = Vec::new();
    for y in 0..target.hole.rows() {
        let row = target.hole.at_row::<u8>(y)?;
        all.extend(row.iter().enumerate().filter(|(_, set)| **set != 0).map(|(x, _)| (x as i32, y)));
    }
    let step = all.len().div_ceil(POINTS).max(1);
    Ok(all.into_iter().step_by(step).collect())
}

/// Whether a frame shows the background at a point of the target.
fn shows(other: &Downscaled, map: &Homography, (x, y): (i32, i32)) -> opencv::Result<bool> {
    let (u, v) = map.apply(f64::from(x), f64::from(y));
    let (u, v) = (u.round(), v.round());
    let size = other.size();
    if !(u >= 0.0 && v >= 0.0 && u < f64::from(size.width) && v < f64::from(size.height)) {
        return Ok(false);
    }
    Ok(*other.hole.at_2d::<u8>(v as i32, u as i32)? == 0)
}

/// Greedily the frames that show most of what those chosen before show least; near ones rather than far ones.
fn choose(mut candidates: Vec<Candidate>, number: u64, settings: &InpaintingSettings) -> Vec<Candidate> {
    let count = candidates.first().map_or(0, |candidate| candidate.shows.len());
    let mut seen = vec![0_u32; count];
    let mut chosen = Vec::new();
    while chosen.len() < settings.references as usize {
        let worth = |candidate: &Candidate| {
            let gain = |(shows, seen): (&bool, &u32)| if *shows { 1.0 / f64::from(1 + seen).powi(2) } else { 0.0 };
            let shown: f64 = candidate.shows.iter().zip(&seen).map(gain).sum();
            let distance = candidate.number.abs_diff(number) as f64 / f64::from(settings.window.max(1));
            shown / count.max(1) as f64 / (1.0 + 0.5 * distance)
        };
        // Of equal worth the nearest, and of those the earlier.
        let rank = |candidate: &Candidate| (candidate.number.abs_diff(number), candidate.number);
        let best = (0..candidates.len()).max_by(|&a, &b| {
            worth(&candidates[a])
                .total_cmp(&worth(&candidates[b]))
                .then(rank(&candidates[b]).cmp(&rank(&candidates[a])))
        });
        let Some(best) = best.filter(|&best| worth(&candidates[best]) >= WORTH) else { break };
        let candidate = candidates.swap_remove(best);
        for (seen, shows) in seen.iter_mut().zip(&candidate.shows) {
            *seen += u32::from(*shows);
        }
        chosen.push(candidate);
    }
    chosen
}
