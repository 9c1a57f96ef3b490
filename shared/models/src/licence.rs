//! The licence gate: what forbids commercial use, is copyleft or unclear has to be allowed by name.
use crate::error::ModelError;
use crate::model::{CommercialUse, Model};
use std::collections::BTreeSet;

/// What the user allowed: ids of models and licences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(BTreeSet<String>);

impl Allowed {
    /// Nothing but what needs no allowance.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// These ids of models, and licences as the catalogue writes them; upper and lower case are the same.
    pub fn of(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(names.into_iter().map(|name| name.as_ref().trim().to_lowercase()).collect())
    }

    /// Whether a model may be used; if not, why, and how to allow it.
    pub fn check(&self, model: &Model) -> Result<(), ModelError> {
        let named = [&model.id, &model.licence].iter().any(|name| self.0.contains(&name.to_lowercase()));
        if named || !model.is_gated() {
            return Ok(());
        }
        let (id, licence) = (model.id.clone(), model.licence.clone());
        Err(ModelError::Licence { id, licence, reason: reason(model) })
    }
}

/// Why a model is gated, and what the catalogue says of its licence besides.
fn reason(model: &Model) -> String {
    let mut reasons = Vec::new();
    match model.commercial_use {
        CommercialUse::No => reasons.push("no commercial use".to_owned()),
        CommercialUse::Unclear => reasons.push("commercial use unclear".to_owned()),
        CommercialUse::Yes => {}
    }
    if model.copyleft {
        reasons.push("copyleft".to_owned());
    }
    if !model.licence_note.is_empty() {
        reasons.push(model.licence_note.clone());
    }
    reasons.join("; ")
}
