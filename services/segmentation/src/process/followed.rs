//! Objects that a promptable model follows by its memory. Footage is cut into runs of `follow_frames` frames, counted from the item's first: what is
//! found on the first frame of a run is followed through it, wherever batches begin. Cuts are not known here: behind one, objects are gone (by their
//! score) until the next run begins.
use super::Task;
use crate::input::persons::Person;
use crate::input::view::View;
use crate::masks::Instance;
use crate::models::prompted::{Memory, Object, Prompted, SmallRegions, chosen};
use framefleet_perception::PerceptionError;
use framefleet_stage::{Outputs, StageError};
use opencv::prelude::*;

/// What is followed in a run: the objects of every view.
struct Run {
    objects: Vec<Vec<Object>>,
    label: &'static str,
}

impl Task<'_> {
    /// Follows objects through the runs of the batch's frames, each from its beginning.
    pub(super) fn followed(&self, model: &Prompted, memory: &Memory, out: &mut Outputs) -> Result<(), StageError> {
        let length = u64::from(self.settings.follow_frames.max(1));
        for wanted in self.batch.frames().chunk_by(|a, b| a / length == b / length) {
            let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { continue };
            let mut run: Option<Run> = None;
            for number in (first / length * length).max(self.batch.window().start)..=*last {
                let is_wanted = wanted.binary_search(&number).is_ok();
                if !is_wanted && self.batch.frame(self.settings.looks_at(), number).is_none() {
                    continue;
                }
                let made = self.frame(number).and_then(|views| {
                    let found = match &mut run {
                        Some(run) => self.on_next(model, memory, number, &views, run)?,
                        None => {
                            let (begun, found) = self.begun(model, memory, number, &views)?;
                            run = Some(begun);
                            found
                        }
                    };
                    Ok((views, found))
                });
                if is_wanted {
                    self.publish(number, made, run.as_ref().map_or("", |run| run.label), out)?;
                }
            }
        }
        Ok(())
    }

    /// What is found on the first frame of a run.
    fn begun(
        &self,
        model: &Prompted,
        memory: &Memory,
        number: u64,
        views: &[View<'_>],
    ) -> Result<(Run, Vec<Vec<Instance>>), PerceptionError> {
        let people = self.persons(number, views);
        let (mut objects, mut all) = (Vec::new(), Vec::new());
        for (view, people) in views.iter().zip(&people) {
            let found = self.pointed_at(model, view, people)?;
            let embedding = model.embed(&view.pixels)?;
            let shown = found.iter().map(|instance| memory.shown(model, number, &embedding, &instance.runs));
            objects.push(shown.collect::<Result<Vec<_>, _>>()?);
            all.push(found);
        }
        Ok((Run { objects, label: label(&people) }, all))
    }

    /// The objects of a run on its next frame.
    fn on_next(
        &self,
        model: &Prompted,
        memory: &Memory,
        number: u64,
        views: &[View<'_>],
        run: &mut Run,
    ) -> Result<Vec<Vec<Instance>>, PerceptionError> {
        let frames = u64::from(self.settings.follow_frames);
        let mut all = Vec::new();
        for (view, objects) in views.iter().zip(&mut run.objects) {
            let embedding = model.embed(&view.pixels)?;
            let small = SmallRegions::new(self.settings, view.pixels.size()?);
            let mut found = Vec::new();
            for object in objects {
                found.extend(
                    memory.follow(number, &embedding, object, frames)?.map(|candidate| candidate.cleaned(small)),
                );
            }
            all.push(chosen(found, small, self.settings));
        }
        Ok(all)
    }

    /// What a promptable model finds in a view: persons where there are any, else everything.
    pub(super) fn pointed_at(
        &self,
        model: &Prompted,
        view: &View<'_>,
        people: &[Person],
    ) -> Result<Vec<Instance>, PerceptionError> {
        match people.is_empty() {
            true => model.everything(&view.pixels, self.settings),
            false => model.boxes(&view.pixels, people, self.settings),
        }
    }
}

/// What a model says of things that it was pointed at by persons' boxes, or by none.
pub(super) fn label(people: &[Vec<Person>]) -> &'static str {
    if people.iter().any(|people| !people.is_empty()) { "person" } else { "" }
}
