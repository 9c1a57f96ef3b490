//! Isolated runs: tasks that may have killed a worker run in a process of their own first.
//!
//! A task whose in-flight marker is found when it is started has lost a process before: killed, stalled, or broken by the
//! task itself. Only a process that dies of it shows that, so such a task is quarantined: a child does a dry run of it first.
//! When the child dies, the frames to blame are found as for any other failure, with a child for each attempt.
use crate::failure::TaskFailure;
use framefleet_proto::v1::{DryRun, Task};
use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How a child process for dry runs is started. It reads a [`DryRun`] from its standard input, calls
/// [`Runner::dry_run`](crate::Runner::dry_run) and exits with 0 whenever it survived, whatever the task's result.
#[derive(Clone, Debug)]
pub struct IsolatedProcess {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl IsolatedProcess {
    /// Does a dry run of a task with some frames absent; fails with
    /// [`FailureKind::Crashed`](framefleet_proto::v1::FailureKind::Crashed) when the child dies of it. Blocks until the child
    /// ends.
    pub(crate) fn dry_run(&self, task: &Task, absent: &[u64]) -> Result<(), TaskFailure> {
        let request = DryRun { task: Some(task.clone()), absent: absent.to_vec() };
        let mut child =
            Command::new(&self.program).args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // A child that dies before it has read everything is judged by how it ended.
            let _ = input.write_all(&prost::Message::encode_to_vec(&request));
        }
        let status = child.wait()?;
        match status.signal() {
            None if status.success() => Ok(()),
            None => Err(TaskFailure::crashed(format!("the process that tried it ended with {status}"))),
            Some(signal) => Err(TaskFailure::crashed(format!("it kills the process that runs it (signal {signal})"))),
        }
    }
}
