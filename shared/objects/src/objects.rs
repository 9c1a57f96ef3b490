//! The persons and things of an output, frame by frame, as data sets have them: coco.json and exports are written of these.
//!
//! Where a step joined subjects, each of them is one object, with the rows of its parts (face, pose, mask) that other steps made of
//! the same frame. Otherwise every result of every chosen step is an object of its own.
use crate::ObjectsError;
use crate::lockstep::{Lockstep, LockstepFrame};
use crate::object::{Fields, Object, Parts};
use crate::record::record;
use crate::sources::Sources;
use framefleet_frames::annotation::Value as Annotated;
use framefleet_frames::{ImageFile, Item, Outcome, item};
use framefleet_ledger::{Ledger, Manifest};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A frame that has a result, and what is in it.
pub struct ObjectFrame<'a> {
    /// Its item.
    pub item: &'a Item,
    /// Number in the whole item.
    pub number: u64,
    /// Presentation time in nanoseconds from the item's first frame.
    pub pts_ns: i64,
    /// The image that the frame is, of sequences and stills.
    pub file: Option<ImageFile>,
    /// Width and height of the full frame: the file's own.
    pub size: (u32, u32),
    /// What is in it; empty when nothing was found.
    pub objects: Vec<Object>,
    /// The frame's records by step, of all steps that are read.
    pub records: Vec<(&'a str, Map<String, Value>)>,
}

/// Reads the objects of an output: items in order, frames ascending, in bounded memory.
pub struct Objects<'a> {
    lockstep: Lockstep<'a>,
    steps: Vec<Step<'a>>,
    sources: Sources,
    /// Names of identities, where faces are objects of their own.
    names: HashMap<u64, String>,
}

/// A step that is read.
struct Step<'a> {
    name: Arc<str>,
    manifest: &'a Manifest,
    /// Its items.
    items: BTreeSet<&'a str>,
}

