//! Interlaced H.264 whose fields are pictures of their own (PAFF), which no encoder at hand makes. Samples are written as
//! they are (I_PCM macroblocks), so every one of them is known. Syntax: ITU-T H.264, clauses 7.3 and 7.4.
use crate::TestkitError;
use std::path::{Path, PathBuf};

/// Writes an elementary stream (`.264`) of frames of two field pictures each, top field first, 25 frames per second; returns
/// `path`. `luma` gives a frame's samples, `height · width` of 1 to 255, rows of both fields woven; colour is neutral. The
/// width is a multiple of 16, the height of 32. Every `gop`th frame begins with an IDR picture.
pub fn write_field_pictures(
    path: &Path,
    (width, height): (usize, usize),
    frames: u64,
    gop: u64,
    mut luma: impl FnMut(u64) -> Vec<u8>,
) -> Result<PathBuf, TestkitError> {
    let mut stream = Vec::new();
    unit(&mut stream, 0x67, &sequence_parameters(width, height));
    unit(&mut stream, 0x68, &picture_parameters());
    for frame in 0..frames {
        let samples = luma(frame);
        if samples.len() != width * height {
            return Err(TestkitError::Size { frame, expected: width * height, found: samples.len() });
        }
        for bottom in [false, true] {
            let rows = samples.chunks(width).skip(usize::from(bottom)).step_by(2);
            let field: Vec<&[u8]> = rows.collect();
            let number = frame % gop;
            let idr = number == 0 && !bottom;
            unit(&mut stream, if idr { 0x65 } else { 0x61 }, &slice(&field, number as u32, idr, bottom));
        }
    }
    std::fs::write(path, stream).map_err(TestkitError::io(path))?;
    Ok(path.to_owned())
}

/// Appends a NAL unit: start code, header, payload with emulation prevention.
fn unit(stream: &mut Vec<u8>, header: u8, payload: &[u8]) {
    stream.extend([0, 0, 0, 1, header]);
    let mut zeros = 0;
    for &byte in payload {
        if zeros == 2 && byte <= 3 {
            stream.push(3);
            zeros = 0;
        }
        stream.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
}

/// Main profile, fields allowed, 8-bit 4:2:0, frame numbers of 8 bits, output in decoding order, 50 fields per second.
fn sequence_parameters(width: usize, height: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(77, 8).put(0, 8).put(40, 8).ue(0);
    bits.ue(4).ue(2).ue(1).put(0, 1);
    bits.ue(width as u32 / 16 - 1).ue(height as u32 / 32 - 1);
    // frame_mbs_only, mb_adaptive_frame_field, direct_8x8_inference, frame_cropping, vui_parameters_present
    bits.put(0b00101, 5);
    // Aspect, overscan, signal type and chroma location are not said; timing is, and the rate is fixed.
    bits.put(0b00001, 5).put(1, 32).put(50, 32).put(1, 1);
    // No decoder models, no pic_struct, no restrictions.
    bits.put(0, 4);
    bits.end()
}

/// CAVLC, one slice group, filter control in slices.
fn picture_parameters() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.ue(0).ue(0).put(0, 2).ue(0).ue(0).ue(0).put(0, 3).ue(0).ue(0).ue(0).put(0b100, 3);
    bits.end()
}

/// One field as an intra slice of I_PCM macroblocks.
fn slice(field: &[&[u8]], frame_number: u32, idr: bool, bottom: bool) -> Vec<u8> {
    const INTRA: u32 = 7;
    const I_PCM: u32 = 25;
    const NEUTRAL: u8 = 128;
    let mut bits = Bits::default();
    bits.ue(0).ue(INTRA).ue(0).put(frame_number, 8).put(1, 1).put(u32::from(bottom), 1);
    if idr {
        // idr_pic_id, no_output_of_prior_pics, long_term_reference
        bits.ue(0).put(0, 2);
    } else {
        bits.put(0, 1);
    }
    // slice_qp_delta; no deblocking
    bits.ue(0).ue(1);
    for rows in field.chunks(16) {
        for column in (0..rows[0].len()).step_by(16) {
            bits.ue(I_PCM).align();
            rows.iter().for_each(|row| bits.bytes.extend(&row[column..column + 16]));
            bits.bytes.extend([NEUTRAL; 128]);
        }
    }
    bits.end()
}

/// Bits, most significant first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits used of the last byte; 0 when it is full.
    used: u32,
}

impl Bits {
    /// The lowest `count` bits of a number.
    fn put(&mut self, number: u32, count: u32) -> &mut Self {
        for place in (0..count).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            let bit = (number >> place & 1) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
        self
    }

    /// An Exp-Golomb code.
    fn ue(&mut self, number: u32) -> &mut Self {
        let length = (number + 1).ilog2();
        self.put(0, length).put(number + 1, length + 1)
    }

    /// Zeros up to a whole byte.
    fn align(&mut self) -> &mut Self {
        self.used = 0;
        self
    }

    /// The bytes, with the stop bit.
    fn end(mut self) -> Vec<u8> {
        self.put(1, 1);
        self.bytes
    }
}
