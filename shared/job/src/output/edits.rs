//! The user's corrections of an output: noted, listed, taken back. What they change, the step's finish does when the job is run again.
pub(crate) mod file;
mod pictures;
mod targets;

pub use file::short_line;

use crate::error::JobError;
use framefleet_frames::Edit;
use framefleet_ledger::{Ledger, Manifest, Output};
use framefleet_orchestration::Resolved;
use framefleet_stage::Registry;
use pictures::StepPictures;
use serde_json::Map;
use targets::Known;

/// A correction as a person says it: persons by number or name, faces as `item:frame:instance` or `item:file:instance`.
#[derive(Clone, Debug)]
pub enum Correction {
    /// A person has this name.
    Name {
        /// The person.
        target: String,
        /// The name.
        name: String,
    },
    /// These are one person.
    Merge(Vec<String>),
    /// These faces are another person.
    Split(Vec<String>),
    /// These persons, or instances, do not matter.
    Drop(Vec<String>),
    /// These instances are of a category.
    Assign {
        /// The instances.
        targets: Vec<String>,
        /// The category.
        category: String,
    },
    /// These instances are what they were taken for, and matter.
    Keep(Vec<String>),
}

impl Correction {
    /// The verb of the edit that it becomes.
    fn verb(&self) -> &'static str {
        match self {
            Self::Name { .. } => "name",
            Self::Merge(_) => "merge",
            Self::Split(_) => "split",
            Self::Drop(_) => "drop",
            Self::Assign { .. } => "assign",
            Self::Keep(_) => "keep",
        }
    }
}

/// The corrections of one step of an output.
pub struct StepEdits {
    ledger: Ledger,
    manifest: Manifest,
}

impl StepEdits {
    /// Those of a step that the output has results of.
    pub async fn open(output: Output, step: &str) -> Result<Self, JobError> {
        let ledger = Ledger::read(output).await?;
        let manifests = ledger.manifests().await?;
        match manifests.iter().find(|manifest| manifest.step == step) {
            Some(manifest) => Ok(Self { manifest: manifest.clone(), ledger }),
            None => {
                let names: Vec<&str> = manifests.iter().map(|manifest| manifest.step.as_str()).collect();
                let names = names.join(", ");
                Err(JobError::Request(format!("the output has no results of a step \"{step}\", only of: {names}")))
            }
        }
    }

    /// All of them in the order they were made, and where they act now.
    pub async fn list(&self) -> Result<(Vec<Edit>, Resolved), JobError> {
        let mut edits = file::read(&self.ledger).await?;
        edits.retain(|edit| edit.step == self.manifest.step);
        let resolved = self.pictures().resolve(&edits).await?;
        Ok((edits, resolved))
    }

    /// Takes the last one back, and returns it.
    pub async fn undo(&self) -> Result<Edit, JobError> {
        let mut edits = file::read(&self.ledger).await?;
        let step = &self.manifest.step;
        let last = edits.iter().rposition(|edit| edit.step == *step);
        let last = last.ok_or_else(|| JobError::Request(format!("there are no corrections of {step} to take back")))?;
        let taken_back = edits.remove(last);
        file::write(&self.ledger, &edits).await?;
        Ok(taken_back)
    }

    /// Notes a correction that the step's stage obeys, and returns it with all that it is found again by.
    pub async fn note(&self, correction: &Correction, registry: &Registry) -> Result<Edit, JobError> {
        let mut edits = file::read(&self.ledger).await?;
        let verbs = self.verbs(registry)?;
        self.check_verb(correction.verb(), verbs)?;
        let mut pictures = self.pictures();
        let correction = numbered(correction, &pictures).await?;
        let mut edit = if verbs.contains(&"name") {
            edit(&correction, &Known::read(&self.ledger, &self.manifest.step).await?)?
        } else {
            edit_of_instances(&correction, &mut pictures).await?
        };
        edit.step.clone_from(&self.manifest.step);
        pictures.describe(&mut edit).await?;
        edits.push(edit.clone());
        file::write(&self.ledger, &edits).await?;
        Ok(edit)
    }