impl<'a> Objects<'a> {
    /// Objects of the steps called `named` (none: of all that make faces, poses, masks or subjects); `None` when no step makes any. With
    /// `all_records`, the frame's records of every step of the output come along.
    pub async fn open(
        ledger: &'a Ledger,
        manifests: &'a [Manifest],
        named: &[String],
        all_records: bool,
    ) -> Result<Option<Self>, ObjectsError> {
        let mut sources = Sources::choose(manifests, named)?;
        if sources.is_empty() {
            return Ok(None);
        }
        let used = sources.parts.iter().map(|source| source.place).chain(sources.subjects);
        let used: BTreeSet<usize> = if all_records { (0..manifests.len()).collect() } else { used.collect() };
        let place = |of: usize| used.iter().position(|place| *place == of).unwrap_or(of);
        sources.subjects = sources.subjects.map(place);
        sources.parts.iter_mut().for_each(|source| source.place = place(source.place));
        let chosen: Vec<&Manifest> = used.iter().filter_map(|place| manifests.get(*place)).collect();
        let step = |manifest: &&'a Manifest| Step {
            name: manifest.step.as_str().into(),
            manifest,
            items: manifest.items().map(|item| item.name.as_str()).collect(),
        };
        let steps = chosen.iter().map(step).collect();
        let names = identity_names(ledger, &chosen).await?;
        Ok(Some(Self { lockstep: Lockstep::new(ledger, chosen), steps, sources, names }))
    }

    /// All items, in the order in which they are read.
    pub fn items(&self) -> &[&'a Item] {
        self.lockstep.items()
    }

    /// The steps whose results are objects: that of the subjects, with those of their parts.
    pub fn steps(&self) -> Vec<String> {
        let used = self.sources.subjects.into_iter().chain(self.sources.parts.iter().map(|source| source.place));
        let used: BTreeSet<usize> = used.collect();
        self.steps
            .iter()
            .enumerate()
            .filter(|(at, _)| used.contains(at))
            .map(|(_, step)| step.name.to_string())
            .collect()
    }

    /// Whether persons are joined by a step.
    pub fn are_subjects(&self) -> bool {
        self.sources.subjects.is_some()
    }

    /// Kinds that are objects.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.sources.parts.iter().map(|source| source.kind).collect()
    }

    /// Leaves one kind where no step joins subjects: one person is not to be found twice.
    pub fn keep_kind(&mut self, kind: &str) {
        if !self.are_subjects() {
            self.sources.parts.retain(|source| source.kind == kind);
        }
    }

    /// The next frame that has a result of a step that is asked for objects.
    pub async fn next(&mut self) -> Result<Option<ObjectFrame<'a>>, ObjectsError> {
        while let Some(frame) = self.lockstep.next().await? {
            if let Some(frame) = self.joined(frame)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    fn joined(&self, frame: LockstepFrame<'a>) -> Result<Option<ObjectFrame<'a>>, ObjectsError> {
        let subjects = self.subjects_of(&frame.item.name);
        let places: Vec<usize> = match subjects {
            Some(place) => vec![place],
            None => self.sources.parts.iter().map(|source| source.place).collect(),
        };
        let has_result =
            |place: &usize| matches!(frame.rows.get(*place), Some(Some(row)) if row.outcome == Outcome::Result);
        if !places.iter().any(has_result) {
            return Ok(None);
        }
        let mut records = Vec::with_capacity(self.steps.len());
        for (step, row) in self.steps.iter().zip(&frame.rows) {
            records.push(match row {
                Some(row) if row.outcome == Outcome::Result => record(row, &step.manifest.kinds)?,
                _ => Map::new(),
            });
        }
        let size = item::size_of(frame.item, frame.file.as_ref());
        let parts = match subjects {
            Some(place) => self.subjects(place, &records),
            None => self.results(&records),
        };
        let name = |identity| self.names.get(&identity).cloned();
        let objects = parts.into_iter().filter_map(|parts| parts.into_object(size, name)).collect();
        let LockstepFrame { item, number, pts_ns, file, .. } = frame;
        let records = self.steps.iter().map(|step| step.manifest.step.as_str()).zip(records).collect();
        Ok(Some(ObjectFrame { item, number, pts_ns, file, size, objects, records }))
    }

    /// The step of subjects, if it has seen the item: one that was added since is shown by what others found in it.
    fn subjects_of(&self, item: &str) -> Option<usize> {
        self.sources.subjects.filter(|place| self.steps.get(*place).is_some_and(|step| step.items.contains(item)))
    }

    /// Subjects with their parts.
    fn subjects(&self, place: usize, records: &[Fields]) -> Vec<Parts> {
        let part = |subject: &Fields, kind: &str| {
            let instance = subject.get(kind).and_then(Value::as_u64)?;
            let source = self.sources.parts.iter().find(|source| source.kind == kind)?;
            let mut found = bodies(records.get(source.place), kind);
            found.find(|body| body.get("instance").and_then(Value::as_u64) == Some(instance)).cloned()
        };
        let step = self.steps.get(place).map(|step| step.name.clone()).unwrap_or_default();
        let joined = |body: &Fields| Parts {
            step: step.clone(),
            kind: "subject",
            face: part(body, "face"),
            pose: part(body, "pose"),
            mask: part(body, "mask"),
            body: body.clone(),
        };
        bodies(records.get(place), "subject").map(joined).collect()
    }

    /// Every result of every step.
    fn results(&self, records: &[Fields]) -> Vec<Parts> {
        let mut all = Vec::new();
        for source in &self.sources.parts {
            let step = self.steps.get(source.place).map(|step| step.name.clone()).unwrap_or_default();
            for body in bodies(records.get(source.place), source.kind) {
                let is = |kind: &str| (kind == source.kind).then(|| body.clone());
                let (face, pose, mask) = (is("face"), is("pose"), is("mask"));
                all.push(Parts { step: step.clone(), kind: source.kind, body: body.clone(), face, pose, mask });
            }
        }
        all
    }
}

/// The results of a kind in a record.
fn bodies<'r>(record: Option<&'r Fields>, kind: &str) -> impl Iterator<Item = &'r Fields> {
    record
        .and_then(|record| record.get(kind))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
}

/// Names that the user gave to identities, by number.
async fn identity_names(ledger: &Ledger, manifests: &[&Manifest]) -> Result<HashMap<u64, String>, ObjectsError> {
    let mut names = HashMap::new();
    for manifest in manifests {
        let block = ledger.scoped(manifest).await?;
        let values = block.scoped.iter().filter_map(|scoped| scoped.annotation.as_ref()?.value.as_ref());
        names.extend(values.filter_map(|value| match value {
            Annotated::Identity(identity) if !identity.name.is_empty() => {
                Some((u64::from(identity.number), identity.name.clone()))
            }
            _ => None,
        }));
    }
    Ok(names)
}
