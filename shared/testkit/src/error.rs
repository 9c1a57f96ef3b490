//! What can go wrong while making or reading footage.
use std::path::PathBuf;

/// Footage could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum TestkitError {
    /// A file or pipe failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file, or the program piped to.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// `ffmpeg` or `ffprobe` failed; the message is what it printed.
    #[error("{program} {arguments}\nfailed: {message}")]
    Program {
        /// Which program.
        program: String,
        /// Its arguments, joined by spaces.
        arguments: String,
        /// What it printed.
        message: String,
    },
    /// A picture of another size than the clip.
    #[error("frame {frame}: the painter made {found} samples, the clip takes {expected}")]
    Size {
        /// The frame.
        frame: u64,
        /// Samples the clip's size takes.
        expected: usize,
        /// Samples that came.
        found: usize,
    },
    /// A real video that tests rely on is not there.
    #[error("{}: no such sample; run `make samples` (or name a folder that has it in FRAMEFLEET_SAMPLES)", .0.display())]
    NoSample(PathBuf),
    /// The programs that read data sets are not there.
    #[error("{}: no such file; run `make readers` (or name a Python that has tools/dataset-readers/requirements.txt in FRAMEFLEET_READERS)", .0.display())]
    NoReaders(PathBuf),
    /// A data set does not open, or is not what it should be.
    #[error("{script}: {output}")]
    NotRead {
        /// The script that reads it.
        script: String,
        /// What it said.
        output: String,
    },
}

impl TestkitError {
    /// Names the file in an IO error.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
