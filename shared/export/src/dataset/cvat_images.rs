//! CVAT for images 1.1: `annotations.xml`; an object's box and mask are one group. Pictures lie in `images/` when asked for; else CVAT finds
//! its own by their names.
use super::cvat::{Task, Xml, corners};
use super::images::Images;
use super::outline::rows;
use super::overview::Overview;
use super::sample::{Dataset, Sample};
use crate::ExportError;
use crate::exported::Written;
use framefleet_objects::Object;
use std::path::Path;

/// The writer.
pub(super) struct CvatImages<'a> {
    folder: &'a Path,
    xml: Xml,
    images: Option<Images<'a>>,
    count: u64,
    written: Written,
}

impl<'a> CvatImages<'a> {
    /// Begins the file.
    pub fn create(folder: &'a Path, overview: Overview, images: Option<Images<'a>>) -> Result<Self, ExportError> {
        let task =
            Task { name: "Framefleet", mode: "annotation", length: None, frame_size: None, labels: &overview.labels };
        let xml = Xml::create(&folder.join("annotations.xml"), &task)?;
        Ok(Self { folder, xml, images, count: 0, written: Written::default() })
    }

    fn object(&mut self, group: usize, object: &Object) -> Result<(), ExportError> {
        let common = [
            ("label", object.label.clone()),
            ("source", "auto".to_owned()),
            ("occluded", "0".to_owned()),
            ("z_order", "0".to_owned()),
            ("group_id", group.to_string()),
        ];
        self.xml.start("box", &[&common[..], &corners(object)].concat())?;
        self.xml.attributes(object)?;
        self.xml.end("box")?;
        let Some(mask) = object.run_lengths().map(|mask| rows(&mask)).transpose()?.flatten() else { return Ok(()) };
        let [left, top, width, height] = mask.place;
        let runs = mask.runs.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let place = [("left", left), ("top", top), ("width", width), ("height", height)];
        let place = place.map(|(name, value)| (name, value.to_string()));
        self.xml.start("mask", &[&common[..], &[("rle", runs)], &place].concat())?;
        self.xml.attributes(object)?;
        self.xml.end("mask")
    }
}

impl Dataset for CvatImages<'_> {
    fn frame(&mut self, sample: &Sample<'_>) -> Result<(), ExportError> {
        let frame = sample.frame;
        let name = match (&mut self.images, &frame.file) {
            (Some(images), _) => {
                self.written.files.push(images.write(frame, &self.folder.join("images").join(sample.name))?);
                format!("{}{}", sample.name, images.extension())
            }
            (None, Some(file)) if file.page == 0 => file.name.clone(),
            (None, _) => format!("{}.jpg", sample.name),
        };
        let (width, height) = frame.size;
        self.xml.start(
            "image",
            &[
                ("id", self.count.to_string()),
                ("name", name),
                ("width", width.to_string()),
                ("height", height.to_string()),
            ],
        )?;
        self.count += 1;
        for (at, object) in frame.objects.iter().enumerate() {
            self.object(at + 1, object)?;
        }
        self.written.objects += frame.objects.len() as u64;
        self.xml.end("image")
    }

    fn finish(self: Box<Self>) -> Result<Written, ExportError> {
        let Self { xml, mut written, .. } = *self;
        written.files.push(xml.finish()?);
        Ok(written)
    }
}
