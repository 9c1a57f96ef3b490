//! What a task knows of its job.
use framefleet_frames::annotation::{Value, kind_name};
use framefleet_frames::{Annotation, Colour, Edit, FrameRange, Item, Kind, MadeFrames, ScopedAnnotation, item, made};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// PCM of one of an item's sound tracks.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// Samples per second.
    pub rate: u32,
    /// Mono samples, −1..1.
    pub samples: Vec<f32>,
}

/// Reads audio; filled in by the runner.
pub trait AudioSource: Send + Sync {
    /// Mono samples of a sound track of `item` (by its place in [`Item::sound_tracks`]; the default one where `None`) between two times
    /// (nanoseconds from the first video frame), resampled to `rate` Hz. `None` when the item has no such track.
    fn read(&self, item: &Item, track: Option<u32>, range_ns: Range<i64>, rate: u32) -> Result<Option<Audio>, String>;
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
    /// What steps upstream made of full frames before this step looks at them, first maker first.
    pub makers: Vec<MadeFrames>,
    /// Reads audio of items, for halves that need [`SideInputs::audio`](crate::SideInputs).
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

    /// The colour of an item's full frames as they come to this step: what the last maker says, else the source's.
    pub fn colour(&self, item: &Item) -> Colour {
        self.made_colour().or(item.colour.as_ref()).cloned().unwrap_or_default()
    }

    /// The same of one frame: stills have colours of their own.
    pub fn frame_colour(&self, item: &Item, frame: u64) -> Colour {
        self.made_colour().cloned().unwrap_or_else(|| item::frame_colour(item, frame))
    }

    /// The colour of full frames as they come to this step, where steps upstream changed it.
    pub fn made_colour(&self) -> Option<&Colour> {
        made::colour(&self.makers)
    }

    /// Bits per channel that mean something in an item's full frames as they come to this step.
    pub fn bit_depth(&self, item: &Item) -> u32 {
        made::bit_depth(&self.makers, item)
    }

    /// The item of this name.
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }
}