    fn pictures(&self) -> StepPictures<'_> {
        StepPictures::new(&self.ledger, &self.manifest)
    }

    /// The verbs that the step's stage obeys.
    fn verbs(&self, registry: &Registry) -> Result<&'static [&'static str], JobError> {
        Ok(registry.get(&self.manifest.stage)?.resolve(None, &Map::new())?.needs.edits)
    }

    /// Refuses a verb that is not among those that the step's stage obeys.
    fn check_verb(&self, verb: &str, known: &[&str]) -> Result<(), JobError> {
        let stage = &self.manifest.stage;
        if known.contains(&verb) {
            return Ok(());
        }
        let takes = if known.is_empty() { "no corrections".to_owned() } else { format!("only: {}", known.join(", ")) };
        Err(JobError::Request(format!("stage {stage} takes {takes}")))
    }
}

/// A correction with its targets, those that are given by a picture's name by its number.
async fn numbered(correction: &Correction, pictures: &StepPictures<'_>) -> Result<Correction, JobError> {
    let mut correction = correction.clone();
    let targets = match &mut correction {
        Correction::Name { target, .. } => std::slice::from_mut(target),
        Correction::Merge(targets)
        | Correction::Split(targets)
        | Correction::Drop(targets)
        | Correction::Assign { targets, .. }
        | Correction::Keep(targets) => targets,
    };
    for target in targets {
        *target = pictures.numbered(target).await?;
    }
    Ok(correction)
}

/// What a correction of instances means that no step made persons of, its step left open.
async fn edit_of_instances(correction: &Correction, pictures: &mut StepPictures<'_>) -> Result<Edit, JobError> {
    let (targets, name) = match correction {
        Correction::Assign { targets, category } => (targets, category.trim()),
        Correction::Drop(targets) | Correction::Keep(targets) => (targets, ""),
        other => return Err(JobError::Request(format!("\"{}\" is a correction of persons", other.verb()))),
    };
    if correction.verb() == "assign" && name.is_empty() {
        return Err(JobError::Request("a category has a name that is not empty".to_owned()));
    }
    let mut edit = Edit { verb: correction.verb().to_owned(), name: name.to_owned(), ..Edit::default() };
    for text in targets {
        let target = targets::parse(text)?;
        pictures.check_instance(&target).await?;
        edit.targets.push(target);
    }
    Ok(edit)
}

/// What a correction of persons means, its step left open.
fn edit(correction: &Correction, known: &Known) -> Result<Edit, JobError> {
    let all = |targets: &[String]| targets.iter().map(|target| known.target(target)).collect::<Result<Vec<_>, _>>();
    let edit = |verb: &str| Edit { verb: verb.to_owned(), ..Edit::default() };
    Ok(match correction {
        Correction::Name { target, name } => {
            let name = name.trim();
            if name.is_empty() || name.parse::<u64>().is_ok() || name.contains(':') {
                return Err(JobError::Request(format!(
                    "\"{name}\" is no name: names are not empty, no numbers, and have no colon"
                )));
            }
            let target = known.target(target)?;
            let former = known.name_of(&target).filter(|former| former != name).unwrap_or_default();
            Edit { targets: vec![target], name: name.to_owned(), former, ..edit("name") }
        }
        Correction::Merge(targets) => Edit { targets: all(targets)?, ..edit("merge") },
        Correction::Drop(targets) => Edit { targets: all(targets)?, ..edit("drop") },
        Correction::Split(targets) => {
            let targets = targets.iter().map(|target| known.instance(target)).collect::<Result<Vec<_>, _>>()?;
            let from = known.rest_of(&targets)?;
            Edit { targets, from: Some(from), ..edit("split") }
        }
        other @ (Correction::Assign { .. } | Correction::Keep(_)) => {
            return Err(JobError::Request(format!("\"{}\" is no correction of persons", other.verb())));
        }
    })
}
