//! What can go wrong with a frame, and who is to blame: the frame, which fails alone, or the machine, on which the task is tried
//! again.
use framefleet_frames::Rendition;
use framefleet_infer::InferError;
use framefleet_stage::{Outputs, StageError, codes};
use framefleet_vision::VisionError;

/// A stage cannot work on a frame.
#[derive(Debug, thiserror::Error)]
pub enum PerceptionError {
    /// The frame was not delivered.
    #[error("the frame is not there in rendition {}", .0.as_str_name())]
    Absent(Rendition),
    /// OpenCV refuses the image, or it has no pixels, too many, or a format that the operation does not take.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// A run of a model fails.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// A model that is not of the kind its role asks for.
    #[error("model {model} does not fit the role {role}: {problem}")]
    Model {
        /// Its id.
        model: String,
        /// What the stage runs it as.
        role: &'static str,
        /// What is missing.
        problem: String,
    },
    /// A file of the task cannot be written.
    #[error("a file of the task cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Who is to blame.
#[derive(Debug)]
pub enum Blame {
    /// The frame: it fails with this code of [`codes`] and reason, and the others go on.
    Frame(&'static str, String),
    /// The machine, or the model: the task ends.
    Machine(StageError),
}

impl PerceptionError {
    /// Who is to blame. OpenCV's out-of-memory is no fault of a frame; everything else that it says of an image is.
    pub fn blame(self) -> Blame {
        match self {
            Self::Absent(_) => Blame::Frame(codes::ABSENT, self.to_string()),
            Self::Vision(VisionError::OpenCv(error)) if error.code == opencv::core::StsNoMem => {
                Blame::Machine(StageError::retry(error))
            }
            Self::Vision(VisionError::Invalid(reason)) => Blame::Frame(codes::BAD_ANNOTATION, reason),
            Self::Vision(error) => Blame::Frame(codes::BAD_IMAGE, error.to_string()),
            Self::Infer(_) | Self::Write(_) => Blame::Machine(StageError::retry(self)),
            Self::Model { .. } => Blame::Machine(StageError::Fatal(self.to_string())),
        }
    }

    /// Fails the frame if it is to blame.
    ///
    /// # Errors
    /// What ends the task, if the machine is to blame.
    pub fn settle(self, frame: u64, out: &mut Outputs) -> Result<(), StageError> {
        match self.blame() {
            Blame::Frame(code, reason) => {
                out.fail(frame, code, reason);
                Ok(())
            }
            Blame::Machine(error) => Err(error),
        }
    }
}

impl From<opencv::Error> for PerceptionError {
    fn from(error: opencv::Error) -> Self {
        Self::Vision(error.into())
    }
}

/// For work on several frames at once, where nobody knows which of them is to blame: the runner locates it.
impl From<PerceptionError> for StageError {
    fn from(error: PerceptionError) -> Self {
        match error.blame() {
            Blame::Frame(_, reason) => Self::BadInput(reason),
            Blame::Machine(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opencv(code: i32) -> PerceptionError {
        opencv::Error::new(code, "of a test").into()
    }

    fn failed(error: PerceptionError) -> Result<Vec<(u64, String)>, StageError> {
        let mut out = Outputs::new(std::path::Path::new("."));
        error.settle(7, &mut out)?;
        Ok(out.into_output().outcomes.failed.into_iter().map(|failure| (failure.frame, failure.code)).collect())
    }

    #[test]
    fn a_frame_is_to_blame_for_its_image_and_the_machine_for_its_memory() {
        let frame = |code: &str| vec![(7, code.to_owned())];
        assert_eq!(failed(PerceptionError::Absent(Rendition::Proxy)).unwrap(), frame(codes::ABSENT));
        assert_eq!(failed(opencv(opencv::core::StsUnsupportedFormat)).unwrap(), frame(codes::BAD_IMAGE));
        assert_eq!(failed(VisionError::Empty { width: 0, height: 3 }.into()).unwrap(), frame(codes::BAD_IMAGE));
        assert_eq!(failed(VisionError::Invalid("torn".to_owned()).into()).unwrap(), frame(codes::BAD_ANNOTATION));
        assert!(matches!(failed(opencv(opencv::core::StsNoMem)), Err(StageError::Retry(_))));
        assert!(matches!(failed(InferError::Poisoned("m".to_owned()).into()), Err(StageError::Retry(_))));
        assert!(matches!(failed(std::io::Error::other("disk full").into()), Err(StageError::Retry(_))));
        let model = PerceptionError::Model { model: "m".to_owned(), role: "pose", problem: "no output".to_owned() };
        assert!(matches!(failed(model), Err(StageError::Fatal(_))));
    }

    #[test]
    fn who_is_to_blame_among_several_is_for_the_runner_to_locate() {
        assert!(matches!(opencv(opencv::core::StsBadSize).into(), StageError::BadInput(_)));
        assert!(matches!(opencv(opencv::core::StsNoMem).into(), StageError::Retry(_)));
    }
}
