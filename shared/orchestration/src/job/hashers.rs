//! What keys begin with: all that changes the results of a half, whichever task it is.
use framefleet_frames::ScopedAnnotation;
use framefleet_ledger::KeyHasher;
use framefleet_pipeline::{Half, Plan, PlannedModel, StepPlan};

/// What keys start with: the same for all tasks of a half, so it is put together once.
#[derive(Debug)]
pub(crate) struct Hashers {
    process: Vec<KeyHasher>,
    finish: Vec<KeyHasher>,
    ingest: KeyHasher,
}

impl Hashers {
    /// Those of a plan.
    pub fn new(plan: &Plan) -> Self {
        let of_half = |half: Half| plan.steps.iter().map(|step| step_hasher(half, plan, step)).collect();
        let ingest = KeyHasher::new("ingest")
            .field_u64("version", u64::from(plan.ingest_version))
            .field("settings", serde_json::Value::Object(plan.ingest.clone()).to_string().as_bytes());
        Self { process: of_half(Half::Process), finish: of_half(Half::Finish), ingest }
    }

    /// Of process tasks of a step.
    pub fn process(&self, step: usize) -> KeyHasher {
        self.process[step].clone()
    }

    /// Of a step's finish.
    pub fn finish(&self, step: usize) -> KeyHasher {
        self.finish[step].clone()
    }

    /// Of decoding.
    pub fn ingest(&self) -> KeyHasher {
        self.ingest.clone()
    }
}

/// Raised when keys are made of other things than before: outputs of earlier forms are computed anew, once. 2: each half has the
/// settings, models and files that it is given, no others.
const FORM: u64 = 2;

/// A step as keys of a half's tasks have it: the digest of all that affects that half, since it is hashed again with every task. Files
/// are in it by the digests that stand in the settings.
fn step_hasher(half: Half, plan: &Plan, step: &StepPlan) -> KeyHasher {
    let models: Vec<serde_json::Value> = step.models_of(half).map(what_acts).collect();
    let inputs = KeyHasher::new("step")
        .field_u64("form", FORM)
        .field("stage", step.stage.as_bytes())
        .field_u64("version", u64::from(step.version))
        .field("settings", serde_json::Value::Object(step.settings_of(half)).to_string().as_bytes())
        .field("class", plan.class.as_bytes())
        .field("models", serde_json::Value::Array(models).to_string().as_bytes())
        .field_u64("seed", plan.seed);
    KeyHasher::new(&half.to_string()).key("step", &inputs.finish())
}

/// What of a model changes answers: not its name, nor its licence.
fn what_acts(model: &PlannedModel) -> serde_json::Value {
    serde_json::json!([model.role, model.sha256, model.micro_batch, model.dims, model.mode])
}

/// A key with job-scoped annotations in it.
pub(crate) fn hash_scoped<'s>(hasher: KeyHasher, scoped: impl IntoIterator<Item = &'s ScopedAnnotation>) -> KeyHasher {
    let add = |hasher: KeyHasher, annotation| hasher.field("scoped", &prost::Message::encode_to_vec(annotation));
    scoped.into_iter().fold(hasher, add)
}
