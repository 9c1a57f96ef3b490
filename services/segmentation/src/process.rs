//! The half of the stage that looks at pixels.
use crate::error::SegmentationError;
use crate::foreground::{Foreground, label};
use crate::masks::{Instance, instances};
use crate::matting::Matting;
use crate::persons::{Person, owners, persons, region, scaled};
use crate::prompted::Prompted;
use crate::settings::{PERSON, SegmentationSettings, Stereo};
use crate::view::{Eye, View, layout, resized, views};
use crate::{Maker, artifacts, steady, stereo};
use framefleet_media::annotation::Value;
use framefleet_media::{Annotation, ItemKind, Mask, Rendition};
use framefleet_stage::{Batch, Outputs, StageError};
use framefleet_vision::run_lengths::Runs;
use opencv::core::{self, Mat, Rect, Scalar, Size};
use opencv::prelude::*;
use std::collections::VecDeque;

/// Coverage (`CV_32FC1`) of the views of a frame, with their luma where it is needed later.
type Coverage = Vec<(Mat, Mat)>;

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

struct Task<'a> {
    batch: &'a Batch,
    settings: &'a SegmentationSettings,
    layout: Stereo,
}

impl Task<'_> {
    /// Frame by frame; the last few frames' coverage is kept for steadying.
    fn foreground(&self, network: &Foreground, role: &str, out: &mut Outputs) -> Result<(), StageError> {
        let mut known: VecDeque<(u64, Coverage)> = VecDeque::new();
        for &number in self.batch.frames() {
            let made = self.frame(number).and_then(|views| {
                let people = self.persons(number, &views);
                let coverage = self.looked_at(network, role, &views, &people)?;
                let steadied = self.steadied(network, role, number, &coverage, &mut known)?;
                known.push_back((number, coverage));
                let instances = self.instances(&views, &people, steadied)?;
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
            if !is_wanted && self.batch.frame(Rendition::Full, number).is_none() {
                continue;
            }
            let made = self.frame(number).and_then(|views| {
                let mut coverage = Vec::new();
                for (view, memory) in views.iter().zip(&mut memory) {
                    coverage.push(network.run(&view.small, memory, self.settings.matting_side as i32)?);
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
    fn frame(&self, number: u64) -> Result<Vec<View>, SegmentationError> {
        let frame = self.batch.frame(Rendition::Full, number).ok_or(SegmentationError::Absent)?;
        views(&frame.image, self.layout)
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
        views: &[View],
        people: &[Vec<Person>],
    ) -> Result<Coverage, SegmentationError> {
        let mut regions: Vec<(usize, Rect)> = Vec::new();
        for (at, (view, people)) in views.iter().zip(people).enumerate() {
            if role == PERSON && !people.is_empty() {
                regions.extend(self.regions(network.size(), view, people).into_iter().map(|region| (at, region)));
            } else {
                regions.push((at, Rect::new(0, 0, view.place.width, view.place.height)));
            }
        }
        // The small picture has all that a network of the whole needs.
        let picture = |(at, region): &(usize, Rect)| {
            let view = &views[*at];
            let whole = (region.width, region.height) == (view.place.width, view.place.height);
            if whole && role == PERSON { view.small.try_clone() } else { Mat::roi(&view.pixels, *region)?.try_clone() }
        };
        let pictures = regions.iter().map(picture).collect::<opencv::Result<Vec<Mat>>>()?;
        let found = network.run(&pictures)?;
        let mut result = Vec::with_capacity(views.len());
        for view in views {
            let coverage = Mat::new_size_with_default(view.small.size()?, core::CV_32FC1, Scalar::default())?;
            result.push((coverage, steady::luma(&view.small)?));
        }
        for ((at, region), found) in regions.iter().zip(&found) {
            let small = &views[*at].small;
            let place = scaled(*region, views[*at].scale(), small.rows(), small.cols());
            let part = resized(found, Size::new(place.width, place.height))?;
            let mut into = Mat::roi_mut(&mut result[*at].0, place)?;
            let before = into.try_clone()?;
            core::max(&before, &part, &mut into)?;
        }
        Ok(result)
    }

    fn regions(&self, network: Size, view: &View, people: &[Person]) -> Vec<Rect> {
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
        coverage: &Coverage,
        known: &mut VecDeque<(u64, Coverage)>,
    ) -> Result<Vec<Mat>, SegmentationError> {
        let still = self.batch.item().kind() == ItemKind::Stills;
        let most = if still { 0 } else { u64::from(self.settings.steady_frames) };
        let first = number.saturating_sub(most).max(self.batch.window().start);
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
        let steadied = coverage.iter().enumerate().map(|(at, (now, luma))| {
            let earlier: Vec<(&Mat, &Mat)> = known
                .iter()
                .rev()
                .filter(|(frame, _)| (first..number).contains(frame))
                .filter_map(|(_, views)| views.get(at).map(|(coverage, luma)| (coverage, luma)))
                .collect();
            steady::steadied((now, luma), &earlier)
        });
        steadied.collect()
    }

    /// The instances of every view in its coverage.
    fn instances(
        &self,
        views: &[View],
        people: &[Vec<Person>],
        mut coverage: Vec<Mat>,
    ) -> Result<Vec<Vec<Instance>>, SegmentationError> {
        if let ([left, right], [left_coverage, right_coverage], true) =
            (views, &coverage[..], self.settings.stereo_agreement)
        {
            coverage = stereo::agreed([&left.small, &right.small], [left_coverage, right_coverage])?.into();
        }
        let of = |((view, people), coverage): ((&View, &Vec<Person>), &Mat)| {
            let owners = match people.is_empty() {
                true => None,
                false => Some(owners(people, &self.regions(Size::new(1, 1), view, people), view)?),
            };
            instances(coverage, owners.as_ref(), Size::new(view.place.width, view.place.height), self.settings)
        };
        views.iter().zip(people).zip(&coverage).map(of).collect()
    }

    /// Writes what a frame has, or notes that it has nothing.
    fn publish(
        &self,
        number: u64,
        made: Result<(Vec<View>, Vec<Vec<Instance>>), SegmentationError>,
        label: &str,
        out: &mut Outputs,
    ) -> Result<(), StageError> {
        let written = made.and_then(|(views, instances)| {
            let masks = self.masks(number, &views, &instances, label)?;
            artifacts::write(number, &views, &instances, &self.settings.artifacts, self.settings, out)?;
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

    /// The masks of a frame as records have them, the left eye's first.
    fn masks(
        &self,
        number: u64,
        views: &[View],
        instances: &[Vec<Instance>],
        label: &str,
    ) -> Result<Vec<Mask>, SegmentationError> {
        let frame = self.batch.frame(Rendition::Full, number).ok_or(SegmentationError::Absent)?;
        let size = (frame.image.width(), frame.image.height());
        let mut masks = Vec::new();
        for (view, instances) in views.iter().zip(instances) {
            for instance in instances {
                masks.push(mask(view, instance, size, label)?);
            }
        }
        Ok(masks)
    }
}

fn mask(view: &View, instance: &Instance, size: (u32, u32), label: &str) -> Result<Mask, SegmentationError> {
    let offset = [(view.place.x + instance.place.x) as u32, (view.place.y + instance.place.y) as u32];
    let runs = Runs::of_part(&instance.mask, offset, size)?;
    let point = instance.point.map(|[x, y]| vec![x + view.place.x as f32, y + view.place.y as f32]);
    Ok(Mask {
        r#box: runs.bounds().unwrap_or_default().map(|side| side as f32).to_vec(),
        area: runs.area(),
        score: instance.score,
        label: label.to_owned(),
        run_lengths: Some(runs.text()),
        track: None,
        stability: instance.stability,
        point: point.unwrap_or_default(),
        eye: if view.eye == Eye::Both { String::new() } else { view.eye.name().to_owned() },
    })
}
