//! The half of the stage that looks at pixels.
use crate::error::SegmentationError;
use crate::foreground::{Foreground, label};
use crate::masks::{Instance, instances};
use crate::matting::Matting;
use crate::persons::{Person, owners, persons, region, scaled};
use crate::prompted::Prompted;
use crate::settings::{PERSON, SegmentationSettings, Stereo};
use crate::view::{Eye, View, full_size, layout, resized, views};
use crate::{Maker, artifacts, steady, stereo};
use framefleet_media::annotation::Value;
use framefleet_media::{Annotation, ItemKind, Mask, Rendition};
use framefleet_stage::{Batch, Outputs, StageError};
use framefleet_vision::run_lengths::Runs;
use opencv::core::{self, Mat, Rect, Scalar, Size};
use opencv::prelude::*;
use std::collections::VecDeque;

/// What a network made of a view.
struct Seen {
    /// `CV_32FC1`, stretched over the whole view.
    coverage: Mat,
    /// Luma of the view in the same size, where coverage is steadied.
    luma: Option<Mat>,
}

/// The views of a frame with the instances in each.
type Found<'a> = (Vec<View<'a>>, Vec<Vec<Instance>>);

/// Makes the masks of a batch.
pub fn process(
    maker: &Maker,
    batch: &Batch,
    settings: &SegmentationSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let task = Task { batch, settings, layout: layout(batch.item(), settings.stereo) };
    match maker {
        Maker::Foreground(network, role) => task.foreground(network, role, out),
        Maker::Matting(network) => task.matting(network, out),
        Maker::Prompted(network) => task.prompted(network, out),
    }
}

impl Seen {
    fn with_luma(&self) -> Option<(&Mat, &Mat)> {
        self.luma.as_ref().map(|luma| (&self.coverage, luma))
    }
}

struct Task<'a> {
    batch: &'a Batch,
    settings: &'a SegmentationSettings,
    layout: Stereo,
}

