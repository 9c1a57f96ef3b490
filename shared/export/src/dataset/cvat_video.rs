//! CVAT for video 1.1: `<item>.xml` with a track per object. Every frame that shows it is a key frame; where one with a result does not, the
//! track is outside from there on. Frames without a result say nothing: CVAT draws a straight line through them. In memory are the boxes of an
//! item.
use super::cvat::{Task, Xml, corners};
use super::overview::Overview;
use super::sample::{Dataset, Sample};
use crate::ExportError;
use crate::exported::Written;
use crate::place::place;
use framefleet_frames::Item;
use framefleet_objects::Object;
use std::collections::BTreeMap;
use std::path::Path;

/// The writer.
pub(super) struct CvatVideo<'a> {
    folder: &'a Path,
    labels: Vec<String>,
    tracks: BTreeMap<Key, Vec<Shape>>,
    /// Objects of the item without a track: each has one of its own.
    loose: u64,
    /// Tracks that the latest frame shows.
    shown: Vec<Key>,
    length: u64,
    written: Written,
}

/// A track of an item: by number, those of no track behind.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Track(u64),
    Loose(u64),
}

/// A key frame of a track.
struct Shape {
    frame: u64,
    object: Object,
    is_outside: bool,
}

impl<'a> CvatVideo<'a> {
    pub fn new(folder: &'a Path, overview: Overview) -> Self {
        Self {
            folder,
            labels: overview.labels,
            tracks: BTreeMap::new(),
            loose: 0,
            shown: Vec::new(),
            length: 0,
            written: Written::default(),
        }
    }

    /// Ends the tracks that a frame does not show any more.
    fn leave(&mut self, frame: u64, now: &[Key]) {
        for key in self.shown.iter().filter(|key| !now.contains(key)) {
            let Some(shapes) = self.tracks.get_mut(key) else { continue };
            if let Some(object) = shapes.last().map(|shape| shape.object.clone()) {
                shapes.push(Shape { frame, object, is_outside: true });
            }
        }
    }

    fn track(xml: &mut Xml, id: usize, shapes: &[Shape]) -> Result<(), ExportError> {
        let Some(first) = shapes.first() else { return Ok(()) };
        let label = ("label", first.object.label.clone());
        xml.start("track", &[("id", id.to_string()), label, ("source", "auto".to_owned())])?;
        for shape in shapes {
            let flag = |is: bool| u8::from(is).to_string();
            let state = [
                ("frame", shape.frame.to_string()),
                ("keyframe", flag(true)),
                ("outside", flag(shape.is_outside)),
                ("occluded", flag(false)),
                ("z_order", "0".to_owned()),
            ];
            xml.start("box", &[&state[..], &corners(&shape.object)].concat())?;
            xml.attributes(&shape.object)?;
            xml.end("box")?;
        }
        xml.end("track")
    }
}

impl Dataset for CvatVideo<'_> {
    fn begin(&mut self, _: &Item) -> Result<(), ExportError> {
        self.tracks.clear();
        self.shown.clear();
        (self.loose, self.length) = (0, 0);
        Ok(())
    }

    fn frame(&mut self, sample: &Sample<'_>) -> Result<(), ExportError> {
        let frame = sample.frame.number;
        self.length = frame + 1;
        let mut now = Vec::new();
        for object in &sample.frame.objects {
            let key = match object.track {
                Some(track) => Key::Track(track),
                None => {
                    self.loose += 1;
                    Key::Loose(self.loose)
                }
            };
            // What is not drawn is not kept.
            let object = Object { face: None, pose: None, mask: None, keypoints: Vec::new(), ..object.clone() };
            self.tracks.entry(key.clone()).or_default().push(Shape { frame, object, is_outside: false });
            now.push(key);
        }
        self.leave(frame, &now);
        self.written.objects += now.len() as u64;
        self.shown = now;
        Ok(())
    }

    fn end(&mut self, item: &Item) -> Result<(), ExportError> {
        let length = self.length.max(item.estimated_frames);
        if self.length < length {
            self.leave(self.length, &[]);
        }
        let path = place(self.folder, &item.name, ".xml")?;
        let task = Task {
            name: &item.name,
            mode: "interpolation",
            length: Some(length),
            frame_size: Some((item.width, item.height)),
            labels: &self.labels,
        };
        let mut xml = Xml::create(&path, &task)?;
        for (id, shapes) in self.tracks.values().enumerate() {
            Self::track(&mut xml, id, shapes)?;
        }
        self.written.files.push(xml.finish()?);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written, ExportError> {
        Ok(self.written)
    }
}
