//! Files that a job leaves in its output beside records, and what is read of them later.
pub mod edits;
pub(crate) mod folders;
pub(crate) mod identity;
pub(crate) mod job_file;
mod last_run;
pub(crate) mod paths;
pub mod source_check;

pub use job_file::request;
