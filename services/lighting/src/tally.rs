//! Running statistics over frames: constant memory, whatever the length of the footage.
use crate::rounding::{published, rounded};
use framefleet_frames::{
    KeyLevel, LightDirection, Lighting, LightingSetup, Look, ShadowEdge, TemperatureLabel, TintLabel,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Mean and standard deviation (Welford).
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    count: u64,
    mean: f64,
    squares: f64,
    low: f64,
    high: f64,
}

impl Spread {
    /// Counts a value.
    pub fn add(&mut self, value: f64) {
        (self.low, self.high) =
            if self.count == 0 { (value, value) } else { (self.low.min(value), self.high.max(value)) };
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// The mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Standard deviation; 0 without values.
    pub fn deviation(&self) -> f64 {
        (self.squares.max(0.0) / self.count.max(1) as f64).sqrt()
    }

    /// Square root of the mean of the squares; `None` without values.
    pub fn root_mean_square(&self) -> Option<f64> {
        self.mean().map(|mean| mean.hypot(self.deviation()))
    }

    /// As statistics show it; `null` without values.
    fn json(&self) -> Value {
        match self.mean() {
            None => Value::Null,
            Some(mean) => json!({
                "frames": self.count,
                "mean": rounded(mean),
                "std": rounded(self.deviation()),
                "min": rounded(self.low),
                "max": rounded(self.high),
            }),
        }
    }
}

/// Mean of angles: on the circle, where 359° and 1° are neighbours.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circular {
    count: u64,
    x: f64,
    y: f64,
}

impl Circular {
    /// Counts an angle, degrees.
    pub fn add(&mut self, degrees: f64) {
        let (y, x) = degrees.to_radians().sin_cos();
        self.count += 1;
        self.x += x;
        self.y += y;
    }

    /// Mean angle, degrees [0, 360), and agreement 0..1; `None` without values.
    pub fn mean(&self) -> Option<(f64, f64)> {
        let degrees = self.y.atan2(self.x).to_degrees().rem_euclid(360.0);
        let turned = if degrees >= 359.9995 { 0.0 } else { degrees };
        (self.count > 0).then(|| (turned, self.x.hypot(self.y) / self.count as f64))
    }

    /// As statistics show it; `null` without values.
    fn json(&self) -> Value {
        match self.mean() {
            None => Value::Null,
            Some((mean, agreement)) => {
                json!({ "frames": self.count, "mean": rounded(mean), "agreement": rounded(agreement) })
            }
        }
    }
}

/// How often each variant of a label occurs, by its number.
#[derive(Clone, Debug, Default)]
pub struct Labels(BTreeMap<i32, u64>);

impl Labels {
    /// Counts a label.
    pub fn add(&mut self, label: i32) {
        *self.0.entry(label).or_default() += 1;
    }

    /// The most frequent label, the first of several; 0 (unspecified) without any.
    pub fn most_frequent(&self) -> i32 {
        let best = self.0.values().max();
        self.0.iter().find(|(_, count)| Some(*count) == best).map_or(0, |(label, _)| *label)
    }

    /// Share of each label that occurs, by name.
    fn json<E: TryFrom<i32> + Serialize>(&self) -> Value {
        let total: u64 = self.0.values().sum();
        let share = |(label, count): (&i32, &u64)| {
            let name = serde_json::to_value(E::try_from(*label).ok()?).ok()?.as_str()?.to_owned();
            Some((name, json!(rounded(*count as f64 / total as f64))))
        };
        Value::Object(self.0.iter().filter_map(share).collect())
    }
}

/// Statistics of the frames of a shot, an item or a job.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    frames: u64,
    exposure: Spread,
    /// Of exposure against its neighbours, where there are two.
    pub flicker: Spread,
    clipped_high: Spread,
    clipped_low: Spread,
    lightness: Spread,
    range: Spread,
    contrast: Spread,
    cct: Spread,
    duv: Spread,
    key_fill: Spread,
    confidence: Spread,
    shadow_area: Spread,
    shadow_depth: Spread,
    azimuth: Circular,
    key: Labels,
    temperature: Labels,
    tint: Labels,
    direction: Labels,
    setup: Labels,
    shadow_edge: Labels,
}

impl Tally {
    /// Frames counted.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Counts a frame.
    pub fn add(&mut self, lighting: &Lighting) {
        self.frames += 1;
        self.exposure.add(lighting.exposure_ev.into());
        self.clipped_high.add(lighting.clipped_high.into());
        self.clipped_low.add(lighting.clipped_low.into());
        self.lightness.add(lighting.lightness_mean.into());
        self.range.add(lighting.dynamic_range_stops.into());
        self.contrast.add(lighting.contrast_rms.into());
        self.key.add(lighting.key);
        self.add_colour(lighting);
        self.add_source(lighting);
        self.add_shadows(lighting);
    }

