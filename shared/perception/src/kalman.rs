//! Where a box should be: Kalman filters of constant velocity on centre, aspect and height (as in SORT, Bewley et al. 2016, and
//! ByteTrack, Zhang et al. 2022). With their usual noise the eight-dimensional filter falls apart into four of two dimensions, which is
//! what this is.
use framefleet_vision::boxes::BBox;

/// The filters' unit of time, nanoseconds: the noise was tuned on film of 30 frames per second.
const TICK_NS: f64 = 1e9 / 30.0;
/// Standard deviations as shares of the height: of a place, and of its change per unit of time.
const PLACE: f64 = 1.0 / 20.0;
const SPEED: f64 = 1.0 / 160.0;
/// The same for the aspect, which has no unit: measured, drifting, and its change.
const ASPECT: [f64; 3] = [1e-1, 1e-2, 1e-5];

/// A value and its velocity, with their covariance.
#[derive(Clone, Debug)]
struct Axis {
    value: f64,
    velocity: f64,
    covariance: [[f64; 2]; 2],
}

impl Axis {
    fn new(value: f64, place: f64, speed: f64) -> Self {
        Self { value, velocity: 0.0, covariance: [[place * place, 0.0], [0.0, speed * speed]] }
    }

    fn predict(&mut self, time: f64, place: f64, speed: f64) {
        self.value += time * self.velocity;
        let [[a, b], [c, d]] = self.covariance;
        self.covariance = [
            [a + time * (b + c) + time * time * d + time * place * place, b + time * d],
            [c + time * d, d + time * speed * speed],
        ];
    }

    fn update(&mut self, measured: f64, deviation: f64) {
        let [[a, b], [c, d]] = self.covariance;
        let certainty = a + deviation * deviation;
        let (gain, speed_gain) = (a / certainty, c / certainty);
        let surprise = measured - self.value;
        self.value += gain * surprise;
        self.velocity += speed_gain * surprise;
        self.covariance = [[(1.0 - gain) * a, (1.0 - gain) * b], [c - speed_gain * a, d - speed_gain * b]];
    }
}

/// The filters of one box, pixels.
#[derive(Clone, Debug)]
pub struct BoxFilter {
    x: Axis,
    y: Axis,
    aspect: Axis,
    height: Axis,
}

impl BoxFilter {
    /// Begins at a box, at rest.
    pub fn new(bbox: &BBox) -> Self {
        let [x, y, aspect, height] = measured(bbox);
        let (place, speed) = (2.0 * PLACE * height, 10.0 * SPEED * height);
        Self {
            x: Axis::new(x, place, speed),
            y: Axis::new(y, place, speed),
            aspect: Axis::new(aspect, ASPECT[1], ASPECT[2]),
            height: Axis::new(height, place, speed),
        }
    }

    /// Goes on by a time. A box that is not `seen` keeps its size.
    pub fn predict(&mut self, elapsed_ns: i64, seen: bool) {
        let time = elapsed_ns as f64 / TICK_NS;
        if !seen {
            (self.aspect.velocity, self.height.velocity) = (0.0, 0.0);
        }
        let (place, speed) = (PLACE * self.height.value, SPEED * self.height.value);
        for axis in [&mut self.x, &mut self.y, &mut self.height] {
            axis.predict(time, place, speed);
        }
        self.aspect.predict(time, ASPECT[1], ASPECT[2]);
        self.height.value = self.height.value.max(1.0);
    }

    /// Takes in a measured box.
    pub fn update(&mut self, bbox: &BBox) {
        let [x, y, aspect, height] = measured(bbox);
        let place = PLACE * self.height.value;
        self.x.update(x, place);
        self.y.update(y, place);
        self.height.update(height, place);
        self.aspect.update(aspect, ASPECT[0]);
    }

    /// The box now.
    pub fn bbox(&self) -> BBox {
        let (height, width) = (self.height.value, self.height.value * self.aspect.value.max(0.01));
        let (x, y) = (self.x.value, self.y.value);
        [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0].map(|value| value as f32)
    }
}

/// Centre, width through height, and height.
fn measured(bbox: &BBox) -> [f64; 4] {
    let [x0, y0, x1, y1] = bbox.map(f64::from);
    let height = (y1 - y0).max(1.0);
    [(x0 + x1) / 2.0, (y0 + y1) / 2.0, (x1 - x0).max(1.0) / height, height]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thirtieth of a second.
    const TICK: i64 = 33_333_333;

    #[test]
    fn a_steady_walk_is_learned_and_goes_on_unseen() {
        let at = |n: f32| [10.0 + 3.0 * n, 20.0, 50.0 + 3.0 * n, 120.0];
        let mut filter = BoxFilter::new(&at(0.0));
        for n in 1..30 {
            filter.predict(TICK, true);
            filter.update(&at(n as f32));
        }
        for _ in 0..15 {
            filter.predict(TICK, false);
        }
        let (found, expected) = (filter.bbox(), at(44.0));
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 6.0), "{found:?} {expected:?}");
    }

    #[test]
    fn one_long_step_is_as_good_as_many_short_ones() {
        let mut once = BoxFilter::new(&[0.0, 0.0, 40.0, 100.0]);
        once.predict(TICK, true);
        once.update(&[5.0, 0.0, 45.0, 100.0]);
        let mut often = once.clone();
        once.predict(10 * TICK, false);
        (0..10).for_each(|_| often.predict(TICK, false));
        assert!(once.bbox().iter().zip(often.bbox()).all(|(a, b)| (a - b).abs() < 1e-3));
    }
}
