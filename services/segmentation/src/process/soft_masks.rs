//! Soft masks by models that take one image: of persons with their surroundings or of the whole, temporally smoothed by earlier frames.
use super::Task;
use crate::input::persons::{Person, scaled};
use crate::input::view::{View, resized};
use crate::masks::temporal;
use crate::models::foreground::{Foreground, label};
use crate::settings::PERSON;
use framefleet_frames::ItemKind;
use framefleet_perception::PerceptionError;
use framefleet_stage::{Outputs, StageError};
use opencv::boxed_ref::BoxedRef;
use opencv::core::{self, Mat, Rect, Scalar, Size};
use opencv::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What a model made of a view.
struct SoftMask {
    /// `CV_32FC1`, stretched over the whole view.
    soft_mask: Mat,
    /// Luma of the view in the same size, where soft masks are smoothed.
    luma: Option<Mat>,
}

impl SoftMask {
    fn with_luma(&self) -> Option<(&Mat, &Mat)> {
        self.luma.as_ref().map(|luma| (&self.soft_mask, luma))
    }
}

/// Frames whose images go through a model together: they and what the model makes of them are in memory at the same time.
const FRAMES: usize = 8;

/// A frame as a model is shown it.
struct Shown<'a> {
    number: u64,
    views: Vec<View<'a>>,
    people: Vec<Vec<Person>>,
}

