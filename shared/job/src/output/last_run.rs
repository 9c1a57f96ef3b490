//! What an output's last run ended with, by its job.json: for estimates of what this run has left, and nothing else.
use crate::outcome::OutcomeKind;
use framefleet_frames::Item;
use framefleet_orchestration::Earlier;
use framefleet_pipeline::{Plan, StepPlan};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A run that went through all frames of its items; empty when there was none, or not such a one.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastRun {
    items: BTreeMap<String, u64>,
    /// Its steps, as plans are written.
    steps: Vec<Value>,
}

impl LastRun {
    /// Reads it from a job.json.
    pub fn of(document: &Value) -> Self {
        let (results, request) = (&document["results"], &document["request"]);
        let ended = |kind: OutcomeKind| results["outcome"] == kind.words();
        let part = ["start", "end"].iter().any(|key| request[key].as_str().is_some_and(|place| !place.is_empty()));
        let preview = request["preview"].as_u64().is_some_and(|batches| batches > 0);
        if part || preview || !(ended(OutcomeKind::Done) || ended(OutcomeKind::Partial)) {
            return Self::default();
        }
        let items: Vec<Item> = serde_json::from_value(results["items"].clone()).unwrap_or_default();
        Self {
            items: items.into_iter().map(|item| (item.name, item.estimated_frames)).collect(),
            steps: document["plan"]["steps"].as_array().cloned().unwrap_or_default(),
        }
    }

    /// What of it a plan is likely to find done: steps that are as they were.
    pub fn earlier(&self, plan: &Plan) -> Earlier {
        let steps = plan.steps.iter().filter(|step| self.steps.iter().any(|known| is_same(step, known)));
        Earlier { items: self.items.clone(), steps: steps.map(|step| step.name.clone()).collect() }
    }
}

/// Whether a step is one of an earlier plan's.
fn is_same(step: &StepPlan, known: &Value) -> bool {
    let step = json!(step);
    ["name", "stage", "version", "settings", "models", "sampling"].iter().all(|key| step[key] == known[key])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(request: Value, outcome: &str) -> Value {
        let items = [Item { name: "a.mp4".to_owned(), estimated_frames: 250, ..Item::default() }];
        json!({"request": request, "results": {"outcome": outcome, "items": items}, "plan": {"steps": []}})
    }

    #[test]
    fn only_a_run_through_all_frames_says_what_is_there() {
        let items = |request, outcome: &str| LastRun::of(&document(request, outcome)).items.len();
        let done = OutcomeKind::Done.words();
        assert_eq!(items(json!({"start": "", "end": "", "preview": 0}), done), 1);
        assert_eq!(items(json!({}), OutcomeKind::Partial.words()), 1);
        assert_eq!(items(json!({}), OutcomeKind::Interrupted.words()), 0);
        assert_eq!(items(json!({"end": "10s"}), done), 0);
        assert_eq!(items(json!({"preview": 2}), done), 0);
        assert_eq!(LastRun::of(&Value::Null).items.len(), 0);
    }
}
