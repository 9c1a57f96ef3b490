//! Samples that wait until an encoder's frame is full.
use ffmpeg_next::util::format::sample::Sample;
use ffmpeg_next::{ChannelLayout, ffi, frame};
use std::ffi::c_void;
use std::ops::Range;
use std::ptr::NonNull;

/// Samples in one format, in order.
pub(super) struct SoundQueue {
    fifo: NonNull<ffi::AVAudioFifo>,
    format: Sample,
    layout: ChannelLayout,
    rate: u32,
}

// SAFETY: the queue is memory that nothing else refers to.
unsafe impl Send for SoundQueue {}

impl SoundQueue {
    /// An empty queue; `None` without memory.
    pub(super) fn new(format: Sample, layout: ChannelLayout, rate: u32) -> Option<Self> {
        // SAFETY: what is allocated is released when the queue is dropped.
        let fifo = unsafe { ffi::av_audio_fifo_alloc(format.into(), layout.channels(), 1) };
        NonNull::new(fifo).map(|fifo| Self { fifo, format, layout, rate })
    }

    /// How many samples wait.
    pub(super) fn len(&self) -> usize {
        // SAFETY: the queue is alive.
        usize::try_from(unsafe { ffi::av_audio_fifo_size(self.fifo.as_ptr()) }).unwrap_or(0)
    }

    /// Adds some samples of a block of the queue's format.
    pub(super) fn push(&mut self, block: &frame::Audio, range: Range<usize>) {
        let packed = if block.is_planar() { 1 } else { usize::from(block.channels()) };
        let offset = range.start * self.format.bytes() * packed;
        let planes = if block.is_planar() { usize::from(block.channels()) } else { 1 };
        // SAFETY: every plane has the block's samples, of which `range` is a part; the queue copies what the pointers lead to.
        unsafe {
            let data = (*block.as_ptr()).extended_data;
            let mut pointers: Vec<*mut c_void> =
                (0..planes).map(|plane| (*data.add(plane)).add(offset).cast::<c_void>()).collect();
            ffi::av_audio_fifo_write(self.fifo.as_ptr(), pointers.as_mut_ptr(), range.len() as i32);
        }
    }

    /// Adds silence.
    pub(super) fn push_silence(&mut self, samples: usize) {
        let silent = frame::Audio::new(self.format, samples, self.layout);
        // SAFETY: the block has so many samples in every plane.
        unsafe {
            let data = (*silent.as_ptr()).extended_data;
            ffi::av_samples_set_silence(data, 0, samples as i32, self.layout.channels(), self.format.into());
        }
        self.push(&silent, 0..samples);
    }

    /// Takes out the first samples, as many as there are up to `most`.
    pub(super) fn pop(&mut self, most: usize) -> frame::Audio {
        let samples = most.min(self.len());
        let mut taken = frame::Audio::new(self.format, samples, self.layout);
        taken.set_rate(self.rate);
        // SAFETY: the block has room for so many samples in every plane.
        unsafe {
            let data = (*taken.as_mut_ptr()).extended_data.cast::<*mut c_void>();
            ffi::av_audio_fifo_read(self.fifo.as_ptr(), data, samples as i32);
        }
        taken
    }
}

impl Drop for SoundQueue {
    fn drop(&mut self) {
        // SAFETY: it was allocated by `new`, and nobody has it any more.
        unsafe { ffi::av_audio_fifo_free(self.fifo.as_ptr()) };
    }
}
