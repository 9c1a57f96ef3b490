//! The models that a step may open: those that its plan names.
use crate::{Engine, InferError, Model, Session, SessionOptions};
use std::collections::BTreeMap;
use std::path::Path;

/// A model of a plan: its file, and how it runs.
#[derive(Clone, Debug)]
pub struct StepModel {
    /// The file.
    pub model: Model,
    /// How it runs.
    pub options: SessionOptions,
}

/// Models by role: what each is for. A stage finds them in its host.
#[derive(Clone, Debug)]
pub struct StepModels {
    engine: Engine,
    by_role: BTreeMap<String, StepModel>,
}

impl StepModels {
    /// Models by role, to be opened on a device.
    pub fn new(engine: Engine, by_role: BTreeMap<String, StepModel>) -> Self {
        Self { engine, by_role }
    }

    /// Opens the model of a role, or gives the session that is open already.
    pub fn open(&self, role: &str) -> Result<Session, InferError> {
        let StepModel { model, options } = self.get(role)?;
        self.engine.open(model, options)
    }

    /// The file of a role that is read instead of being run: a vocabulary, names of classes.
    pub fn file(&self, role: &str) -> Result<&Path, InferError> {
        Ok(&self.get(role)?.model.path)
    }

    /// Whether there is a model for a role: process is not given those that finish alone runs.
    pub fn has(&self, role: &str) -> bool {
        self.by_role.contains_key(role)
    }

    /// Id of the model of a role: a stage that knows several architectures tells by it which one it has.
    pub fn id(&self, role: &str) -> Result<&str, InferError> {
        Ok(&self.get(role)?.model.name)
    }

    fn get(&self, role: &str) -> Result<&StepModel, InferError> {
        self.by_role.get(role).ok_or_else(|| {
            let planned: Vec<&str> = self.by_role.keys().map(String::as_str).collect();
            InferError::Setting(format!("the plan names no model for {role}, only for: {}", planned.join(", ")))
        })
    }
}
