//! Grey pictures as floats: smoothing, resizing, sampling.

/// A grey picture. Coordinates are continuous: pixel `i` covers `i` to `i + 1`, its centre is at `i + ½`.
#[derive(Clone, Debug)]
pub struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

impl Plane {
    pub fn new(width: usize, height: usize, values: Vec<f32>) -> Self {
        Self { width, height, values }
    }

    pub fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// The value at a place, bilinear; beyond the outermost centres as there.
    pub fn sample(&self, x: f32, y: f32) -> f32 {
        let (x0, x1, fx) = neighbours(x, self.width);
        let (y0, y1, fy) = neighbours(y, self.height);
        let row = |y: usize| self.at(x0, y) + fx * (self.at(x1, y) - self.at(x0, y));
        let (above, below) = (row(y0), row(y1));
        above + fy * (below - above)
    }

    /// Smoothed by a Gaussian of this standard deviation in pixels; edges are continued.
    pub fn smooth(&self, sigma: f32) -> Self {
        if sigma < 0.2 {
            return self.clone();
        }
        let radius = (3.0 * sigma).ceil() as i32;
        let weights: Vec<f32> = (-radius..=radius).map(|i| (-0.5 * (i as f32 / sigma).powi(2)).exp()).collect();
        let sum: f32 = weights.iter().sum();
        let weights: Vec<f32> = weights.into_iter().map(|weight| weight / sum).collect();
        self.filter_rows(&weights, radius).transpose().filter_rows(&weights, radius).transpose()
    }

    fn filter_rows(&self, weights: &[f32], radius: i32) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        for row in self.values.chunks_exact(self.width) {
            let at = |x: i32| row[x.clamp(0, row.len() as i32 - 1) as usize];
            let filtered = |x: i32| weights.iter().zip(x - radius..).map(|(weight, x)| weight * at(x)).sum::<f32>();
            values.extend((0..row.len() as i32).map(filtered));
        }
        Self::new(self.width, self.height, values)
    }

    fn transpose(&self) -> Self {
        let values = (0..self.width).flat_map(|x| (0..self.height).map(move |y| self.at(x, y))).collect();
        Self::new(self.height, self.width, values)
    }

    /// The whole picture at another size; smaller ones by means over areas.
    pub fn resize(&self, width: usize, height: usize) -> Self {
        let across = Self { values: resize_rows(&self.values, self.width, width), width, height: self.height };
        let down = across.transpose();
        Self { values: resize_rows(&down.values, down.width, height), width: height, height: width }.transpose()
    }

    /// How steep it is at every pixel: the largest absolute difference of neighbours two apart, halved, across and down.
    pub fn steepness(&self) -> Self {
        let slope = |x: usize, y: usize| {
            let (left, right) = (x.saturating_sub(1), (x + 1).min(self.width - 1));
            let (top, bottom) = (y.saturating_sub(1), (y + 1).min(self.height - 1));
            let across = (self.at(right, y) - self.at(left, y)) / (right - left).max(1) as f32;
            let down = (self.at(x, bottom) - self.at(x, top)) / (bottom - top).max(1) as f32;
            across.hypot(down)
        };
        let values = (0..self.height).flat_map(|y| (0..self.width).map(move |x| slope(x, y))).collect();
        Self::new(self.width, self.height, values)
    }

    /// Of every pixel and its eight neighbours the mean.
    pub fn averaged(&self) -> Self {
        self.three(|a, b, c| (a + b + c) / 3.0)
    }

    /// Of every pixel and its eight neighbours the largest.
    pub fn largest(&self) -> Self {
        self.three(|a, b, c| a.max(b).max(c))
    }

    /// What `of` makes of three neighbours, along rows and then along columns; edges are continued.
    fn three(&self, of: impl Fn(f32, f32, f32) -> f32) -> Self {
        let along = |plane: &Self| {
            let mut values = Vec::with_capacity(plane.values.len());
            for row in plane.values.chunks_exact(plane.width) {
                let last = row.len() - 1;
                values.extend((0..row.len()).map(|x| of(row[x.saturating_sub(1)], row[x], row[(x + 1).min(last)])));
            }
            Self::new(plane.width, plane.height, values).transpose()
        };
        along(&along(self))
    }

    /// Standard deviation of its values.
    pub fn deviation(&self) -> f32 {
        let count = self.values.len().max(1) as f32;
        let mean = self.values.iter().sum::<f32>() / count;
        (self.values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt()
    }
}

/// The pixels on both sides of a place and how far it is towards the second.
fn neighbours(at: f32, count: usize) -> (usize, usize, f32) {
    let at = (at - 0.5).clamp(0.0, count as f32 - 1.0);
    let first = at as usize;
    (first, (first + 1).min(count - 1), at - first as f32)
}

/// Every row from `from` to `to` values: means over the area that each comes from, or bilinear where there become more.
fn resize_rows(values: &[f32], from: usize, to: usize) -> Vec<f32> {
    let step = from as f32 / to as f32;
    let mut resized = Vec::with_capacity(values.len() / from * to);
    for row in values.chunks_exact(from) {
        for index in 0..to {
            let (start, end) = (index as f32 * step, (index + 1) as f32 * step);
            if step <= 1.0 {
                let (a, b, part) = neighbours((start + end) / 2.0, from);
                resized.push(row[a] + part * (row[b] - row[a]));
                continue;
            }
            let mut sum = 0.0;
            for (place, value) in row.iter().enumerate().take(from.min(end.ceil() as usize)).skip(start as usize) {
                sum += value * (((place + 1) as f32).min(end) - (place as f32).max(start)).max(0.0);
            }
            resized.push(sum / step);
        }
    }
    resized
}
