//! What both of CVAT's XML formats have (version 1.1, docs.cvat.ai/docs/manual/advanced/xml_format).
use crate::ExportError;
use framefleet_objects::Object;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Attributes that every label has.
const ATTRIBUTES: [&str; 2] = ["track", "identity"];

/// An XML file while it is written.
pub(super) struct Xml {
    path: PathBuf,
    writer: Writer<BufWriter<File>>,
}

impl Xml {
    /// Begins `annotations` with the labels of a task of so many frames; `size` is that of all of them.
    pub fn create(path: &Path, task: &Task<'_>) -> Result<Self, ExportError> {
        let file = File::create(path).map_err(ExportError::write(path))?;
        let mut xml = Self { path: path.to_owned(), writer: Writer::new_with_indent(BufWriter::new(file), b' ', 1) };
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        xml.start("annotations", &[])?;
        xml.text("version", "1.1")?;
        xml.start("meta", &[])?;
        xml.start("task", &[])?;
        xml.text("name", task.name)?;
        if let Some(length) = task.length {
            xml.text("size", &length.to_string())?;
        }
        xml.text("mode", task.mode)?;
        xml.start("labels", &[])?;
        for label in task.labels {
            xml.label(label)?;
        }
        xml.end("labels")?;
        if let Some((width, height)) = task.frame_size {
            xml.start("original_size", &[])?;
            xml.text("width", &width.to_string())?;
            xml.text("height", &height.to_string())?;
            xml.end("original_size")?;
        }
        xml.end("task")?;
        xml.end("meta")?;
        Ok(xml)
    }

    fn label(&mut self, label: &str) -> Result<(), ExportError> {
        self.start("label", &[])?;
        self.text("name", label)?;
        self.start("attributes", &[])?;
        for attribute in ATTRIBUTES {
            self.start("attribute", &[])?;
            self.text("name", attribute)?;
            self.text("mutable", "False")?;
            self.text("input_type", "text")?;
            self.text("default_value", "")?;
            self.text("values", "")?;
            self.end("attribute")?;
        }
        self.end("attributes")?;
        self.end("label")
    }

    /// The attributes of an object, inside its shape.
    pub fn attributes(&mut self, object: &Object) -> Result<(), ExportError> {
        let track = object.track.map(|track| track.to_string());
        for (name, value) in ATTRIBUTES.into_iter().zip([track, object.person()]) {
            if let Some(value) = value {
                self.element("attribute", &[("name", name.to_owned())], &value)?;
            }
        }
        Ok(())
    }

    /// An element without attributes.
    pub fn text(&mut self, name: &str, text: &str) -> Result<(), ExportError> {
        self.element(name, &[], text)
    }

    fn element(&mut self, name: &str, attributes: &[(&str, String)], text: &str) -> Result<(), ExportError> {
        let writer = self.writer.create_element(name);
        let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let written = writer.with_attributes(attributes).write_text_content(BytesText::new(text));
        written.map(drop).map_err(ExportError::write(&self.path))
    }

    /// Begins an element.
    pub fn start(&mut self, name: &str, attributes: &[(&str, String)]) -> Result<(), ExportError> {
        let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
        self.event(Event::Start(BytesStart::new(name).with_attributes(attributes)))
    }

    /// Ends it.
    pub fn end(&mut self, name: &str) -> Result<(), ExportError> {
        self.event(Event::End(BytesEnd::new(name)))
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), ExportError> {
        self.writer.write_event(event).map_err(ExportError::write(&self.path))
    }

    /// Ends the file; its path.
    pub fn finish(mut self) -> Result<PathBuf, ExportError> {
        self.end("annotations")?;
        let written = self.writer.into_inner().into_inner();
        written.map_err(|error| error.into_error()).map_err(ExportError::write(&self.path))?;
        Ok(self.path)
    }
}

/// What a file says of its task.
pub(super) struct Task<'a> {
    pub name: &'a str,
    /// "interpolation" for tracks, "annotation" for pictures.
    pub mode: &'a str,
    pub length: Option<u64>,
    pub frame_size: Option<(u32, u32)>,
    pub labels: &'a [String],
}

/// The corners of a box as attributes.
pub(super) fn corners(object: &Object) -> [(&'static str, String); 4] {
    let [x0, y0, x1, y1] = object.corners.map(|side| format!("{side:.2}"));
    [("xtl", x0), ("ytl", y0), ("xbr", x1), ("ybr", y1)]
}