impl Task<'_> {
    /// Frame by frame; the last few frames' coverage is kept for steadying.
    fn foreground(&self, network: &Foreground, role: &str, out: &mut Outputs) -> Result<(), StageError> {
        let mut known: VecDeque<(u64, Vec<Seen>)> = VecDeque::new();
        for &number in self.batch.frames() {
            let made = self.frame(number).and_then(|views| {
                let people = self.persons(number, &views);
                let seen = self.looked_at(network, role, &views, &people)?;
                let coverage = if self.steadies() {
                    let steadied = self.steadied(network, role, number, &seen, &mut known)?;
                    known.push_back((number, seen));
                    steadied
                } else {
                    seen.into_iter().map(|seen| seen.coverage).collect()
                };
                let instances = self.instances(&views, &people, coverage)?;
                Ok((views, instances))
            });
            while known.front().is_some_and(|(old, _)| old + u64::from(self.settings.steady_frames) <= number) {
                known.pop_front();
            }
            self.publish(number, made, label(role), out)?;
        }
        Ok(())
    }

    /// All frames of the window in order, since the network remembers.
    fn matting(&self, network: &Matting, out: &mut Outputs) -> Result<(), StageError> {
        let mut memory = network.nothing_seen(2);
        let wanted = self.batch.frames();
        for number in self.batch.window().start..wanted.last().map_or(0, |last| last + 1) {
            if self.batch.item().kind() == ItemKind::Stills {
                memory = network.nothing_seen(2);
            }
            let is_wanted = wanted.binary_search(&number).is_ok();
            if !is_wanted && self.batch.frame(self.settings.looks_at(), number).is_none() {
                continue;
            }
            let made = self.frame(number).and_then(|views| {
                let mut coverage = Vec::new();
                for (view, memory) in views.iter().zip(&mut memory) {
                    coverage.push(network.run(view.small()?, memory, self.settings.matting_side as i32)?);
                }
                if !is_wanted {
                    return Ok((views, Vec::new()));
                }
                let people = self.persons(number, &views);
                let instances = self.instances(&views, &people, coverage)?;
                Ok((views, instances))
            });
            if is_wanted {
                self.publish(number, made, label(PERSON), out)?;
            }
        }
        Ok(())
    }

    fn prompted(&self, network: &Prompted, out: &mut Outputs) -> Result<(), StageError> {
        for &number in self.batch.frames() {
            let mut label = "";
            let made = self.frame(number).and_then(|views| {
                let people = self.persons(number, &views);
                let found = views.iter().zip(&people).map(|(view, people)| match people.is_empty() {
                    true => network.everything(&view.pixels, self.settings),
                    false => network.boxes(&view.pixels, people, self.settings),
                });
                let found = found.collect::<Result<Vec<_>, _>>()?;
                if people.iter().any(|people| !people.is_empty()) {
                    label = "person";
                }
                Ok((views, found))
            });
            self.publish(number, made, label, out)?;
        }
        Ok(())
    }

    /// The views of a frame of the window.
    fn frame(&self, number: u64) -> Result<Vec<View<'_>>, SegmentationError> {
        let rendition = self.settings.looks_at();
        let frame = self.batch.frame(rendition, number).ok_or(SegmentationError::Absent)?;
        views(&frame.image, full_size(&frame.image, self.batch.item(), rendition), self.layout)
    }

    /// Whether earlier frames have a say.
    fn steadies(&self) -> bool {
        self.settings.steady_frames > 0 && self.batch.item().kind() != ItemKind::Stills
    }

    fn persons(&self, number: u64, views: &[View]) -> Vec<Vec<Person>> {
        views.iter().map(|view| persons(self.batch, number, view)).collect()
    }

    /// What the network makes of the views: of each person with surroundings, else of the whole. A network of stills sees the whole
    /// always.
    fn looked_at(
        &self,
        network: &Foreground,
        role: &str,
        views: &[View<'_>],
        people: &[Vec<Person>],
    ) -> Result<Vec<Seen>, SegmentationError> {
        let mut regions: Vec<(usize, Option<Rect>)> = Vec::new();
        for (at, (view, people)) in views.iter().zip(people).enumerate() {
            if role == PERSON && !people.is_empty() {
                regions.extend(self.regions(network.size(), view, people).into_iter().map(|region| (at, Some(region))));
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
        let mut parts: Vec<_> = regions.iter().zip(network.run(&pictures)?).collect();
        let mut result = Vec::with_capacity(views.len());
        for (at, view) in views.iter().enumerate() {
            let of_view = parts.extract_if(.., |((of, _), _)| *of == at).map(|((_, region), found)| (*region, found));
            let coverage = self.joined(view, of_view.collect(), views.len())?;
            let luma = if self.steadies() { Some(steady::luma(view.small()?)?) } else { None };
            result.push(Seen { coverage, luma });
        }
        Ok(result)
    }

    /// The coverage of a view, made of what the network found in its parts (all of it without a region). It is as fine as what the network gave, or as
    /// the working size where that is coarser; it has the working size where it is compared with that of other views.
    fn joined(
        &self,
        view: &View<'_>,
        mut parts: Vec<(Option<Rect>, Mat)>,
        views: usize,
    ) -> Result<Mat, SegmentationError> {
        let compared = self.steadies() || views > 1 && self.settings.stereo_agreement;
        let working = view.working_size();
        if let [(None, whole)] = &mut parts[..] {
            return if compared { Ok(resized(whole, working)?) } else { Ok(std::mem::take(whole)) };
        }
        let parts = parts.into_iter().filter_map(|(region, found)| Some((region?, found)));
        let parts: Vec<(Rect, Mat)> = parts.collect();
        let size = if compared { working } else { finest(view, &parts, working) };
        let mut coverage = Mat::new_size_with_default(size, core::CV_32FC1, Scalar::default())?;
        for (region, found) in parts {
            let place = scaled(region, view.scale(size), size.height, size.width);
            let part = resized(&found, Size::new(place.width, place.height))?;
            let mut into = Mat::roi_mut(&mut coverage, place)?;
            let before = into.try_clone()?;
            core::max(&before, &part, &mut into)?;
        }
        Ok(coverage)
    }

    fn regions(&self, network: Size, view: &View<'_>, people: &[Person]) -> Vec<Rect> {
        let aspect = f64::from(network.width) / f64::from(network.height.max(1));
        let size = (view.place.width, view.place.height);
        people.iter().map(|person| region(person, self.settings.person_margin, aspect, size)).collect()
    }

    /// The coverage of a frame after that of earlier frames had its say. Those that are not known yet are looked at.
    fn steadied(
        &self,
        network: &Foreground,
        role: &str,
        number: u64,
        now: &[Seen],
        known: &mut VecDeque<(u64, Vec<Seen>)>,
    ) -> Result<Vec<Mat>, SegmentationError> {
        let first = number.saturating_sub(u64::from(self.settings.steady_frames)).max(self.batch.window().start);
        for earlier in first..number {
            let at = known.partition_point(|(known, _)| *known < earlier);
            if known.get(at).is_some_and(|(known, _)| *known == earlier) {
                continue;
            }
            // A frame that cannot be looked at has no say.
            let Ok(views) = self.frame(earlier) else { continue };
            let people = self.persons(earlier, &views);
            known.insert(at, (earlier, self.looked_at(network, role, &views, &people)?));
        }
        let steadied = now.iter().enumerate().map(|(at, seen)| {
            let earlier = known.iter().rev().filter(|(frame, _)| (first..number).contains(frame));
            let earlier: Vec<(&Mat, &Mat)> =
                earlier.filter_map(|(_, seen)| seen.get(at).and_then(Seen::with_luma)).collect();
            seen.with_luma().map_or_else(|| Ok(seen.coverage.try_clone()?), |now| steady::steadied(now, &earlier))
        });
        steadied.collect()
    }

    /// The instances of every view in its coverage.
    fn instances(
        &self,
        views: &[View<'_>],
        people: &[Vec<Person>],
        mut coverage: Vec<Mat>,
    ) -> Result<Vec<Vec<Instance>>, SegmentationError> {
        if let ([left, right], [left_coverage, right_coverage], true) =
            (views, &coverage[..], self.settings.stereo_agreement)
        {
            coverage = stereo::agreed([left.small()?, right.small()?], [left_coverage, right_coverage])?.into();
        }
        let of = |((view, people), coverage): ((&View<'_>, &Vec<Person>), &Mat)| {
            let owners = match people.is_empty() {
                true => None,
                false => {
                    let regions = self.regions(Size::new(1, 1), view, people);
                    Some(owners(people, &regions, view, coverage.size()?)?)
                }
            };
            instances(coverage, owners.as_ref(), view.size(), self.settings)
        };
        views.iter().zip(people).zip(&coverage).map(of).collect()
    }

    /// Writes what a frame has, or notes that it has nothing.
    fn publish(
        &self,
        number: u64,
        made: Result<Found<'_>, SegmentationError>,
        label: &str,
        out: &mut Outputs,
    ) -> Result<(), StageError> {
        let written = made.and_then(|(views, instances)| {
            let (masks, runs): (Vec<Mask>, Vec<Runs>) = masks(&views, instances, label).into_iter().unzip();
            if !self.settings.artifacts.is_empty() {
                let frame = self.batch.frame(Rendition::Full, number).ok_or(SegmentationError::Absent)?;
                artifacts::write(number, &frame.image, &runs, self.settings, out)?;
            }
            Ok(masks)
        });
        match written {
            Ok(masks) => {
                for (instance, mask) in (0..).zip(masks) {
                    out.annotate(number, Annotation { instance, value: Some(Value::Mask(mask)) });
                }
            }
            Err(error) if error.is_of_the_frame() => {
                out.fail(number, "segmentation", format!("this frame cannot be segmented: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// The size of a picture of a view in which every part (its place in the full view) has as many pixels as was found in it; no larger than
/// `most`.
fn finest(view: &View<'_>, parts: &[(Rect, Mat)], most: Size) -> Size {
    let (width, height) = (f64::from(view.place.width), f64::from(view.place.height));
    let ratio = |found: i32, part: i32| f64::from(found) / f64::from(part.max(1));
    let scale = parts.iter().map(|(part, found)| ratio(found.cols(), part.width).max(ratio(found.rows(), part.height)));
    let scale = scale.fold(0.0, f64::max).min(f64::from(most.width) / width);
    Size::new(((width * scale).round() as i32).max(1), ((height * scale).round() as i32).max(1))
}

/// The masks of a frame as records have them and as runs of the frame, the left eye's first.
fn masks(views: &[View<'_>], instances: Vec<Vec<Instance>>, label: &str) -> Vec<(Mask, Runs)> {
    // Views fill the frame: it ends where the last one does.
    let end = |of: fn(&Rect) -> i32| views.iter().map(|view| of(&view.place)).max().unwrap_or(0) as u32;
    let size = (end(|place| place.x + place.width), end(|place| place.y + place.height));
    let of_view = |(view, instances)| Vec::into_iter(instances).map(move |instance| mask(view, instance, size, label));
    views.iter().zip(instances).flat_map(of_view).collect()
}

fn mask(view: &View<'_>, instance: Instance, size: (u32, u32), label: &str) -> (Mask, Runs) {
    let runs = instance.runs.within([view.place.x as u32, view.place.y as u32], size);
    let point = instance.point.map(|[x, y]| vec![x + view.place.x as f32, y + view.place.y as f32]);
    let mask = Mask {
        r#box: runs.bounds().unwrap_or_default().map(|side| side as f32).to_vec(),
        area: runs.area(),
        score: instance.score,
        label: label.to_owned(),
        run_lengths: Some(runs.text()),
        track: None,
        stability: instance.stability,
        point: point.unwrap_or_default(),
        eye: if view.eye == Eye::Both { String::new() } else { view.eye.name().to_owned() },
    };
    (mask, runs)
}
