//! What corrections of images are noted with besides numbers, so that they are found again whatever happens to the folder.
use crate::error::JobError;
use framefleet_frames::{Edit, EditTarget, ImageFile};
use framefleet_ledger::{Ledger, Manifest, TaskKey, TaskLookup};
use framefleet_orchestration::{Boxes, PictureSearch, Resolved, boxes_on};
use framefleet_proto::v1::TaskResult;
use futures::TryStreamExt as _;
use std::collections::HashMap;

/// The images of a step's results.
pub(super) struct StepPictures<'a> {
    ledger: &'a Ledger,
    manifest: &'a Manifest,
    lookup: TaskLookup,
}

impl<'a> StepPictures<'a> {
    /// Those of a step.
    pub(super) fn new(ledger: &'a Ledger, manifest: &'a Manifest) -> Self {
        Self { ledger, manifest, lookup: ledger.task_lookup(manifest) }
    }

    /// A face that is given by its picture's name (`item:file:instance`), by the number that it has; what is given otherwise stays as it is.
    pub(super) async fn numbered(&self, text: &str) -> Result<String, JobError> {
        let mut parts = text.rsplitn(3, ':');
        let (Some(instance), Some(name), Some(item)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok(text.to_owned());
        };
        if name.parse::<u64>().is_ok() {
            return Ok(text.to_owned());
        }
        let mut tasks = self.ledger.tasks(self.manifest);
        while let Some(task) = tasks.try_next().await? {
            let file = task.files.iter().find(|file| file.name == name && self.manifest.item_name(&task) == item);
            if let Some(file) = file {
                return Ok(format!("{item}:{}:{instance}", file.frame));
            }
        }
        Err(JobError::Request(format!("there is no picture {name} in {item}")))
    }

    /// Notes with the targets of a correction what their pictures are called and contain, and where in them they are.
    pub(super) async fn describe(&mut self, edit: &mut Edit) -> Result<(), JobError> {
        for target in edit.targets.iter_mut().chain(edit.from.as_mut()) {
            for of in target.others.iter_mut() {
                self.describe_one(of).await?;
            }
            self.describe_one(target).await?;
        }
        Ok(())
    }

    async fn describe_one(&mut self, target: &mut EditTarget) -> Result<(), JobError> {
        let Some((task, file)) = self.image(&target.item, target.frame).await? else { return Ok(()) };
        let there = self.boxes(&task, &file).await?;
        let place = there.into_iter().find(|(instance, _)| *instance == target.instance);
        target.r#box = place.map(|(_, place)| place.to_vec()).unwrap_or_default();
        target.digest = hex::encode(&file.digest);
        target.file = file.name;
        Ok(())
    }

    /// Refuses an instance that the step's results do not have.
    pub(super) async fn check_instance(&mut self, target: &EditTarget) -> Result<(), JobError> {
        let EditTarget { item, frame, instance, .. } = target;
        let missing = || JobError::Request(format!("there is no instance {instance} on frame {frame} of {item}"));
        let task = self.task(item, *frame).await?.ok_or_else(missing)?;
        let key = TaskKey::from_bytes(&task.key).map_err(|error| JobError::Failed(error.to_string()))?;
        let block = self.ledger.annotations(&key).await?;
        let mut on_frame = block.frames.iter().filter(|of| of.frame == *frame).flat_map(|of| &of.annotations);
        on_frame.any(|made| made.instance == *instance).then_some(()).ok_or_else(missing)
    }

    /// Where corrections act now, as far as the step's results tell.
    pub(super) async fn resolve(&mut self, edits: &[Edit]) -> Result<Resolved, JobError> {
        let mut search = PictureSearch::new(edits);
        let mut is_asked_for = Vec::new();
        for item in self.manifest.items() {
            is_asked_for.push(search.see_item(&item.name));
        }
        let mut tasks = self.ledger.tasks(self.manifest);
        while let Some(task) = tasks.try_next().await? {
            if is_asked_for.get(task.item as usize).is_some_and(|asked| *asked) {
                let item = self.manifest.item_name(&task);
                task.files.iter().for_each(|file| search.see(item, file));
            }
        }
        let mut boxes = HashMap::new();
        for (item, file) in search.questions(edits) {
            let there = match self.image(&item, file.frame).await? {
                Some((task, file)) => self.boxes(&task, &file).await?,
                None => Boxes::new(),
            };
            boxes.insert((item, file.frame), there);
        }
        Ok(search.resolve(edits, &boxes))
    }

    /// The image that a frame is, and the task that was done on it.
    async fn image(&mut self, item: &str, frame: u64) -> Result<Option<(TaskResult, ImageFile)>, JobError> {
        let Some(task) = self.task(item, frame).await? else { return Ok(None) };
        let file = task.files.iter().find(|file| file.frame == frame).cloned();
        Ok(file.map(|file| (task, file)))
    }

    /// The task that was done on a frame.
    async fn task(&mut self, item: &str, frame: u64) -> Result<Option<TaskResult>, JobError> {
        let place = self.manifest.items().position(|of| of.name == item).and_then(|place| u32::try_from(place).ok());
        let Some(place) = place else { return Ok(None) };
        Ok(self.lookup.task_of(place, frame).await?)
    }

    async fn boxes(&self, task: &TaskResult, file: &ImageFile) -> Result<Boxes, JobError> {
        let key = TaskKey::from_bytes(&task.key).map_err(|error| JobError::Failed(error.to_string()))?;
        Ok(boxes_on(self.ledger.annotations(&key).await?.as_ref(), file))
    }
}