    fn add_colour(&mut self, lighting: &Lighting) {
        let Some(illuminant) = &lighting.illuminant else { return };
        self.temperature.add(illuminant.temperature);
        self.tint.add(illuminant.tint);
        illuminant.cct.into_iter().for_each(|cct| self.cct.add(cct.into()));
        illuminant.duv.into_iter().for_each(|duv| self.duv.add(duv.into()));
    }

    fn add_source(&mut self, lighting: &Lighting) {
        let Some(source) = &lighting.source else { return };
        self.direction.add(source.direction);
        self.setup.add(source.setup);
        self.confidence.add(source.confidence.into());
        source.azimuth.into_iter().for_each(|azimuth| self.azimuth.add(azimuth.into()));
        source.key_fill_stops.into_iter().for_each(|stops| self.key_fill.add(stops.into()));
    }

    fn add_shadows(&mut self, lighting: &Lighting) {
        let Some(shadows) = &lighting.shadows else { return };
        self.shadow_area.add(shadows.area_share.into());
        self.shadow_edge.add(shadows.edge);
        shadows.depth_stops.into_iter().for_each(|stops| self.shadow_depth.add(stops.into()));
    }

    /// The summary of a shot or item.
    pub fn look(&self) -> Look {
        let mean = |spread: &Spread| published(spread.mean().unwrap_or_default());
        let azimuth = self.azimuth.mean();
        Look {
            frames: self.frames,
            exposure_ev: mean(&self.exposure),
            exposure_spread_ev: published(self.exposure.deviation()),
            flicker_ev: self.flicker.root_mean_square().map(published),
            clipped_high: mean(&self.clipped_high),
            clipped_low: mean(&self.clipped_low),
            lightness_mean: mean(&self.lightness),
            dynamic_range_stops: mean(&self.range),
            shadow_area_share: mean(&self.shadow_area),
            cct: self.cct.mean().map(published),
            azimuth: azimuth.map(|(mean, _)| published(mean)),
            azimuth_agreement: azimuth.map(|(_, agreement)| published(agreement)),
            key: self.key.most_frequent(),
            temperature: self.temperature.most_frequent(),
            tint: self.tint.most_frequent(),
            direction: self.direction.most_frequent(),
            setup: self.setup.most_frequent(),
            shadow_edge: self.shadow_edge.most_frequent(),
        }
    }

    /// The statistics of a job.
    pub fn json(&self) -> Map<String, Value> {
        let entries = [
            ("frames", json!(self.frames)),
            ("exposure_ev", self.exposure.json()),
            ("flicker_ev", self.flicker.root_mean_square().map_or(Value::Null, |flicker| json!(rounded(flicker)))),
            ("clipped_high", self.clipped_high.json()),
            ("clipped_low", self.clipped_low.json()),
            ("lightness_mean", self.lightness.json()),
            ("dynamic_range_stops", self.range.json()),
            ("contrast_rms", self.contrast.json()),
            ("cct", self.cct.json()),
            ("duv", self.duv.json()),
            ("azimuth", self.azimuth.json()),
            ("direction_confidence", self.confidence.json()),
            ("key_fill_stops", self.key_fill.json()),
            ("shadow_area_share", self.shadow_area.json()),
            ("shadow_depth_stops", self.shadow_depth.json()),
            ("keys", self.key.json::<KeyLevel>()),
            ("temperatures", self.temperature.json::<TemperatureLabel>()),
            ("tints", self.tint.json::<TintLabel>()),
            ("directions", self.direction.json::<LightDirection>()),
            ("setups", self.setup.json::<LightingSetup>()),
            ("shadow_edges", self.shadow_edge.json::<ShadowEdge>()),
        ];
        entries.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn angles_are_averaged_on_the_circle() {
        let mut angles = Circular::default();
        [359.0, 1.0].into_iter().for_each(|degrees| angles.add(degrees));
        let (mean, agreement) = angles.mean().unwrap();
        assert!(mean.min(360.0 - mean) < 1e-3, "{mean}");
        assert!((agreement - 1.0_f64.to_radians().cos()).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn spread_is_mean_and_deviation(values in prop::collection::vec(-20.0..20.0_f64, 1..50)) {
            let mut spread = Spread::default();
            values.iter().for_each(|value| spread.add(*value));
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            prop_assert!((spread.mean().unwrap() - mean).abs() < 1e-9);
            prop_assert!((spread.deviation() - variance.sqrt()).abs() < 1e-6);
        }
    }
}
