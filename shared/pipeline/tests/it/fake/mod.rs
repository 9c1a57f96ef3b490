//! Stages that exist in tests only, described by what they need and make.
#![allow(dead_code, reason = "every test file uses its own part")]
use framefleet_frames::made::Size;
use framefleet_frames::{Item, ItemKind, Kind, MadeFrames, Rational, Rendition};
use framefleet_pipeline::{JobRange, Pipeline, Plan, PlanError, PlanRequest, Stages, plan};
use framefleet_stage::{Description, Halo, Input, Needs, Resolved, SettingsError};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Stages by name. Any setting is taken.
#[derive(Clone, Default)]
pub struct FakeStages(pub BTreeMap<String, Needs>);

impl FakeStages {
    /// Adds a stage.
    pub fn with(mut self, name: &str, needs: Needs) -> Self {
        self.0.insert(name.to_owned(), needs);
        self
    }

    fn get(&self, stage: &str) -> Result<&Needs, SettingsError> {
        let known = || self.names().join(", ");
        self.0.get(stage).ok_or_else(|| SettingsError::UnknownStage { stage: stage.to_owned(), known: known() })
    }
}

impl Stages for FakeStages {
    fn resolve(&self, stage: &str, _: Option<&str>, settings: &Map<String, Value>) -> Result<Resolved, SettingsError> {
        Ok(Resolved {
            settings: settings.clone(),
            needs: self.get(stage)?.clone(),
            version: 1,
            finish_settings: BTreeSet::new(),
            files: Vec::new(),
        })
    }

    fn check_items(&self, _: &str, _: &Map<String, Value>, _: &[Item]) -> Result<(), SettingsError> {
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn describe(&self, stage: &str) -> Result<Description, SettingsError> {
        self.get(stage)?;
        Ok(Description {
            name: stage.to_owned(),
            about: String::new(),
            version: 1,
            schema: Value::Null,
            profiles: BTreeMap::new(),
            fields: Vec::new(),
        })
    }
}

/// Short ways to say what a stage needs.
pub trait NeedsExt: Sized {
    /// Process makes these kinds.
    fn makes(self, kinds: &[&str]) -> Self;
    /// Finish makes these kinds.
    fn concludes(self, kinds: &[&str]) -> Self;
    /// Process requires these kinds.
    fn requires(self, kinds: &[&str]) -> Self;
    /// Process takes these kinds when there are any.
    fn welcomes(self, kinds: &[&str]) -> Self;
    /// Finish requires these kinds.
    fn finish_requires(self, kinds: &[&str]) -> Self;
    /// Looks at frames around the batch.
    fn halo(self, before: u64, after: u64) -> Self;
    /// Looks at full frames, the latest.
    fn latest(self) -> Self;
    /// Makes frames of the size of those it looks at.
    fn maker(self) -> Self;
    /// Makes frames of so many times the size.
    fn enlarges(self, factor: i64) -> Self;
    /// Makes frames with alpha.
    fn transparent(self) -> Self;
    /// Tasks span several batches.
    fn group(self, batches: u64) -> Self;
}

fn kinds(names: &[&str]) -> Vec<Kind> {
    names.iter().map(|name| Kind::new(name)).collect()
}

impl NeedsExt for Needs {
    fn makes(mut self, names: &[&str]) -> Self {
        self.process.makes = kinds(names);
        self
    }

    fn concludes(mut self, names: &[&str]) -> Self {
        self.finish.makes = kinds(names);
        self
    }

    fn requires(mut self, names: &[&str]) -> Self {
        self.process.required = kinds(names);
        self
    }

    fn welcomes(mut self, names: &[&str]) -> Self {
        self.process.optional = kinds(names);
        self
    }

    fn finish_requires(mut self, names: &[&str]) -> Self {
        self.finish.required = kinds(names);
        self
    }

    fn halo(mut self, before: u64, after: u64) -> Self {
        self.halo = Halo { before, after };
        self
    }

    fn latest(mut self) -> Self {
        self.renditions = vec![Rendition::Full];
        self.input = Input::Latest;
        self
    }

    fn maker(mut self) -> Self {
        self.made = Some(MadeFrames::default());
        self
    }

    fn transparent(mut self) -> Self {
        self.made = Some(MadeFrames { alpha: true, ..MadeFrames::default() });
        self
    }

    fn enlarges(mut self, factor: i64) -> Self {
        let size = Some(Size::Scale(Rational { num: factor, den: 1 }));
        self.made = Some(MadeFrames { size, ..MadeFrames::default() });
        self
    }

    fn group(mut self, batches: u64) -> Self {
        self.group = batches;
        self
    }
}

/// A stage without any wishes.
pub fn stage() -> Needs {
    Needs::default()
}

/// An 8-bit video.
pub fn video(width: u32, height: u32) -> Item {
    Item { name: "film.mkv".to_owned(), kind: ItemKind::Video as i32, width, height, bit_depth: 8, ..Item::default() }
}

/// Plans a pipeline file for some items with a budget of 1 TB.
pub fn plan_for(text: &str, items: &[Item], stages: &dyn Stages) -> Result<Plan, PlanError> {
    plan_within(&Pipeline::from_toml(text, "test.toml")?, items, stages, 1 << 40)
}

/// Plans a pipeline within a budget.
pub fn plan_within(
    pipeline: &Pipeline,
    items: &[Item],
    stages: &dyn Stages,
    memory_budget: u64,
) -> Result<Plan, PlanError> {
    let range = JobRange::default();
    let request = PlanRequest {
        pipeline,
        items,
        range,
        files: &[],
        ingest: (Map::new(), 1),
        class: "cpu".to_owned(),
        seed: 0,
        memory_budget,
    };
    plan(&request, stages, &framefleet_pipeline::NoModels)
}

/// Names of steps by their index in a plan.
pub fn names<'a>(plan: &'a Plan, steps: &[usize]) -> Vec<&'a str> {
    steps.iter().map(|step| plan.steps[*step].name.as_str()).collect()
}
