//! A step's summary: statistics, counts, and what it found on items and on the job.
use crate::files::Files;
use crate::outcomes::{self, Counts};
use crate::parts::parse_key;
use crate::{Ledger, LedgerError, index};
use framefleet_media::{ScopedAnnotation, annotation};
use framefleet_proto::v1::StepManifest;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

impl Ledger {
    /// The summary of a step: `{"schema", "step", "stage", "statistics": {…}, "items": {name: {"result", "failed", "skipped"}}}`, then
    /// for each kind that finish makes the list of its annotations, each with its scope (`item`, `start`, `end`; null where it
    /// does not apply). What speaks of one frame of a sequence or of stills names its `file`, too.
    pub(crate) async fn summary(&self, manifest: &StepManifest) -> Result<Map<String, Value>, LedgerError> {
        let what = || format!("step {}", manifest.step);
        let finish = self.finish_block(manifest).await?;
        let files = Files::new(manifest);
        let mut statistics: Value = match finish.statistics.as_str() {
            "" => json!({}),
            text => serde_json::from_str(text)
                .map_err(|error| LedgerError::invalid(what(), format!("its statistics are no JSON: {error}")))?,
        };
        files.name_in(&mut statistics);
        let mut items = Map::new();
        for of_item in &manifest.items {
            let name = of_item.item.as_ref().map_or("", |item| item.name.as_str());
            let counts = self.item_counts(manifest, name)?;
            items.insert(
                name.to_owned(),
                json!({"result": counts.result, "failed": counts.failed, "skipped": counts.skipped}),
            );
        }
        let mut summary = Map::new();
        summary.insert("schema".to_owned(), 1.into());
        summary.insert("step".to_owned(), manifest.step.as_str().into());
        summary.insert("stage".to_owned(), manifest.stage.as_str().into());
        summary.insert("statistics".to_owned(), statistics);
        summary.insert("items".to_owned(), items.into());
        for kind in self.scoped_kinds(manifest, &finish.scoped)? {
            let of_kind = finish.scoped.iter().filter(|scoped| name(scoped) == kind);
            let list: Vec<Value> = of_kind
                .map(|scoped| body(scoped, &files))
                .collect::<Result<_, _>>()
                .map_err(|error| LedgerError::invalid(what(), error.to_string()))?;
            summary.insert(kind, list.into());
        }
        Ok(summary)
    }

    /// Frames of an item by outcome.
    pub(crate) fn item_counts(&self, manifest: &StepManifest, name: &str) -> Result<Counts, LedgerError> {
        let mut counts = Counts::default();
        for (_, task) in crate::rows::tasks(manifest).filter(|(item, _)| *item == name) {
            let key = parse_key(manifest, &task.key)?;
            let entry = self.known(&key, &format!("step {}, {name}", manifest.step))?;
            counts
                .add(outcomes::check(&entry).map_err(|reason| LedgerError::invalid(index::describe(&entry), reason))?);
        }
        Ok(counts)
    }

    /// The kinds that finish declares and those that it made, in order of name.
    fn scoped_kinds(
        &self,
        manifest: &StepManifest,
        scoped: &[ScopedAnnotation],
    ) -> Result<BTreeSet<String>, LedgerError> {
        let mut kinds: BTreeSet<String> = scoped.iter().map(|scoped| name(scoped).to_owned()).collect();
        if let Some(key) = crate::parts::finish_key(manifest)? {
            kinds.extend(self.known(&key, &format!("the finish of step {}", manifest.step))?.kinds.iter().cloned());
        }
        Ok(kinds)
    }
}

fn name(scoped: &ScopedAnnotation) -> &str {
    scoped.annotation.as_ref().map_or("", annotation::kind_name)
}

fn body(scoped: &ScopedAnnotation, files: &Files<'_>) -> Result<Value, serde_json::Error> {
    let range = scoped.range.as_ref();
    let mut body = Map::new();
    body.insert("item".to_owned(), Some(scoped.item.as_str()).filter(|item| !item.is_empty()).into());
    body.insert("start".to_owned(), range.map(|range| range.start).into());
    body.insert("end".to_owned(), range.map(|range| range.end).into());
    if range.is_some_and(|range| range.end == range.start + 1)
        && let Some(file) = files.named(&body, "start")
    {
        body.insert("file".to_owned(), file.into());
    }
    if let Some(annotation) = &scoped.annotation {
        let mut fields = Value::Object(annotation::to_json(annotation)?);
        files.name_in(&mut fields);
        body.extend(fields.as_object().cloned().unwrap_or_default());
    }
    Ok(body.into())
}
