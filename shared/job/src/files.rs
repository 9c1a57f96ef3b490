//! Files that settings name: read where a request is made, carried by it, kept in the output, known by their digests.
use crate::error::JobError;
use bytes::Bytes;
use bytesize::ByteSize;
use framefleet_ledger::{Ledger, Output};
use framefleet_pipeline::{GivenFile, Pipeline, Plan};
use framefleet_stage::{AnyStage, FileNeed, Registry, file};
use std::fs::File;
use std::io::Read as _;

/// A file of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// The file as the planner is given it.
    pub given: GivenFile,
    /// Its content; absent once it lies in the output.
    pub content: Option<Bytes>,
}

impl NamedFile {
    /// A file that a setting of a step names.
    pub fn with_content(step: String, setting: String, path: String, content: Bytes) -> Self {
        let (digest, bytes) = (file::digest(&content), content.len() as u64);
        Self { given: GivenFile { step, setting, path, digest, bytes }, content: Some(content) }
    }
}

/// The files that a pipeline's settings name, with their contents. Steps with wrong settings are left to the plan.
pub(crate) fn of_pipeline(pipeline: &Pipeline, registry: &Registry) -> Result<Vec<NamedFile>, JobError> {
    let mut files = Vec::new();
    for step in &pipeline.steps {
        let Ok(stage) = registry.get(&step.stage) else { continue };
        let Ok(resolved) = stage.resolve(step.profile.as_deref(), &step.settings) else { continue };
        for need in &resolved.files {
            let refused = |why: String| {
                let (step, FileNeed { setting, path, .. }) = (&step.name, need);
                JobError::Configuration(format!("step {step}: setting {setting} names {path}: {why}"))
            };
            let content = content(need, stage.as_ref()).map_err(refused)?;
            let (setting, path) = (need.setting.clone(), need.path.clone());
            files.push(NamedFile::with_content(step.name.clone(), setting, path, content));
        }
    }
    Ok(files)
}

/// The content of a file, which its stage can use. The error says why not.
fn content(need: &FileNeed, stage: &dyn AnyStage) -> Result<Bytes, String> {
    let unreadable = |error: std::io::Error| format!("the file cannot be read: {error}");
    let mut content = Vec::new();
    let file = File::open(&need.path).map_err(unreadable)?;
    file.take(need.max_bytes.saturating_add(1)).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 > need.max_bytes {
        return Err(format!("the file is longer than {}, which is all that is taken", ByteSize(need.max_bytes)));
    }
    stage.check_file(&need.setting, &content)?;
    Ok(content.into())
}

/// Puts contents into an output, for the job that is going to be opened there.
pub(crate) async fn deposit(output: &Output, contents: Vec<Bytes>) -> Result<(), JobError> {
    match contents.is_empty() {
        true => Ok(()),
        false => Ok(Ledger::deposit(output, contents).await?),
    }
}

/// Refuses an output without a file of the plan, and removes the files of earlier plans.
pub(crate) async fn check(ledger: &Ledger, plan: &Plan) -> Result<(), JobError> {
    let files = || plan.steps.iter().flat_map(|step| step.files.iter().map(move |file| (step, file)));
    for (step, file) in files() {
        if ledger.deposited(&file.digest).await?.is_none() {
            return Err(JobError::Configuration(format!(
                "step {}: setting {} names {}, and the output {} has lost it: give the job anew, where the file lies",
                step.name,
                file.setting,
                file.path,
                ledger.output().url()
            )));
        }
    }
    Ok(ledger.keep_deposits(&files().map(|(_, file)| file.digest.as_str()).collect()).await?)
}
