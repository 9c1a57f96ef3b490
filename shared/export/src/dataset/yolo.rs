//! Ultralytics' YOLO: `images/<split>/`, `labels/<split>/` with a text file per picture, `data.yaml`. Coordinates are shares of the picture's
//! sides (docs.ultralytics.com/datasets).
use super::images::{Images, save};
use super::names::flat;
use super::outline::polygon;
use super::overview::Overview;
use super::sample::{Dataset, Sample};
use crate::exported::Written;
use crate::{ExportError, Settings, YoloTask};
use framefleet_frames::skeleton::POINTS;
use framefleet_objects::{Keypoint, Object};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// Whose poses there are.
const PERSON: &str = "person";

/// The writer.
pub(super) struct Yolo<'a> {
    folder: &'a Path,
    task: YoloTask,
    labels: Vec<String>,
    /// Splits that have pictures.
    splits: BTreeSet<String>,
    /// Splits in the order that was asked for.
    order: Vec<String>,
    images: Images<'a>,
    written: Written,
}

impl<'a> Yolo<'a> {
    pub fn new(folder: &'a Path, settings: &Settings, overview: Overview, images: Images<'a>) -> Self {
        let labels = match settings.yolo {
            YoloTask::Pose => vec![PERSON.to_owned()],
            _ => overview.labels,
        };
        let order = settings.splits.shares.iter().map(|(name, _)| name.clone()).collect();
        let (task, splits) = (settings.yolo, BTreeSet::new());
        Self { folder, task, labels, splits, order, images, written: Written::default() }
    }

    /// The line of an object; `None` for one that the task cannot say.
    fn line(&self, object: &Object, size: (u32, u32)) -> Result<Option<String>, ExportError> {
        let Some(class) = self.labels.iter().position(|label| *label == object.label) else { return Ok(None) };
        let share = |[x, y]: [f64; 2]| {
            [x / f64::from(size.0.max(1)), y / f64::from(size.1.max(1))].map(|at| at.clamp(0.0, 1.0))
        };
        let mut line = class.to_string();
        let mut add = |pair: [f64; 2]| write!(line, " {:.6} {:.6}", pair[0], pair[1]).unwrap_or_default();
        let [x0, y0, x1, y1] = object.corners;
        if self.task == YoloTask::Segment {
            let Some(mask) = object.run_lengths() else { return Ok(None) };
            let outline = polygon(&mask)?;
            if outline.len() < 3 {
                return Ok(None);
            }
            outline.into_iter().for_each(|point| add(share(point)));
            return Ok(Some(line));
        }
        add(share([(x0 + x1) / 2.0, (y0 + y1) / 2.0]));
        add(share([x1 - x0, y1 - y0]));
        if self.task == YoloTask::Pose {
            for at in 0..POINTS.len() {
                let Keypoint { x, y, flag } = object.keypoints.get(at).copied().unwrap_or_default();
                let [x, y] = share([x, y]);
                write!(line, " {x:.6} {y:.6} {flag}").unwrap_or_default();
            }
        }
        Ok(Some(line))
    }

    /// What the data set is. JSON's texts and lists are YAML's.
    fn description(&self) -> String {
        let json = |value: &str| serde_json::Value::from(value).to_string();
        let mut text = String::new();
        for split in self.order.iter().filter(|split| self.splits.contains(*split)) {
            text += &format!("{split}: images/{split}\n");
        }
        // Trainers will not start without one.
        if !self.splits.contains("val") {
            text += &format!("val: images/{}\n", self.splits.first().map_or("train", String::as_str));
        }
        if self.task == YoloTask::Pose {
            text += &format!("kpt_shape: [{}, 3]\nflip_idx: {:?}\n", POINTS.len(), mirrored());
        }
        text += if self.labels.is_empty() { "names: {}\n" } else { "names:\n" };
        for (number, label) in self.labels.iter().enumerate() {
            text += &format!("  {number}: {}\n", json(label));
        }
        text
    }
}

/// For each point the one on the person's other side.
fn mirrored() -> Vec<usize> {
    let other = |name: &str| match name.split_once('_') {
        Some(("left", rest)) => format!("right_{rest}"),
        Some(("right", rest)) => format!("left_{rest}"),
        _ => name.to_owned(),
    };
    let place = |(at, name): (usize, &&str)| POINTS.iter().position(|point| *point == other(name)).unwrap_or(at);
    POINTS.iter().enumerate().map(place).collect()
}

impl Dataset for Yolo<'_> {
    fn frame(&mut self, sample: &Sample<'_>) -> Result<(), ExportError> {
        let (name, split) = (flat(sample.name), sample.split);
        self.splits.insert(split.to_owned());
        let picture = self.images.write(sample.frame, &self.folder.join(format!("images/{split}/{name}")))?;
        let mut text = String::new();
        for object in &sample.frame.objects {
            match self.line(object, sample.frame.size)? {
                Some(line) => {
                    text += &(line + "\n");
                    self.written.objects += 1;
                }
                None => self.written.left_out += 1,
            }
        }
        let labels = self.folder.join(format!("labels/{split}/{name}.txt"));
        save(&labels, text.as_bytes())?;
        self.written.files.extend([picture, labels]);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written, ExportError> {
        let path = self.folder.join("data.yaml");
        save(&path, self.description().as_bytes())?;
        self.written.files.push(path);
        Ok(self.written)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn points_are_mirrored_as_ultralytics_has_them() {
        assert_eq!(super::mirrored(), [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]);
    }
}
