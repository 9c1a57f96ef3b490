//! Keeps what a model is given, as its stage prepared it: what a variant in fewer bits is calibrated on.
use crate::InferError;
use crate::loaded_model::{LoadedModel, Take};
use crate::profile::Profile;
use crate::spec::TensorSpec;
use crate::tensor::{Element, TensorView, TensorViewMut, each};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Keeps the inputs of one model's runs in a folder: `<run>-<input>.npy`, numbered from 0, inputs in the model's order.
#[derive(Debug)]
pub struct Recorder {
    sha256: String,
    folder: PathBuf,
    most: usize,
    runs: AtomicUsize,
}

impl Recorder {
    /// Keeps at most so many runs of the model with this digest.
    pub fn new(sha256: impl Into<String>, folder: impl Into<PathBuf>, most: usize) -> Self {
        Self { sha256: sha256.into(), folder: folder.into(), most, runs: AtomicUsize::new(0) }
    }

    /// Runs that were kept.
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed).min(self.most)
    }

    /// Whether this model's inputs are wanted.
    pub(crate) fn wants(&self, sha256: &str) -> bool {
        self.sha256.eq_ignore_ascii_case(sha256)
    }

    /// Keeps a run's inputs unless there are enough.
    pub(crate) fn keep(&self, inputs: &[TensorView<'_>]) -> io::Result<()> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        if run >= self.most {
            return Ok(());
        }
        for (number, input) in inputs.iter().enumerate() {
            write(&self.folder.join(format!("{run:06}-{number}.npy")), input)?;
        }
        Ok(())
    }
}

/// A loaded model whose runs are kept.
pub(crate) struct Recording {
    pub loaded: Box<dyn LoadedModel>,
    pub recorder: Arc<Recorder>,
}

impl LoadedModel for Recording {
    fn inputs(&self) -> &[TensorSpec] {
        self.loaded.inputs()
    }

    fn outputs(&self) -> &[TensorSpec] {
        self.loaded.outputs()
    }

    fn run(&mut self, inputs: &[TensorView<'_>], take: &mut Take<'_>) -> Result<(), InferError> {
        self.recorder.keep(inputs).map_err(InferError::cache(&self.recorder.folder))?;
        self.loaded.run(inputs, take)
    }

    fn buffers(&mut self) -> Result<Vec<TensorViewMut<'_>>, InferError> {
        self.loaded.buffers()
    }

    fn run_buffers(&mut self, take: &mut Take<'_>) -> Result<(), InferError> {
        {
            let buffers = self.loaded.buffers()?;
            let inputs: Vec<TensorView<'_>> = buffers
                .iter()
                .map(|buffer| each!(buffer, TensorViewMut, array => Element::view(array.view())))
                .collect();
            self.recorder.keep(&inputs).map_err(InferError::cache(&self.recorder.folder))?;
        }
        self.loaded.run_buffers(take)
    }

    fn profile(&mut self) -> Option<Profile> {
        self.loaded.profile()
    }

    fn bytes(&self) -> u64 {
        self.loaded.bytes()
    }
}

/// A tensor in NumPy's format, version 1.0.
fn write(path: &Path, tensor: &TensorView<'_>) -> io::Result<()> {
    let kind = match tensor.element_type() {
        crate::ElementType::F32 => "<f4",
        crate::ElementType::F16 => "<f2",
        crate::ElementType::U8 => "|u1",
        crate::ElementType::I32 => "<i4",
        crate::ElementType::I64 => "<i8",
    };
    let sizes: String = tensor.shape().iter().map(|size| format!("{size},")).collect();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    // The data begins at a multiple of 64; magic, version and length take 10 bytes, the line end one.
    let padding = (64 - (header.len() + 11) % 64) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    each!(tensor, TensorView, array => for value in array.iter() {
        out.write_all(&value.to_le_bytes())?;
    });
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn enough_runs_are_kept_in_numpys_format() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::new("AB", folder.path(), 2);
        assert!(recorder.wants("ab") && !recorder.wants("cd"));
        let pixels = array![[1.5f32, -2.0, 0.0]];
        for _ in 0..3 {
            recorder.keep(&[(&pixels).into()]).unwrap();
        }
        assert_eq!((recorder.runs(), std::fs::read_dir(folder.path()).unwrap().count()), (2, 2));
        let bytes = std::fs::read(folder.path().join("000001-0.npy")).unwrap();
        let begin = bytes.len() - 12;
        assert_eq!(begin % 64, 0);
        assert!(
            String::from_utf8_lossy(&bytes[..begin])
                .contains("'descr': '<f4', 'fortran_order': False, 'shape': (1,3,)")
        );
        assert_eq!(bytes[begin..begin + 4], 1.5f32.to_le_bytes());
    }
}
