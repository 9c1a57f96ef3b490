//! What encoders take of memory: a model that a plan reserves by, fitted to what the kernel says of a process that encodes
//! (`shared/encode/tests/encode/memory.rs`, and the table in `docs/performance.md`).
//!
//! An encoder holds some coded frames' worth of pictures for the first frame, and as much again for each further one until its
//! look-ahead and its references are full. Threads are fixed and what encoders look ahead is fixed, so that memory follows from
//! frame size, codec and length of the piece alone, as the bytes do.
use crate::{Codec, Encoding, VideoFormat};
use framefleet_frames::made::{self, Shape};
use framefleet_frames::{Item, MadeFrames, frame};

/// Pictures that writing an image file takes: with bytes in another order, and compressed.
const STILL_COPIES: u64 = 3;

/// Bytes that FFmpeg's FFV1 encoder clears for a packet, for each pixel, and at most.
const FFV1_PACKET: (u64, u64) = (37 * 4, i32::MAX as u64);

/// What an encoder takes.
struct Model {
    /// Whatever the size of the frames, bytes.
    base: u64,
    /// For the first frame, the converted one among it.
    first: PerFrame,
    /// For each further frame.
    further: PerFrame,
    /// Frames from which on it takes no more.
    depth: u64,
}

/// What grows with the size of a frame.
struct PerFrame {
    /// Samples: tenths of a coded frame.
    coded: u64,
    /// What is kept of blocks, whatever the samples: tenths of a byte per pixel.
    pixel: u64,
}

impl Model {
    fn of(codec: Codec) -> Self {
        let mib = 1 << 20;
        let once = |coded, pixel| (PerFrame { coded, pixel }, PerFrame { coded: 0, pixel: 0 }, 1);
        let (base, (first, further, depth)) = match codec {
            // Five frames to encode and five to refer to, these with their half and quarter samples.
            Codec::H264 => (14, (PerFrame { coded: 90, pixel: 0 }, PerFrame { coded: 73, pixel: 0 }, 5)),
            // The same, and the coding trees of each.
            Codec::H265 => (34, (PerFrame { coded: 30, pixel: 80 }, PerFrame { coded: 60, pixel: 52 }, 9)),
            Codec::Prores => (8, once(22, 0)),
            // Tables for its choice of quantizers.
            Codec::Dnxhr => (8, once(20, 320)),
            Codec::Ffv1 => (8, once(50, 0)),
        };
        Self { base: base * mib, first, further, depth }
    }
}

impl VideoFormat {
    /// Bytes that encoding a piece of so many frames takes at most, beside these frames: conversion, and all that the encoder
    /// holds.
    pub fn encoder_bytes(&self, frames: u64) -> u64 {
        let Model { base, first, further, depth } = Model::of(self.codec);
        let more = frames.clamp(1, depth) - 1;
        let (pixels, coded) =
            (u64::from(self.width) * u64::from(self.height), self.coded().bytes(self.width, self.height));
        let samples = coded.saturating_mul(first.coded + further.coded * more) / 10;
        let blocks = pixels.saturating_mul(first.pixel + further.pixel * more) / 10;
        let copy = frame::byte_length(self.input, self.width, self.height) as u64;
        // Samples with more bits than are coded are converted at 16 first.
        let dithered = if frame::channel_bytes(self.input) == 2 && self.bit_depth > 10 { coded } else { 0 };
        let (packet, most) = FFV1_PACKET;
        let packet = if self.codec == Codec::Ffv1 { pixels.saturating_mul(packet).min(most) } else { 0 };
        [base, samples, blocks, copy, dithered, packet].into_iter().fold(0, u64::saturating_add)
    }
}

impl Encoding {
    /// Bytes that writing so many frames of an item takes at most beside these frames, once rules of makers were applied to
    /// them: an encoder, or one image file at a time.
    pub fn memory(self, item: &Item, makers: &[MadeFrames], frames: u64) -> u64 {
        let shape = made::largest(makers, item);
        let Some(codec) = self.codec(item, makers) else { return shape.bytes().saturating_mul(STILL_COPIES) };
        let Shape { width, height, format } = shape;
        let format = VideoFormat::new(codec, item, (width, height, format), None);
        VideoFormat { bit_depth: made::bit_depth(makers, item), ..format }.encoder_bytes(frames)
    }
}
