//! Pascal VOC: `JPEGImages/`, `Annotations/` with an XML file per picture, `ImageSets/Main/<split>.txt`, and `labelmap.txt` as CVAT reads it.
//! Pixels count from 1, and a box has those at its edges (VOC2012 development kit).
use super::images::{Images, save};
use super::names::flat;
use super::sample::{Dataset, Sample};
use crate::ExportError;
use crate::exported::Written;
use framefleet_objects::Object;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The writer.
pub(super) struct Voc<'a> {
    folder: &'a Path,
    images: Images<'a>,
    labels: BTreeSet<String>,
    /// Names of pictures by split.
    sets: BTreeMap<String, String>,
    written: Written,
}

#[derive(Serialize)]
#[serde(rename = "annotation")]
struct Annotation<'a> {
    folder: &'a str,
    filename: String,
    source: Source<'a>,
    size: Size,
    segmented: u8,
    object: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Source<'a> {
    database: &'a str,
    annotation: &'a str,
    image: &'a str,
}

#[derive(Serialize)]
struct Size {
    width: u32,
    height: u32,
    depth: u8,
}

#[derive(Serialize)]
struct Found<'a> {
    name: &'a str,
    pose: &'a str,
    truncated: u8,
    difficult: u8,
    occluded: u8,
    bndbox: Bounds,
}

#[derive(Serialize)]
struct Bounds {
    xmin: u32,
    ymin: u32,
    xmax: u32,
    ymax: u32,
}

impl<'a> Voc<'a> {
    pub fn new(folder: &'a Path, images: Images<'a>) -> Self {
        let (labels, sets) = (BTreeSet::new(), BTreeMap::new());
        Self { folder, images, labels, sets, written: Written::default() }
    }
}

fn found(object: &Object, (width, height): (u32, u32)) -> Found<'_> {
    let [x0, y0, x1, y1] = object.corners;
    let bounds = Bounds {
        xmin: x0.floor() as u32 + 1,
        ymin: y0.floor() as u32 + 1,
        xmax: x1.ceil() as u32,
        ymax: y1.ceil() as u32,
    };
    let is_cut = bounds.xmin == 1 || bounds.ymin == 1 || bounds.xmax >= width || bounds.ymax >= height;
    Found {
        name: &object.label,
        pose: "Unspecified",
        truncated: is_cut.into(),
        difficult: 0,
        occluded: 0,
        bndbox: bounds,
    }
}

impl Dataset for Voc<'_> {
    fn frame(&mut self, sample: &Sample<'_>) -> Result<(), ExportError> {
        let (name, frame) = (flat(sample.name), sample.frame);
        let picture = self.images.write(frame, &self.folder.join("JPEGImages").join(&name))?;
        let annotation = Annotation {
            folder: "JPEGImages",
            filename: format!("{name}.jpg"),
            source: Source { database: "Framefleet", annotation: "PASCAL VOC", image: &frame.item.name },
            size: Size { width: frame.size.0, height: frame.size.1, depth: 3 },
            segmented: 0,
            object: frame.objects.iter().map(|object| found(object, frame.size)).collect(),
        };
        let path = self.folder.join("Annotations").join(format!("{name}.xml"));
        let text = quick_xml::se::to_string(&annotation)
            .map_err(|error| ExportError::Table { path: path.clone(), reason: error.to_string() })?;
        save(&path, text.as_bytes())?;
        self.labels.extend(frame.objects.iter().map(|object| object.label.clone()));
        self.sets.entry(sample.split.to_owned()).or_default().push_str(&format!("{name}\n"));
        self.written.objects += frame.objects.len() as u64;
        self.written.files.extend([picture, path]);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written, ExportError> {
        for (split, names) in &self.sets {
            let path = self.folder.join("ImageSets/Main").join(format!("{split}.txt"));
            save(&path, names.as_bytes())?;
            self.written.files.push(path);
        }
        let labels = self.labels.iter().map(|label| format!("{}:::\n", label.replace(':', "_")));
        let path = self.folder.join("labelmap.txt");
        let map = format!("# label:color_rgb:parts:actions\nbackground:::\n{}", labels.collect::<String>());
        save(&path, map.as_bytes())?;
        self.written.files.push(path);
        Ok(self.written)
    }
}
