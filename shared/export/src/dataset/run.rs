//! Goes over an output's objects and hands them to a layout.
use super::images::Images;
use super::overview::Overview;
use super::sample::{Dataset, Sample};
use super::split::{Parts, Survey};
use super::{coco, cvat_images, cvat_video, kohya, mot, table, tar_shards, voc, yolo};
use crate::{ExportError, Exported, Format, ImageFormat, Layout, Request};
use framefleet_frames::{Item, Pictures, naming};
use framefleet_ledger::{Ledger, Manifest};
use framefleet_objects::Shots;
use framefleet_objects::{ObjectFrame, Objects};
use framefleet_selection::ChosenFrame;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Labels that come first in a list of classes, whether anything has them or not.
const FIRST_LABELS: [&str; 3] = ["person", "face", "object"];

/// Exports the objects of an output.
pub(crate) async fn export(
    ledger: &Ledger,
    layout: Layout,
    request: &Request<'_>,
    pictures: &mut dyn Pictures,
) -> Result<Exported, ExportError> {
    let mut manifests = ledger.manifests().await?;
    manifests.sort_by(|a, b| a.step.cmp(&b.step));
    let shots = Shots::read(ledger, &manifests).await?;
    let reading = Reading { ledger, manifests: &manifests, layout, request, chosen: chosen(request) };
    let mut survey = Survey::new(&request.settings.splits, &shots);
    let overview = reading.survey(&mut survey).await?;
    let mut parts = survey.divide();

    let mut objects = reading.open().await?;
    let steps = overview.steps.clone();
    let items: Vec<&Item> = objects.items().to_vec();
    let folders = naming::item_folders(items.iter().copied());
    let mut dataset = dataset(layout, request, &items, overview, pictures)?;
    let mut frames = 0;
    let mut current: Option<&Item> = None;
    while let Some(frame) = objects.next().await? {
        if !reading.takes(&frame) {
            continue;
        }
        if current.is_none_or(|item| item.name != frame.item.name) {
            end(&mut *dataset, current)?;
            current = Some(frame.item);
            dataset.begin(frame.item)?;
        }
        frames += 1;
        dataset.frame(&sample(&frame, &name(&frame, &folders), &mut parts, &reading))?;
    }
    end(&mut *dataset, current)?;
    Ok(Exported::new(steps, frames, dataset.finish()?))
}

fn end(dataset: &mut dyn Dataset, item: Option<&Item>) -> Result<(), ExportError> {
    item.map_or(Ok(()), |item| dataset.end(item))
}

fn sample<'a>(
    frame: &'a ObjectFrame<'a>,
    name: &'a str,
    parts: &'a mut Parts<'_>,
    reading: &'a Reading<'_>,
) -> Sample<'a> {
    let chosen =
        reading.chosen.as_ref().and_then(|chosen| chosen.get(&(frame.item.name.as_str(), frame.number)).copied());
    Sample { frame, name, split: parts.of(frame), chosen }
}

/// A path that no other frame of the output has, without an extension.
fn name(frame: &ObjectFrame<'_>, folders: &BTreeMap<String, String>) -> String {
    let folder = folders.get(&frame.item.name).map_or(frame.item.name.as_str(), String::as_str);
    naming::fitting(&naming::below(folder, &naming::of_frame("*", frame.number, frame.file.as_ref())))
}

