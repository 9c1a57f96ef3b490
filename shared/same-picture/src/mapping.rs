//! How the pixels of one picture lie in another. Cropping, resizing and borders scale and shift along both axes; what turns or
//! shears as well is a camera that moved.

/// One coordinate: a place of the first picture is at `scale · place + turn · (the other coordinate) + shift` of the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    pub scale: f32,
    pub shift: f32,
    pub turn: f32,
}

impl Axis {
    /// Without turning.
    pub fn straight(scale: f32, shift: f32) -> Self {
        Self { scale, shift, turn: 0.0 }
    }

    pub fn apply(&self, at: f32) -> f32 {
        self.scale * at + self.shift
    }

    /// From the second picture to the first; of one that does not turn.
    pub fn inverse(&self) -> Self {
        Self::straight(1.0 / self.scale, -self.shift / self.scale)
    }

    /// The same between pictures of other sizes, which are `from` and `to` times as large.
    pub fn resized(&self, from: f32, to: f32) -> Self {
        Self { scale: self.scale * to / from, shift: self.shift * to, turn: self.turn * to / from }
    }

    /// How far the first picture (of `from` pixels) sticks out of the second (of `to`) on its worse side, and the second out of
    /// the first; the smaller of the two, in pixels of the second. 0: one contains the other.
    pub fn uncontained(&self, from: f32, to: f32) -> f32 {
        let (start, end) = (self.apply(0.0), self.apply(from));
        let first_out = (-start).max(end - to).max(0.0);
        let second_out = start.max(to - end).max(0.0);
        first_out.min(second_out)
    }
}

/// Both axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mapping {
    pub x: Axis,
    pub y: Axis,
}

impl Mapping {
    /// Where a place is.
    pub fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x.apply(x) + self.x.turn * y, self.y.apply(y) + self.y.turn * x)
    }

    pub fn inverse(&self) -> Self {
        Self { x: self.x.inverse(), y: self.y.inverse() }
    }

    /// Geometric mean of both scales.
    pub fn scale(&self) -> f32 {
        (self.x.scale * self.y.scale).abs().sqrt()
    }
}
