//! Statistics of directions: circular, weighted by magnitude, as a viewer sees them (y up).
use framefleet_frames::Compass;

/// Sectors of the compass, 45° each.
const SECTORS: usize = 8;

/// Compass names by sector, counter-clockwise from the right.
const NAMES: [Compass; SECTORS] = [
    Compass::Right,
    Compass::UpRight,
    Compass::Up,
    Compass::UpLeft,
    Compass::Left,
    Compass::DownLeft,
    Compass::Down,
    Compass::DownRight,
];

/// Sums from which mean, concentration and deviation of directions follow (Mardia & Jupp, Directional Statistics).
#[derive(Clone, Debug, Default)]
pub struct Directions {
    cosine: f64,
    sine: f64,
    weight: f64,
    sectors: [f64; SECTORS],
}

impl Directions {
    /// Adds a vector in picture coordinates (y down), weighted by its length.
    pub fn add_vector(&mut self, dx: f64, dy: f64) {
        let length = (dx * dx + dy * dy).sqrt();
        if length > 0.0 {
            // y points down in pictures and up for viewers.
            self.add(length, dx / length, -dy / length);
        }
    }

    /// Adds a direction in degrees (0 right, 90 up) with a weight.
    pub fn add_angle(&mut self, degrees: f64, weight: f64) {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        self.add(weight, cosine, sine);
    }

    /// Adds a unit vector.
    fn add(&mut self, weight: f64, cosine: f64, sine: f64) {
        self.weight += weight;
        self.cosine += weight * cosine;
        self.sine += weight * sine;
        self.sectors[sector(degrees(sine, cosine))] += weight;
    }

    /// Mean direction in degrees, 0 ≤ mean < 360; `None` when there is no weight or the directions cancel out.
    pub fn mean(&self) -> Option<f64> {
        (self.concentration()? > 1e-9).then(|| degrees(self.sine, self.cosine))
    }

    /// Resultant length R: 1 all alike, 0 none prevails.
    pub fn concentration(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| (self.cosine.hypot(self.sine) / self.weight).min(1.0))
    }

    /// Circular standard deviation √(−2 ln R), degrees; `None` where it is infinite.
    pub fn deviation(&self) -> Option<f64> {
        self.concentration().filter(|r| *r > 1e-9).map(|r| (-2.0 * r.ln()).max(0.0).sqrt().to_degrees())
    }

    /// Shares of the weight by sector, centred on right, up-right, up, …; zeros without weight.
    pub fn histogram(&self) -> [f64; SECTORS] {
        self.sectors.map(|sum| if self.weight > 0.0 { sum / self.weight } else { 0.0 })
    }
}

/// The compass name of a direction in degrees.
pub fn compass(degrees: f64) -> Compass {
    NAMES[sector(degrees)]
}

/// Angle of a vector with y up, 0 ≤ angle < 360.
fn degrees(sine: f64, cosine: f64) -> f64 {
    let angle = sine.atan2(cosine).to_degrees().rem_euclid(360.0);
    // A tiny negative angle rounds up to 360.
    if angle >= 360.0 { 0.0 } else { angle }
}

/// The sector whose centre is nearest.
fn sector(degrees: f64) -> usize {
    (degrees / 45.0).round() as usize % SECTORS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn d13_mean_of_359_and_1_degrees_is_0() {
        let mut directions = Directions::default();
        directions.add_angle(359.0, 1.0);
        directions.add_angle(1.0, 1.0);
        let mean = directions.mean().unwrap();
        assert!(mean.min(360.0 - mean) < 1e-9, "{mean}");
        assert!((directions.deviation().unwrap() - 1.0).abs() < 1e-3);
    }

    #[test]
    fn d13_negative_dy_is_up() {
        let mut directions = Directions::default();
        directions.add_vector(0.0, -5.0);
        assert_eq!(compass(directions.mean().unwrap()), Compass::Up);
        assert_eq!(directions.histogram()[2], 1.0);
    }

    #[test]
    fn opposite_directions_have_no_mean() {
        let mut directions = Directions::default();
        directions.add_vector(3.0, 0.0);
        directions.add_vector(-3.0, 0.0);
        assert_eq!(directions.mean(), None);
        assert!(directions.concentration().unwrap() < 1e-9);
        assert_eq!(Directions::default().mean(), None);
    }

    proptest! {
        #[test]
        fn rotating_all_directions_rotates_the_mean(
            angles in prop::collection::vec((-60.0..60.0_f64, 0.1..9.0_f64), 1..40),
            turn in 0.0..360.0_f64,
        ) {
            let (mut plain, mut turned) = (Directions::default(), Directions::default());
            for (angle, weight) in angles {
                plain.add_angle(angle, weight);
                turned.add_angle(angle + turn, weight);
            }
            let difference = (turned.mean().unwrap() - plain.mean().unwrap() - turn).rem_euclid(360.0);
            prop_assert!(difference.min(360.0 - difference) < 1e-6);
            prop_assert!((turned.concentration().unwrap() - plain.concentration().unwrap()).abs() < 1e-9);
        }

        #[test]
        fn histogram_sums_to_one(vectors in prop::collection::vec((-9.0..9.0_f64, -9.0..9.0_f64), 1..40)) {
            let mut directions = Directions::default();
            for (dx, dy) in &vectors {
                directions.add_vector(*dx, *dy);
            }
            let sum: f64 = directions.histogram().iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-9 || vectors.iter().all(|v| *v == (0.0, 0.0)));
        }
    }
}
