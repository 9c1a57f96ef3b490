//! The files that a task's settings name, out of its output.
use crate::failure::TaskFailure;
use framefleet_ledger::Ledger;
use framefleet_proto::v1::{FailureKind, TaskFile};
use framefleet_stage::Files;

/// Reads the files of a task. One that is not there, or has another content, is named with its setting.
pub(crate) async fn read(ledger: &Ledger, files: &[TaskFile]) -> Result<Files, TaskFailure> {
    let mut contents = Vec::with_capacity(files.len());
    for TaskFile { setting, path, digest } in files {
        let failed = |problem: String| TaskFailure {
            kind: FailureKind::Fatal,
            code: "file",
            reason: format!("setting {setting} names {path}: {problem}; submit the job again"),
        };
        let content = ledger.deposited(digest).await.map_err(|error| failed(error.to_string()))?;
        let missing = || failed(format!("the output {} has no file of digest {digest}", ledger.output().url()));
        contents.push(content.ok_or_else(missing)?);
    }
    Ok(Files::of(contents))
}
