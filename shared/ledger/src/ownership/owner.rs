//! Who owns an output.
use crate::LedgerError;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// The process that owns an output, as locks and leases name it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Owner {
    pid: u32,
    host: String,
    since: String,
}

impl Owner {
    /// This process, from now on.
    pub fn this_process() -> Self {
        Self {
            pid: std::process::id(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            since: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        }
    }

    /// The error of whoever comes second.
    pub fn refusal(self, url: &str) -> LedgerError {
        LedgerError::Owned { output: url.to_owned(), pid: self.pid, host: self.host, since: self.since }
    }
}

/// What lies in a lock or a lease.
pub(super) fn encode(value: &impl Serialize) -> Bytes {
    // Plain structs of text and numbers: writing them as JSON cannot fail.
    serde_json::to_vec(value).unwrap_or_default().into()
}
