//! Files that settings name: read where a request is made, carried by it, kept in the output, known by their digests.
use crate::failure::Failure;
use bytes::Bytes;
use bytesize::ByteSize;
use framefleet_ledger::{Ledger, Output};
use framefleet_pipeline::{GivenFile, Pipeline, Plan};
use framefleet_proto::control::RequestFile;
use framefleet_stage::{AnyStage, FileNeed, Registry, file};
use std::fs::File;
use std::io::Read as _;

/// The files that a pipeline's settings name, with their contents. Steps with wrong settings are left to the plan.
pub fn of_pipeline(pipeline: &Pipeline, registry: &Registry) -> Result<Vec<RequestFile>, Failure> {
    let mut files = Vec::new();
    for step in &pipeline.steps {
        let Ok(stage) = registry.get(&step.stage) else { continue };
        let Ok(resolved) = stage.resolve(step.profile.as_deref(), &step.settings) else { continue };
        for need in &resolved.files {
            let refused = |why: String| {
                let (step, FileNeed { setting, path, .. }) = (&step.name, need);
                Failure::configuration(format!("step {step}: setting {setting} names {path}: {why}"))
            };
            let content = content(need, stage.as_ref()).map_err(refused)?;
            let (setting, path) = (need.setting.clone(), need.path.clone());
            files.push(RequestFile { step: step.name.clone(), setting, path, content, ..RequestFile::default() });
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

/// Takes the contents out of a request, whose files are known by their digests from then on.
pub fn take_contents(files: &mut [RequestFile]) -> Vec<Bytes> {
    let take = |of: &mut RequestFile| {
        let content = std::mem::take(&mut of.content);
        if !of.digest.is_empty() {
            return None;
        }
        (of.digest, of.length) = (file::digest(&content), content.len() as u64);
        Some(content)
    };
    files.iter_mut().filter_map(take).collect()
}

/// Files of a request as the planner is given them.
pub fn given(files: &[RequestFile]) -> Vec<GivenFile> {
    let given = |of: &RequestFile| GivenFile {
        step: of.step.clone(),
        setting: of.setting.clone(),
        path: of.path.clone(),
        digest: of.digest.clone(),
        bytes: of.length,
    };
    files.iter().map(given).collect()
}

/// Puts contents into an output, for the job that is going to be opened there.
pub async fn deposit(output: &Output, contents: Vec<Bytes>) -> Result<(), Failure> {
    match contents.is_empty() {
        true => Ok(()),
        false => Ok(Ledger::deposit(output, contents).await?),
    }
}

/// Refuses an output without a file of the plan, and removes the files of earlier plans.
pub async fn check(ledger: &Ledger, plan: &Plan) -> Result<(), Failure> {
    let files = || plan.steps.iter().flat_map(|step| step.files.iter().map(move |file| (step, file)));
    for (step, file) in files() {
        if ledger.deposited(&file.digest).await?.is_none() {
            return Err(Failure::configuration(format!(
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