impl Task<'_> {
    /// A few frames at a time: all persons, or both eyes, of all of them in micro-batches. The soft masks of the last frames are kept for
    /// smoothing.
    pub(super) fn foreground(&self, model: &Foreground, role: &str, out: &mut Outputs) -> Result<(), StageError> {
        let mut known: BTreeMap<u64, Vec<SoftMask>> = BTreeMap::new();
        for wanted in self.batch.frames().chunks(FRAMES) {
            let is_wanted = |number: u64| wanted.binary_search(&number).is_ok();
            let mut shown: Vec<Shown<'_>> = Vec::new();
            for number in self.needed(wanted).into_iter().filter(|number| !known.contains_key(number)) {
                match self.frame(number) {
                    Ok(views) => shown.push(Shown { number, people: self.persons(number, &views), views }),
                    Err(error) if is_wanted(number) => error.settle(number, out)?,
                    // An earlier frame that cannot be read does not count.
                    Err(_) => {}
                }
            }
            known.extend(self.run_model(model, role, &shown)?);
            for shown in shown.into_iter().filter(|shown| is_wanted(shown.number)) {
                let Shown { number, views, people } = shown;
                let soft_masks = self.soft_masks(number, &mut known);
                let made = soft_masks.and_then(|soft_masks| self.instances(&views, &people, soft_masks));
                self.publish(number, made.map(|instances| (views, instances)), label(role), out)?;
            }
            let last = wanted.last().copied().unwrap_or_default();
            known.retain(|old, _| old + u64::from(self.settings.steady_frames) > last);
        }
        Ok(())
    }

    /// Whether earlier frames have a say.
    fn smooths(&self) -> bool {
        self.settings.steady_frames > 0 && self.batch.item().kind() != ItemKind::Stills
    }

    /// The frames that a frame's soft masks are averaged with, before it.
    fn earlier(&self, number: u64) -> Range<u64> {
        let steady = if self.smooths() { u64::from(self.settings.steady_frames) } else { 0 };
        number.saturating_sub(steady).max(self.batch.window().start)..number
    }

    /// Frames, and those before them that have a say.
    fn needed(&self, wanted: &[u64]) -> BTreeSet<u64> {
        wanted.iter().flat_map(|number| self.earlier(*number).chain([*number])).collect()
    }

    /// What the model makes of the views of frames: of each person with surroundings, else of the whole. A model of stills sees the
    /// whole always.
    fn run_model(
        &self,
        model: &Foreground,
        role: &str,
        shown: &[Shown<'_>],
    ) -> Result<Vec<(u64, Vec<SoftMask>)>, PerceptionError> {
        let regions = |view: &View<'_>, people: &[Person]| match role == PERSON && !people.is_empty() {
            true => self.regions(model.size(), view, people).into_iter().map(Some).collect(),
            false => vec![None],
        };
        let of_frame = |shown: &Shown<'_>| -> Vec<Vec<Option<Rect>>> {
            shown.views.iter().zip(&shown.people).map(|(view, people)| regions(view, people)).collect()
        };
        let places: Vec<Vec<Vec<Option<Rect>>>> = shown.iter().map(of_frame).collect();
        let views = || shown.iter().zip(&places).flat_map(|(shown, places)| shown.views.iter().zip(places));
        let pictures = views().flat_map(|(view, places)| places.iter().map(|place| part(view, *place)));
        let mut found = model.run(&pictures.collect::<opencv::Result<Vec<_>>>()?)?.into_iter();
        let mut result = Vec::with_capacity(shown.len());
        for (shown, places) in shown.iter().zip(places) {
            let mut soft_masks = Vec::with_capacity(shown.views.len());
            for (view, places) in shown.views.iter().zip(places) {
                let parts = places.into_iter().zip(found.by_ref()).collect();
                let soft_mask = self.joined(view, parts, shown.views.len())?;
                let luma = if self.smooths() { Some(temporal::luma(view.small()?)?) } else { None };
                soft_masks.push(SoftMask { soft_mask, luma });
            }
            result.push((shown.number, soft_masks));
        }
        Ok(result)
    }

    /// The soft masks of a view, made of what the model found in its parts (all of it without a region). It is as fine as what the model gave, or as
    /// the working size where that is coarser; it has the working size where it is compared with that of other views.
    fn joined(
        &self,
        view: &View<'_>,
        mut parts: Vec<(Option<Rect>, Mat)>,
        views: usize,
    ) -> Result<Mat, PerceptionError> {
        let compared = self.smooths() || views > 1 && self.settings.stereo_agreement;
        let working = view.working_size();
        if let [(None, whole)] = &mut parts[..] {
            return if compared { Ok(resized(whole, working)?) } else { Ok(std::mem::take(whole)) };
        }
        let parts = parts.into_iter().filter_map(|(region, found)| Some((region?, found)));
        let parts: Vec<(Rect, Mat)> = parts.collect();
        let size = if compared { working } else { finest(view, &parts, working) };
        let mut soft_mask = Mat::new_size_with_default(size, core::CV_32FC1, Scalar::default())?;
        for (region, found) in parts {
            let place = scaled(region, view.scale(size), size.height, size.width);
            let part = resized(&found, Size::new(place.width, place.height))?;
            let mut into = Mat::roi_mut(&mut soft_mask, place)?;
            let before = into.try_clone()?;
            core::max(&before, &part, &mut into)?;
        }
        Ok(soft_mask)
    }

    /// The soft masks of a frame, averaged with those of earlier frames where these have a say.
    fn soft_masks(&self, number: u64, known: &mut BTreeMap<u64, Vec<SoftMask>>) -> Result<Vec<Mat>, PerceptionError> {
        if !self.smooths() {
            return Ok(known.remove(&number).into_iter().flatten().map(|seen| seen.soft_mask).collect());
        }
        let smoothed = known.get(&number).into_iter().flatten().enumerate().map(|(at, seen)| {
            let earlier = known.range(self.earlier(number)).rev();
            let earlier: Vec<(&Mat, &Mat)> =
                earlier.filter_map(|(_, seen)| seen.get(at).and_then(SoftMask::with_luma)).collect();
            seen.with_luma().map_or_else(|| Ok(seen.soft_mask.try_clone()?), |now| temporal::smoothed(now, &earlier))
        });
        smoothed.collect()
    }
}

/// A part of a view (its place in the full view), or all of it.
fn part<'a>(view: &'a View<'_>, place: Option<Rect>) -> opencv::Result<BoxedRef<'a, Mat>> {
    let (rows, columns) = (view.pixels.rows(), view.pixels.cols());
    match place {
        Some(place) => Mat::roi(&view.pixels, scaled(place, view.scale(view.pixels.size()?), rows, columns)),
        None => Mat::roi(&view.pixels, Rect::new(0, 0, columns, rows)),
    }
}

/// The size of an image of a view in which every part (its place in the full view) has as many pixels as was found in it; no larger than
/// `max`.
fn finest(view: &View<'_>, parts: &[(Rect, Mat)], max: Size) -> Size {
    let (width, height) = (f64::from(view.place.width), f64::from(view.place.height));
    let ratio = |found: i32, part: i32| f64::from(found) / f64::from(part.max(1));
    let scale = parts.iter().map(|(part, found)| ratio(found.cols(), part.width).max(ratio(found.rows(), part.height)));
    let scale = scale.fold(0.0, f64::max).min(f64::from(max.width) / width);
    Size::new(((width * scale).round() as i32).max(1), ((height * scale).round() as i32).max(1))
}
