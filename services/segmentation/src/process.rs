//! The process half of the stage.
mod followed;
mod soft_masks;

use crate::input::persons::{Person, owners, persons, region};
use crate::input::view::{Eye, View, layout, views};
use crate::masks::stereo;
use crate::masks::{Instance, instances};
use crate::models::foreground::label;
use crate::models::matting::Matting;
use crate::models::prompted::Prompted;
use crate::settings::{PERSON, SegmentationSettings, Stereo};
use crate::{Maker, artifacts};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, ItemKind, Mask, Rendition};
use framefleet_masks::Rle;
use framefleet_perception::{FrameView, PerceptionError};
use framefleet_stage::{Batch, Outputs, StageError};
use opencv::core::{Mat, Rect, Size};
use opencv::prelude::*;

/// The views of a frame with the instances in each.
type Instances<'a> = (Vec<View<'a>>, Vec<Vec<Instance>>);

/// Makes the masks of a batch.
pub fn process(
    maker: &Maker,
    batch: &Batch,
    settings: &SegmentationSettings,
    out: &mut Outputs,
) -> Result<(), StageError> {
    let task = Task { batch, settings, layout: layout(batch.item(), settings.stereo) };
    match maker {
        Maker::Foreground(model, role) => task.foreground(model, role, out),
        Maker::Matting(model) => task.matting(model, out),
        Maker::Prompted(model, Some(memory)) if batch.item().kind() != ItemKind::Stills => {
            task.followed(model, memory, out)
        }
        Maker::Prompted(model, _) => task.prompted(model, out),
    }
}

struct Task<'a> {
    batch: &'a Batch,
    settings: &'a SegmentationSettings,
    layout: Stereo,
}

impl Task<'_> {
    /// All frames of the window in order, one after the other, since the model remembers what it saw of the frame before.
    fn matting(&self, model: &Matting, out: &mut Outputs) -> Result<(), StageError> {
        let mut memory = model.nothing_seen(2);
        let wanted = self.batch.frames();
        for number in self.batch.window().start..wanted.last().map_or(0, |last| last + 1) {
            if self.batch.item().kind() == ItemKind::Stills {
                memory = model.nothing_seen(2);
            }
            let is_wanted = wanted.binary_search(&number).is_ok();
            if !is_wanted && self.batch.frame(self.settings.looks_at(), number).is_none() {
                continue;
            }
            let made = self.frame(number).and_then(|views| {
                let mut soft_mask = Vec::new();
                for (view, memory) in views.iter().zip(&mut memory) {
                    soft_mask.push(model.run(view.small()?, memory, self.settings.matting_side as i32)?);
                }
                if !is_wanted {
                    return Ok((views, Vec::new()));
                }
                let people = self.persons(number, &views);
                let instances = self.instances(&views, &people, soft_mask)?;
                Ok((views, instances))
            });
            if is_wanted {
                self.publish(number, made, label(PERSON), out)?;
            }
        }
        Ok(())
    }

    fn prompted(&self, model: &Prompted, out: &mut Outputs) -> Result<(), StageError> {
        for &number in self.batch.frames() {
            let mut label = "";
            let made = self.frame(number).and_then(|views| {
                let people = self.persons(number, &views);
                label = followed::label(&people);
                let found = views.iter().zip(&people).map(|(view, people)| self.pointed_at(model, view, people));
                let found = found.collect::<Result<Vec<_>, _>>()?;
                Ok((views, found))
            });
            self.publish(number, made, label, out)?;
        }
        Ok(())
    }

    /// The views of a frame of the window.
    fn frame(&self, number: u64) -> Result<Vec<View<'_>>, PerceptionError> {
        views(FrameView::of(self.batch, self.settings.looks_at(), number)?, self.layout)
    }

    fn persons(&self, number: u64, views: &[View]) -> Vec<Vec<Person>> {
        views.iter().map(|view| persons(self.batch, number, view)).collect()
    }

    fn regions(&self, model: Size, view: &View<'_>, people: &[Person]) -> Vec<Rect> {
        let aspect = f64::from(model.width) / f64::from(model.height.max(1));
        let size = (view.place.width, view.place.height);
        people.iter().map(|person| region(person, self.settings.person_margin, aspect, size)).collect()
    }

    /// The instances of every view in its soft mask.
    fn instances(
        &self,
        views: &[View<'_>],
        people: &[Vec<Person>],
        mut soft_mask: Vec<Mat>,
    ) -> Result<Vec<Vec<Instance>>, PerceptionError> {
        if let ([left, right], [left_mask, right_mask], true) = (views, &soft_mask[..], self.settings.stereo_agreement)
        {
            soft_mask = stereo::agreed([left.small()?, right.small()?], [left_mask, right_mask])?.into();
        }
        let of = |((view, people), soft_mask): ((&View<'_>, &Vec<Person>), &Mat)| {
            let owners = match people.is_empty() {
                true => None,
                false => {
                    let regions = self.regions(Size::new(1, 1), view, people);
                    Some(owners(people, &regions, view, soft_mask.size()?)?)
                }
            };
            instances(soft_mask, owners.as_ref().map(|owners| (&people[..], owners)), view.size(), self.settings)
        };
        views.iter().zip(people).zip(&soft_mask).map(of).collect()
    }

    /// Writes what a frame has, or notes that it has nothing.
    fn publish(
        &self,
        number: u64,
        made: Result<Instances<'_>, PerceptionError>,
        label: &str,
        out: &mut Outputs,
    ) -> Result<(), StageError> {
        let written = made.and_then(|(views, instances)| {
            let (masks, runs): (Vec<Mask>, Vec<Rle>) = masks(&views, instances, label).into_iter().unzip();
            if !self.settings.artifacts.is_empty() {
                let frame = FrameView::of(self.batch, Rendition::Full, number)?;
                artifacts::write(&frame, &runs, self.settings, out)?;
            }
            Ok(masks)
        });
        match written {
            Ok(masks) => {
                for (instance, mask) in (0..).zip(masks) {
                    out.annotate(number, Annotation { instance, value: Some(Value::Mask(mask)) });
                }
                Ok(())
            }
            Err(error) => error.settle(number, out),
        }
    }
}

/// The masks of a frame as records have them and as runs of the frame, the left eye's first.
fn masks(views: &[View<'_>], instances: Vec<Vec<Instance>>, label: &str) -> Vec<(Mask, Rle)> {
    // Views fill the frame: it ends where the last one does.
    let end = |of: fn(&Rect) -> i32| views.iter().map(|view| of(&view.place)).max().unwrap_or(0) as u32;
    let size = (end(|place| place.x + place.width), end(|place| place.y + place.height));
    let of_view = |(view, instances)| Vec::into_iter(instances).map(move |instance| mask(view, instance, size, label));
    views.iter().zip(instances).flat_map(of_view).collect()
}

fn mask(view: &View<'_>, instance: Instance, size: (u32, u32), label: &str) -> (Mask, Rle) {
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
        pose: instance.pose,
    };
    (mask, runs)
}
