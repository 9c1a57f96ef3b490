//! Projective maps of the plane.

/// A projective map, by rows: (x, y) goes to ((m0 x + m1 y + m2) / d, (m3 x + m4 y + m5) / d) with d = m6 x + m7 y + m8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homography(pub [f64; 9]);

impl Homography {
    /// Everything stays where it is.
    pub const IDENTITY: Self = Self([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);

    /// Where a point goes. What lies at infinity is no number.
    pub fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let m = &self.0;
        let d = m[6] * x + m[7] * y + m[8];
        ((m[0] * x + m[1] * y + m[2]) / d, (m[3] * x + m[4] * y + m[5]) / d)
    }

    /// This map, then `next`.
    pub fn then(&self, next: &Self) -> Self {
        let (a, b) = (&next.0, &self.0);
        Self(std::array::from_fn(|at| {
            let (row, column) = (at / 3 * 3, at % 3);
            a[row] * b[column] + a[row + 1] * b[column + 3] + a[row + 2] * b[column + 6]
        }))
    }

    /// The way back; `None` when the plane goes to a line.
    pub fn inverse(&self) -> Option<Self> {
        let m = &self.0;
        let minor = |a: usize, b: usize, c: usize, d: usize| m[a] * m[d] - m[b] * m[c];
        let adjugate = [
            minor(4, 5, 7, 8),
            -minor(1, 2, 7, 8),
            minor(1, 2, 4, 5),
            -minor(3, 5, 6, 8),
            minor(0, 2, 6, 8),
            -minor(0, 2, 3, 5),
            minor(3, 4, 6, 7),
            -minor(0, 1, 6, 7),
            minor(0, 1, 3, 4),
        ];
        let determinant = m[0] * adjugate[0] + m[1] * adjugate[3] + m[2] * adjugate[6];
        (determinant.is_finite() && determinant.abs() > 1e-12).then(|| Self(adjugate.map(|value| value / determinant)))
    }

    /// The same map between images that are larger by these factors, across and down. Points are pixel centres, so that the
    /// corner of the image lies at (−½, −½).
    pub fn enlarged(&self, across: f64, down: f64) -> Self {
        if *self == Self::IDENTITY {
            return *self;
        }
        let shrink = Self([1.0 / across, 0.0, 0.5 / across - 0.5, 0.0, 1.0 / down, 0.5 / down - 0.5, 0.0, 0.0, 1.0]);
        let grow = Self([across, 0.0, 0.5 * across - 0.5, 0.0, down, 0.5 * down - 0.5, 0.0, 0.0, 1.0]);
        shrink.then(self).then(&grow)
    }

    /// Whether an image of this size stays an image: no corner moves by more than its diagonal, nothing turns inside out, and no
    /// area grows or shrinks more than fourfold.
    pub fn is_plausible(&self, width: f64, height: f64) -> bool {
        let bbox = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)];
        let moved = bbox.map(|(x, y)| self.apply(x, y));
        let near = bbox.iter().zip(&moved).all(|(a, b)| (a.0 - b.0).hypot(a.1 - b.1) <= width.hypot(height));
        let twice_area: f64 =
            (0..4).map(|at| (moved[at], moved[(at + 1) % 4])).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum();
        near && (0.25..=4.0).contains(&(twice_area / (2.0 * width * height)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: Homography = Homography([1.1, 0.05, 7.0, -0.04, 0.95, -3.0, 1e-4, -5e-5, 1.0]);

    #[test]
    fn the_inverse_leads_back() {
        let (x, y) = MAP.then(&MAP.inverse().unwrap()).apply(120.0, 80.0);
        assert!((x - 120.0).abs() < 1e-9 && (y - 80.0).abs() < 1e-9);
        assert_eq!(Homography([1.0, 2.0, 0.0, 2.0, 4.0, 0.0, 0.0, 0.0, 1.0]).inverse(), None);
    }

    #[test]
    fn enlarged_maps_speak_of_the_same_places() {
        let large = MAP.enlarged(3.0, 2.0);
        let (x, y) = MAP.apply(40.0, 30.0);
        let (u, v) = large.apply(40.5 * 3.0 - 0.5, 30.5 * 2.0 - 0.5);
        assert!((u - ((x + 0.5) * 3.0 - 0.5)).abs() < 1e-9 && (v - ((y + 0.5) * 2.0 - 0.5)).abs() < 1e-9);
    }

    #[test]
    fn wild_maps_are_told() {
        assert!(MAP.is_plausible(640.0, 360.0) && Homography::IDENTITY.is_plausible(64.0, 36.0));
        for wild in [
            [-1.0, 0.0, 640.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            [0.3, 0.0, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 1.0],
            [1.0, 0.0, 2000.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, -0.01, 0.0, 1.0],
        ] {
            assert!(!Homography(wild).is_plausible(640.0, 360.0), "{wild:?}");
        }
    }
}
