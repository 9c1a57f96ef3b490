//! The part of a frame that is worked on.
use crate::mask::hole::Hole;
use framefleet_frames::Image;
use framefleet_frames::frame::{channel_bytes, channels};
use opencv::core::{Mat, Rect};
use opencv::prelude::*;

/// Pixels around a hole, as numbers from 0 to [`Patch::white`], channels interleaved.
#[derive(Debug)]
pub struct Patch {
    /// Where it lies in the frame.
    pub area: Rect,
    /// Channels: 1, 3 or 4.
    pub channels: usize,
    /// The value of white: 255 or 65535.
    pub white: f32,
    /// The pixels, row by row.
    pub values: Vec<f32>,
    /// Which pixels nobody knows yet.
    pub unknown: Vec<bool>,
}

impl Patch {
    /// The frame's own pixels in an area, which lies inside it; all of them known.
    pub fn of(image: &Image, area: Rect) -> Self {
        let channels = channels(image.format());
        let deep = channel_bytes(image.format()) == 2;
        let mut values = Vec::with_capacity(area.area().max(0) as usize * channels);
        for y in area.y..area.y + area.height {
            let row = row(image, area, y);
            match deep {
                true => {
                    values.extend(row.chunks_exact(2).map(|pair| f32::from(u16::from_le_bytes([pair[0], pair[1]]))))
                }
                false => values.extend(row.iter().map(|&byte| f32::from(byte))),
            }
        }
        let unknown = vec![false; area.area().max(0) as usize];
        Self { area, channels, white: if deep { 65535.0 } else { 255.0 }, values, unknown }
    }

    /// Width of the patch.
    pub fn width(&self) -> usize {
        self.area.width.max(0) as usize
    }

    /// The channels of a pixel.
    pub fn pixel(&self, at: usize) -> &[f32] {
        &self.values[at * self.channels..(at + 1) * self.channels]
    }

    /// The channels of a pixel as the frame has them, and how many they are.
    pub fn original(&self, image: &Image, at: usize) -> ([f32; 4], usize) {
        let to = self.sample(image.width(), at);
        let value = |channel: usize| match self.is_deep() {
            true => {
                f32::from(u16::from_le_bytes([image.data()[2 * (to + channel)], image.data()[2 * (to + channel) + 1]]))
            }
            false => f32::from(image.data()[to + channel]),
        };
        (std::array::from_fn(|channel| if channel < self.channels { value(channel) } else { 0.0 }), self.channels)
    }

    /// Where a pixel's first channel lies among the channels of a frame of this width.
    fn sample(&self, width: u32, at: usize) -> usize {
        let (x, y) = (at % self.width() + self.area.x as usize, at / self.width() + self.area.y as usize);
        (y * width as usize + x) * self.channels
    }

    fn is_deep(&self) -> bool {
        self.white > 255.0
    }

    /// Sets a pixel.
    pub fn set(&mut self, at: usize, values: &[f32]) {
        self.values[at * self.channels..(at + 1) * self.channels].copy_from_slice(&values[..self.channels]);
    }

    /// Makes unknown what lies in a hole.
    pub fn forget(&mut self, hole: &Hole) -> opencv::Result<()> {
        let both = self.area & hole.area;
        for y in both.y..both.y + both.height {
            let row = hole.mask.at_row::<u8>(y - hole.area.y)?;
            for x in both.x..both.x + both.width {
                let at = (y - self.area.y) as usize * self.width() + (x - self.area.x) as usize;
                self.unknown[at] |= row[(x - hole.area.x) as usize] != 0;
            }
        }
        Ok(())
    }

    /// Whether anything is unknown.
    pub fn has_unknown(&self) -> bool {
        self.unknown.contains(&true)
    }

    /// What is unknown as an image: 255 there (`CV_8UC1`).
    pub fn unknown_mask(&self) -> opencv::Result<Mat> {
        let bytes: Vec<u8> = self.unknown.iter().map(|unknown| if *unknown { 255 } else { 0 }).collect();
        Mat::new_rows_cols_with_data(self.area.height, self.area.width, &bytes)?.try_clone()
    }

    /// One channel (`CV_32FC1`).
    pub fn plane(&self, channel: usize) -> opencv::Result<Mat> {
        let plane: Vec<f32> = self.values.iter().skip(channel).step_by(self.channels).copied().collect();
        Mat::new_rows_cols_with_data(self.area.height, self.area.width, &plane)?.try_clone()
    }

    /// Lays the patch into the bytes of a frame of this width as far as it shows and is known: `shown`, 0–1, row by row over
    /// `area`. Pixels where nothing shows keep their bits.
    pub fn lay_into(&self, bytes: &mut [u8], width: u32, shown: &[f32]) {
        let visible = |(at, shown): &(usize, &f32)| **shown > 0.0 && !self.unknown[*at];
        for (at, &shown) in shown.iter().enumerate().filter(visible) {
            let to = self.sample(width, at);
            for (channel, value) in self.pixel(at).iter().enumerate() {
                let mixed = |own: f32| (own + shown * (value - own)).round().clamp(0.0, self.white);
                let to = to + channel;
                if self.is_deep() {
                    let own = u16::from_le_bytes([bytes[2 * to], bytes[2 * to + 1]]);
                    bytes[2 * to..2 * to + 2].copy_from_slice(&(mixed(f32::from(own)) as u16).to_le_bytes());
                } else {
                    bytes[to] = mixed(f32::from(bytes[to])) as u8;
                }
            }
        }
    }
}

/// A row of an area as bytes.
fn row(image: &Image, area: Rect, y: i32) -> &[u8] {
    let pixel = channels(image.format()) * channel_bytes(image.format());
    let start = (y as usize * image.width() as usize + area.x as usize) * pixel;
    &image.data()[start..start + area.width as usize * pixel]
}
