//! What can go wrong with one frame.
use framefleet_infer::InferError;
use framefleet_stage::StageError;
use framefleet_vision::VisionError;

/// A frame has no masks.
#[derive(Debug, thiserror::Error)]
pub enum SegmentationError {
    /// The network fails.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// The picture cannot be handled.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// OpenCV refused.
    #[error("OpenCV: {0}")]
    OpenCv(#[from] opencv::Error),
    /// A network that is no such network.
    #[error("model {model} is no network for {role}: {problem}")]
    Network {
        /// Its id.
        model: String,
        /// What it was to be.
        role: &'static str,
        /// What is missing.
        problem: String,
    },
    /// The frame is not there.
    #[error("the full frame is not there")]
    Absent,
    /// A file could not be written.
    #[error("a picture could not be written: {0}")]
    Write(#[from] std::io::Error),
}

impl SegmentationError {
    /// Whether the frame is to blame; else the machine is, and the task is tried again.
    pub fn is_of_the_frame(&self) -> bool {
        match self {
            Self::OpenCv(error) | Self::Vision(VisionError::OpenCv(error)) => error.code != opencv::core::StsNoMem,
            Self::Vision(_) | Self::Absent => true,
            Self::Infer(_) | Self::Network { .. } | Self::Write(_) => false,
        }
    }
}

impl From<SegmentationError> for StageError {
    fn from(error: SegmentationError) -> Self {
        Self::retry(error)
    }
}
