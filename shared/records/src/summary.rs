//! A step's summary: statistics, counts, and what it found on items and on the job.
use crate::RecordsError;
use crate::frame_files::{Files, Frames, note_frames, place};
use framefleet_frames::{ScopedAnnotation, annotation};
use framefleet_ledger::outcomes::Counts;
use framefleet_ledger::{Ledger, Manifest, describe, finish_key, presence, task_key};
use framefleet_proto::v1::StepManifest;
use futures::TryStreamExt;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The summary of a step: `{"schema", "step", "stage", "statistics": {…}, "items": {name: {"result", "failed", "skipped"}}}`, `failed_items` (name:
/// why) where its finish failed on some, then
/// for each kind that finish makes the list of its annotations, each with its scope (`item`, `start`, `end`; null where it
/// does not apply). What speaks of one frame of a sequence or of stills names its `file`, too.
pub(crate) async fn summary(ledger: &Ledger, manifest: &Manifest) -> Result<Map<String, Value>, RecordsError> {
    let what = || format!("step {}", manifest.step);
    let finish = ledger.scoped(manifest).await?;
    let mut statistics: Value = match finish.statistics.as_str() {
        "" => json!({}),
        text => serde_json::from_str(text)
            .map_err(|error| RecordsError::invalid(what(), format!("its statistics are no JSON: {error}")))?,
    };
    let bodies = finish.scoped.iter().map(Body::new).collect::<Result<Vec<Body>, _>>();
    let mut bodies = bodies.map_err(|error| RecordsError::invalid(what(), error.to_string()))?;
    let mut frames = Frames::default();
    note_frames(&statistics, &mut frames);
    bodies.iter().for_each(|body| body.note_frames(&mut frames));
    let files = Files::find(ledger, manifest, frames).await?;
    files.name_in(&mut statistics);
    bodies.iter_mut().for_each(|body| body.name_files(&files));
    let mut items = Map::new();
    for (item, counts) in manifest.items().zip(item_counts(ledger, manifest).await?) {
        items.insert(
            item.name.clone(),
            json!({"result": counts.result, "failed": counts.failed, "skipped": counts.skipped}),
        );
    }
    let failed_items: Map<String, Value> =
        finish.failed_items.iter().map(|failure| (failure.item.clone(), failure.reason.as_str().into())).collect();
    let mut summary = Map::new();
    summary.insert("schema".to_owned(), 1.into());
    summary.insert("step".to_owned(), manifest.step.as_str().into());
    summary.insert("stage".to_owned(), manifest.stage.as_str().into());
    summary.insert("statistics".to_owned(), statistics);
    summary.insert("items".to_owned(), items.into());
    if !failed_items.is_empty() {
        summary.insert("failed_items".to_owned(), failed_items.into());
    }
    for kind in scoped_kinds(ledger, manifest, &finish.scoped)? {
        let of_kind = bodies.iter().filter(|body| body.kind == kind);
        let list: Vec<Value> = of_kind.map(Body::to_value).collect();
        summary.insert(kind, list.into());
    }
    Ok(summary)
}

/// Frames of every item by outcome.
async fn item_counts(ledger: &Ledger, manifest: &Manifest) -> Result<Vec<Counts>, RecordsError> {
    let mut counts = vec![Counts::default(); manifest.items().len()];
    let mut tasks = ledger.tasks(manifest);
    while let Some(task) = tasks.try_next().await? {
        let key = task_key(manifest, &task)?;
        let entry = ledger.known(&key, &format!("step {}, {}", manifest.step, manifest.item_name(&task)))?;
        let found = presence::count(&entry, &task).map_err(|reason| RecordsError::invalid(describe(&entry), reason))?;
        counts.get_mut(task.item as usize).into_iter().for_each(|counts| counts.add(found));
    }
    Ok(counts)
}

/// The kinds that finish declares and those that it made, in order of name.
fn scoped_kinds(
    ledger: &Ledger,
    manifest: &StepManifest,
    scoped: &[ScopedAnnotation],
) -> Result<BTreeSet<String>, RecordsError> {
    let mut kinds: BTreeSet<String> = scoped.iter().map(|scoped| name(scoped).to_owned()).collect();
    if let Some(key) = finish_key(manifest)? {
        kinds.extend(ledger.known(&key, &format!("the finish of step {}", manifest.step))?.kinds.iter().cloned());
    }
    Ok(kinds)
}

fn name(scoped: &ScopedAnnotation) -> &str {
    scoped.annotation.as_ref().map_or("", annotation::kind_name)
}

/// What a summary says of an annotation.
struct Body {
    kind: String,
    /// What it speaks of: item, start, end, and the file when that is one image.
    scope: Map<String, Value>,
    of_one_frame: bool,
    /// The annotation itself.
    fields: Value,
}

impl Body {
    fn new(scoped: &ScopedAnnotation) -> Result<Self, serde_json::Error> {
        let range = scoped.range.as_ref();
        let scope = Map::from_iter([
            ("item".to_owned(), Some(scoped.item.as_str()).filter(|item| !item.is_empty()).into()),
            ("start".to_owned(), range.map(|range| range.start).into()),
            ("end".to_owned(), range.map(|range| range.end).into()),
        ]);
        let fields = scoped.annotation.as_ref().map(annotation::to_json).transpose()?;
        Ok(Self {
            kind: name(scoped).to_owned(),
            scope,
            of_one_frame: range.is_some_and(|range| range.end == range.start + 1),
            fields: fields.unwrap_or_default().into(),
        })
    }

    /// Adds the frames that it names.
    fn note_frames(&self, frames: &mut Frames) {
        note_frames(&self.fields, frames);
        frames.extend(place(&self.scope, "start").filter(|_| self.of_one_frame));
    }

    /// Names the files of images among them.
    fn name_files(&mut self, files: &Files) {
        files.name_in(&mut self.fields);
        let file = files.named(&self.scope, "start").filter(|_| self.of_one_frame).map(Value::from);
        self.scope.extend(file.map(|file| ("file".to_owned(), file)));
    }

    fn to_value(&self) -> Value {
        let fields = self.fields.as_object().into_iter().flatten();
        let scope = self.scope.iter();
        scope.chain(fields).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}
