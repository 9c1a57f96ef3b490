//! The canvas of all painters.

/// An 8-bit RGB picture: packed rows without padding, `height · width · 3` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The pixels.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// A picture of one colour.
    pub fn filled(width: u32, height: u32, colour: [u8; 3]) -> Self {
        Self { width, height, rgb: colour.repeat(width as usize * height as usize) }
    }

    /// A picture from a function of the pixel (x, y).
    pub fn from_fn(width: u32, height: u32, mut paint: impl FnMut(u32, u32) -> [u8; 3]) -> Self {
        let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
        for y in 0..height {
            for x in 0..width {
                rgb.extend(paint(x, y));
            }
        }
        Self { width, height, rgb }
    }

    /// The colour of a pixel inside the picture.
    pub fn get(&self, x: u32, y: u32) -> [u8; 3] {
        let at = self.offset(x, y);
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// Sets a pixel inside the picture.
    pub fn set(&mut self, x: u32, y: u32, colour: [u8; 3]) {
        let at = self.offset(x, y);
        self.rgb[at..at + 3].copy_from_slice(&colour);
    }

    /// Mixes in another picture of the same size: `weight` 0 keeps this one, 1 gives the other.
    pub fn mix(&self, other: &Self, weight: f64) -> Self {
        let rgb = self
            .rgb
            .iter()
            .zip(&other.rgb)
            .map(|(&a, &b)| (f64::from(a) * (1.0 - weight) + f64::from(b) * weight).round() as u8);
        Self { width: self.width, height: self.height, rgb: rgb.collect() }
    }

    /// Another picture of the same size over the left `share` (0–1) of this one.
    pub fn beside(&self, other: &Self, share: f64) -> Self {
        let front = (f64::from(self.width) * share).round() as u32;
        Self::from_fn(self.width, self.height, |x, y| if x < front { other.get(x, y) } else { self.get(x, y) })
    }

    /// The same pixels in 16 bits over the full range (v · 257).
    pub fn rgb16(&self) -> Vec<u16> {
        self.rgb.iter().map(|&v| u16::from(v) * 257).collect()
    }

    fn offset(&self, x: u32, y: u32) -> usize {
        (y as usize * self.width as usize + x as usize) * 3
    }
}
