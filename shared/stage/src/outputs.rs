//! What a task makes. Results are collected here and committed together, or not at all.
use crate::FrameSink;
use framefleet_frames::{
    Amendment, Annotation, AnnotationBlock, Frame, FrameAnnotations, FrameFailure, FrameRange, FrameSkip, ItemFailure,
    Outcomes, ScopedAnnotation, naming,
};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A file that a task writes. Libraries that want a path (FFmpeg, OpenCV) use [`Artifact::path`].
#[derive(Debug)]
pub struct Artifact {
    name: String,
    frame: Option<u64>,
    path: PathBuf,
    file: File,
}

impl Artifact {
    /// Name below the step's folder (artifact) or within the task (attachment); of an artifact of a frame the pattern.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The frame that an artifact is called by.
    pub fn frame(&self) -> Option<u64> {
        self.frame
    }

    /// Where the file lies until it is committed.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Artifact {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Read for Artifact {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Artifact {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// Everything one task made, as the runner commits it.
#[derive(Debug, Default)]
pub struct TaskOutput {
    /// The annotations part.
    pub annotations: AnnotationBlock,
    /// Frames without a result.
    pub outcomes: Outcomes,
    /// Frames made, ascending; none when they went into a sink.
    pub frames: Vec<Frame>,
    /// Files under `artifacts/<step>/`.
    pub artifacts: Vec<Artifact>,
    /// Files kept until finish.
    pub attachments: Vec<Artifact>,
}

/// Collects what a task makes.
pub struct Outputs<'a> {
    scratch: PathBuf,
    annotations: BTreeMap<u64, Vec<Annotation>>,
    made: TaskOutput,
    /// Where frames go instead of being kept.
    sink: Option<&'a mut dyn FrameSink>,
}

impl<'a> Outputs<'a> {
    /// Outputs whose files lie in `scratch` until they are committed. Frames are kept.
    pub fn new(scratch: &Path) -> Self {
        Self { scratch: scratch.to_owned(), annotations: BTreeMap::new(), made: TaskOutput::default(), sink: None }
    }

    /// Outputs whose frames go into a sink as they are made.
    pub fn with_frames_into(sink: &'a mut dyn FrameSink, scratch: &Path) -> Self {
        Self { sink: Some(sink), ..Self::new(scratch) }
    }

    /// Adds an annotation to a frame of the batch. Instances must be unique within (kind, frame).
    pub fn annotate(&mut self, frame: u64, annotation: Annotation) {
        self.annotations.entry(frame).or_default().push(annotation);
    }

    /// Adds a result on an item (or, with an empty item, on the job), in finish.
    pub fn annotate_scope(&mut self, scoped: ScopedAnnotation) {
        self.made.annotations.scoped.push(scoped);
    }

    /// Merges fields into the row of an instance that process made, in finish.
    pub fn amend(&mut self, amendment: Amendment) {
        self.made.annotations.amendments.push(amendment);
    }

    /// Sets the step's statistics (an object), in finish.
    pub fn statistics(&mut self, statistics: &serde_json::Map<String, serde_json::Value>) {
        self.made.annotations.statistics = serde_json::Value::Object(statistics.clone()).to_string();
    }

    /// Finish does not make of this item what it makes of the others, which go on.
    pub fn fail_item(&mut self, item: &str, code: &str, reason: impl Into<String>) {
        let failure = ItemFailure { item: item.to_owned(), code: code.to_owned(), reason: reason.into() };
        self.made.annotations.failed_items.push(failure);
    }

    /// This frame cannot be processed; the others go on. `code` is short and stable: one of [`codes`](crate::codes) where that says it.
    pub fn fail(&mut self, frame: u64, code: &str, reason: impl Into<String>) {
        self.made.outcomes.failed.push(FrameFailure { frame, code: code.to_owned(), reason: reason.into() });
    }

    /// A rule of the stage leaves this frame out.
    pub fn skip(&mut self, frame: u64, rule: &str) {
        let range = Some(FrameRange { start: frame, end: frame + 1 });
        self.made.outcomes.skipped.push(FrameSkip { range, rule: rule.to_owned() });
    }

    /// Adds a frame that the stage made. One of another size or format than its needs say fails.
    pub fn frame(&mut self, frame: Frame) {
        match &mut self.sink {
            Some(sink) => sink.take(frame),
            None => self.made.frames.push(frame),
        }
    }

    /// Opens a file that will lie under `artifacts/<step>/`: in process below the item's own folder, in finish below the step's.
    /// What belongs to a frame is made by [`Outputs::frame_artifact`].
    pub fn artifact(&mut self, name: &str) -> io::Result<&mut Artifact> {
        self.add_artifact(name, None)
    }

    /// Opens a file that belongs to a frame, in process. In `pattern` ("masks/*_mask.png") `*` stands for the frame's stem, by which it will
    /// be called below the item's folder ([`naming::frame_stem`]): as the still is when results are published, whatever it was called
    /// when the task ran.
    ///
    /// # Errors
    /// A pattern with other than one `*`, and what the file system says.
    pub fn frame_artifact(&mut self, frame: u64, pattern: &str) -> io::Result<&mut Artifact> {
        if pattern.matches(naming::STEM).count() != 1 {
            let problem = format!("\"{pattern}\" must have one {} for the frame's stem", naming::STEM);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        self.add_artifact(pattern, Some(frame))
    }

    /// Drops the artifact that was opened last: it did not become what it was to be.
    pub fn drop_artifact(&mut self) {
        self.made.artifacts.pop();
    }

    fn add_artifact(&mut self, name: &str, frame: Option<u64>) -> io::Result<&mut Artifact> {
        let index = self.made.artifacts.len();
        let artifact = Artifact { frame, ..self.create(&format!("artifact{index}"), name)? };
        Ok(push(&mut self.made.artifacts, artifact))
    }

    /// Opens a file that is kept until finish (crops, pieces of encoded video); names are unique in the task.
    pub fn attach(&mut self, name: &str) -> io::Result<&mut Artifact> {
        let index = self.made.attachments.len();
        let artifact = self.create(&format!("attachment{index}"), name)?;
        Ok(push(&mut self.made.attachments, artifact))
    }

    /// What was collected, in frame order.
    pub fn into_output(mut self) -> TaskOutput {
        self.made.annotations.frames =
            self.annotations.into_iter().map(|(frame, annotations)| FrameAnnotations { frame, annotations }).collect();
        self.made.outcomes.failed.sort_by_key(|failure| failure.frame);
        self.made.outcomes.skipped.sort_by_key(|skip| skip.range.as_ref().map(|range| range.start));
        self.made.frames.sort_by_key(|frame| frame.number);
        self.made
    }

    /// The extension is kept: libraries choose formats by it.
    fn create(&self, stem: &str, name: &str) -> io::Result<Artifact> {
        let extension = Path::new(name).extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
        let path = self.scratch.join(format!("{stem}.{extension}"));
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
        Ok(Artifact { name: name.to_owned(), frame: None, path, file })
    }
}

/// Pushes, and borrows what was pushed.
fn push(list: &mut Vec<Artifact>, artifact: Artifact) -> &mut Artifact {
    let index = list.len();
    list.push(artifact);
    &mut list[index]
}
