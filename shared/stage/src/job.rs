//! What a task knows of its job.
use framefleet_media::annotation::{Value, kind_name};
use framefleet_media::{Annotation, Edit, FrameRange, Item, Kind, ScopedAnnotation};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// PCM of an item's first audio stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// Samples per second.
    pub rate: u32,
    /// Mono samples, −1..1.
    pub samples: Vec<f32>,
}

/// Reads audio; filled in by the runner.
pub trait AudioSource: Send + Sync {
    /// Mono samples of `item` between two times (nanoseconds from the first video frame), resampled to `rate` Hz. `None`
    /// when the item has no audio.
    fn read(&self, item: &Item, range_ns: Range<i64>, rate: u32) -> Result<Option<Audio>, String>;
}

/// The job around a task: its items and the job-scoped results it is given.
#[derive(Clone)]
pub struct Job {
    /// The step this task belongs to.
    pub step: String,
    /// Items: the one of the batch in process, all of them in finish.
    pub items: Vec<Item>,
    /// Seed for whatever is random; the same for all tasks of a job.
    pub seed: u64,
    /// Job-scoped annotations that the step needs and that touch this task, ordered by step, item and start.
    pub scoped: Vec<ScopedAnnotation>,
    /// The user's corrections of this step, in the order they were made; in finish alone.
    pub edits: Vec<Edit>,
    /// Reads audio of items, for halves that need [`Beside::sound`](crate::Beside).
    pub audio: Arc<dyn AudioSource>,
    /// An existing folder for temporary files of this task; removed after it.
    pub scratch: PathBuf,
}

impl Job {
    /// Job-scoped annotations of a kind, with the item and range they speak of.
    pub fn scoped_of<'a>(&'a self, kind: &'a Kind) -> impl Iterator<Item = (&'a ScopedAnnotation, &'a Annotation)> {
        self.scoped.iter().filter_map(move |scoped| {
            scoped
                .annotation
                .as_ref()
                .filter(|annotation| kind_name(annotation) == kind.as_str())
                .map(|annotation| (scoped, annotation))
        })
    }

    /// The shots of an item, in order; none where no step looks for shots. Its half has to need the kind `shot`.
    pub fn shots(&self, item: &str) -> Vec<FrameRange> {
        let of_item = |scoped: &&ScopedAnnotation| {
            scoped.item == item && matches!(scoped.annotation, Some(Annotation { value: Some(Value::Shot(_)), .. }))
        };
        let mut shots: Vec<FrameRange> = self.scoped.iter().filter(of_item).filter_map(|scoped| scoped.range).collect();
        shots.sort_by_key(|shot| shot.start);
        shots
    }

    /// The item of this name.
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }
}
