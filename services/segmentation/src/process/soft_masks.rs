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
use opencv::core::{self, Mat, Rect, Scalar, Size};
use opencv::prelude::*;
use std::collections::VecDeque;

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

impl Task<'_> {
    /// Frame by frame; the soft masks of the last few frames are kept for smoothing.
    pub(super) fn foreground(&self, model: &Foreground, role: &str, out: &mut Outputs) -> Result<(), StageError> {
        let mut known: VecDeque<(u64, Vec<SoftMask>)> = VecDeque::new();
        for &number in self.batch.frames() {
            let made = self.frame(number).and_then(|views| {
                let people = self.persons(number, &views);
                let seen = self.run_model(model, role, &views, &people)?;
                let soft_mask = if self.smooths() {
                    let smoothed = self.smoothed(model, role, number, &seen, &mut known)?;
                    known.push_back((number, seen));
                    smoothed
                } else {
                    seen.into_iter().map(|seen| seen.soft_mask).collect()
                };
                let instances = self.instances(&views, &people, soft_mask)?;
                Ok((views, instances))
            });
            while known.front().is_some_and(|(old, _)| old + u64::from(self.settings.steady_frames) <= number) {
                known.pop_front();
            }
            self.publish(number, made, label(role), out)?;
        }
        Ok(())
    }

    /// Whether earlier frames have a say.
    fn smooths(&self) -> bool {
        self.settings.steady_frames > 0 && self.batch.item().kind() != ItemKind::Stills
    }

    /// What the model makes of the views: of each person with surroundings, else of the whole. A model of stills sees the whole
    /// always.
    fn run_model(
        &self,
        model: &Foreground,
        role: &str,
        views: &[View<'_>],
        people: &[Vec<Person>],
    ) -> Result<Vec<SoftMask>, PerceptionError> {
        let mut regions: Vec<(usize, Option<Rect>)> = Vec::new();
        for (at, (view, people)) in views.iter().zip(people).enumerate() {
            if role == PERSON && !people.is_empty() {
                regions.extend(self.regions(model.size(), view, people).into_iter().map(|region| (at, Some(region))));
            } else {
                regions.push((at, None));
            }
        }
        let picture = |(at, region): &(usize, Option<Rect>)| {
            let view = &views[*at];
            match region {
                Some(region) => {
                    let (rows, columns) = (view.pixels.rows(), view.pixels.cols());
                    Mat::roi(&view.pixels, scaled(*region, view.scale(view.pixels.size()?), rows, columns))
                }
                None => Mat::roi(&view.pixels, Rect::new(0, 0, view.pixels.cols(), view.pixels.rows())),
            }
        };
        let pictures = regions.iter().map(picture).collect::<opencv::Result<Vec<_>>>()?;
        let mut parts: Vec<_> = regions.iter().zip(model.run(&pictures)?).collect();
        let mut result = Vec::with_capacity(views.len());
        for (at, view) in views.iter().enumerate() {
            let of_view = parts.extract_if(.., |((of, _), _)| *of == at).map(|((_, region), found)| (*region, found));
            let soft_mask = self.joined(view, of_view.collect(), views.len())?;
            let luma = if self.smooths() { Some(temporal::luma(view.small()?)?) } else { None };
            result.push(SoftMask { soft_mask, luma });
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

    /// The soft masks of a frame, averaged with those of earlier frames. Those that are not known yet are computed.
    fn smoothed(
        &self,
        model: &Foreground,
        role: &str,
        number: u64,
        now: &[SoftMask],
        known: &mut VecDeque<(u64, Vec<SoftMask>)>,
    ) -> Result<Vec<Mat>, PerceptionError> {
        let first = number.saturating_sub(u64::from(self.settings.steady_frames)).max(self.batch.window().start);
        for earlier in first..number {
            let at = known.partition_point(|(known, _)| *known < earlier);
            if known.get(at).is_some_and(|(known, _)| *known == earlier) {
                continue;
            }
            // A frame that cannot be read does not count.
            let Ok(views) = self.frame(earlier) else { continue };
            let people = self.persons(earlier, &views);
            known.insert(at, (earlier, self.run_model(model, role, &views, &people)?));
        }
        let smoothed = now.iter().enumerate().map(|(at, seen)| {
            let earlier = known.iter().rev().filter(|(frame, _)| (first..number).contains(frame));
            let earlier: Vec<(&Mat, &Mat)> =
                earlier.filter_map(|(_, seen)| seen.get(at).and_then(SoftMask::with_luma)).collect();
            seen.with_luma().map_or_else(|| Ok(seen.soft_mask.try_clone()?), |now| temporal::smoothed(now, &earlier))
        });
        smoothed.collect()
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