fn chosen<'a>(request: &Request<'a>) -> Option<HashMap<(&'a str, u64), &'a ChosenFrame>> {
    request.selection.map(|selection| selection.by_frame())
}

/// What is read of an output.
struct Reading<'a> {
    ledger: &'a Ledger,
    manifests: &'a [Manifest],
    layout: Layout,
    request: &'a Request<'a>,
    chosen: Option<HashMap<(&'a str, u64), &'a ChosenFrame>>,
}

impl<'a> Reading<'a> {
    async fn open(&self) -> Result<Objects<'a>, ExportError> {
        let (format, named) = (Format::Dataset(self.layout), self.request.steps);
        let objects = Objects::open(self.ledger, self.manifests, named, self.layout == Layout::Kohya).await?;
        let Some(mut objects) = objects else {
            let steps: Vec<&str> = self.manifests.iter().map(|manifest| manifest.step.as_str()).collect();
            return Err(match named {
                [] => ExportError::NoStep { format, steps: steps.join(", ") },
                _ => ExportError::WrongStep { step: named.join(", "), format, fitting: self.fitting() },
            });
        };
        if self.layout.has_one_kind() && !objects.are_subjects() {
            let kinds = objects.kinds();
            let first = format.kinds().iter().find(|kind| kinds.contains(*kind)).copied().unwrap_or_default();
            objects.keep_kind(first);
            if objects.kinds().len() > 1 {
                return Err(ExportError::SeveralSteps { format, fitting: objects.steps().join(", ") });
            }
        }
        Ok(objects)
    }

    /// Steps that make what data sets show, joined by ", ".
    fn fitting(&self) -> String {
        let kinds = Format::Dataset(self.layout).kinds();
        let fits = |manifest: &&Manifest| manifest.kinds.iter().any(|kind| kinds.contains(&kind.as_str()));
        self.manifests.iter().filter(fits).map(|manifest| manifest.step.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Whether a frame is exported.
    fn takes(&self, frame: &ObjectFrame<'_>) -> bool {
        let is_chosen = |chosen: &HashMap<(&str, u64), &ChosenFrame>| {
            chosen.contains_key(&(frame.item.name.as_str(), frame.number))
        };
        frame.number.is_multiple_of(self.request.every.max(1)) && self.chosen.as_ref().is_none_or(is_chosen)
    }

    /// Surveys all objects, where the layout has to know what there is before it begins.
    async fn survey(&self, survey: &mut Survey<'_>) -> Result<Overview, ExportError> {
        let mut objects = self.open().await?;
        let mut labels = BTreeSet::new();
        let needs_labels = matches!(self.layout, Layout::CvatVideo | Layout::CvatImages | Layout::Mot);
        if needs_labels || self.layout.has_splits() {
            while let Some(frame) = objects.next().await? {
                if self.takes(&frame) {
                    survey.add(&frame);
                    labels.extend(frame.objects.iter().map(|object| object.label.clone()));
                }
            }
        }
        let first = FIRST_LABELS.iter().filter(|label| labels.contains(**label)).map(|label| (*label).to_owned());
        let others = labels.iter().filter(|label| !FIRST_LABELS.contains(&label.as_str())).cloned();
        Ok(Overview { labels: first.chain(others).collect(), steps: objects.steps() })
    }
}

/// The writer of a layout.
fn dataset<'a>(
    layout: Layout,
    request: &Request<'a>,
    items: &[&Item],
    overview: Overview,
    pictures: &'a mut dyn Pictures,
) -> Result<Box<dyn Dataset + 'a>, ExportError> {
    let (folder, settings) = (request.folder, request.settings);
    let jpg = ImageFormat::Jpg;
    Ok(match layout {
        Layout::Coco => {
            let images = settings.frames.then(|| Images::new(pictures, settings.images));
            Box::new(coco::Coco::create(folder, items, &overview.steps, images)?)
        }
        Layout::Yolo => Box::new(yolo::Yolo::new(folder, settings, overview, Images::new(pictures, settings.images))),
        Layout::CvatVideo => Box::new(cvat_video::CvatVideo::new(folder, overview)),
        Layout::CvatImages => {
            let images = settings.frames.then(|| Images::new(pictures, settings.images));
            Box::new(cvat_images::CvatImages::create(folder, overview, images)?)
        }
        Layout::Mot => Box::new(mot::Mot::new(folder, overview, settings.frames.then(|| Images::new(pictures, jpg)))),
        Layout::Voc => Box::new(voc::Voc::new(folder, Images::new(pictures, jpg))),
        Layout::Webdataset => Box::new(tar_shards::TarShards::open(
            folder,
            settings.shard_frames,
            Images::new(pictures, settings.images),
        )?),
        Layout::Kohya => Box::new(kohya::Kohya::new(folder, settings, Images::new(pictures, ImageFormat::Png))?),
        Layout::Parquet => Box::new(table::Table::parquet(folder)?),
        Layout::Csv => Box::new(table::Table::csv(folder)?),
    })
}
