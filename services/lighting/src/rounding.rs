//! Published numbers: six significant digits, which libraries and processors agree on.

/// `value` with six significant digits, as annotations hold it.
pub fn published(value: f64) -> f32 {
    rounded(value) as f32
}

/// `value` with six significant digits, as JSON holds it. Less than 1e-9 is rounding error and counts as 0, as does whatever
/// is no number, which records cannot hold.
pub fn rounded(value: f64) -> f64 {
    if value.abs() < 1e-9 || !value.is_finite() {
        return 0.0;
    }
    let digits = 5 - value.abs().log10().floor() as i32;
    if digits >= 0 {
        let scale = 10_f64.powi(digits);
        (value * scale).round() / scale
    } else {
        let scale = 10_f64.powi(-digits);
        (value / scale).round() * scale
    }
}

#[cfg(test)]
mod tests {
    use super::{published, rounded};

    #[test]
    fn six_digits_are_kept() {
        assert_eq!(published(1.234_567_8), 1.23457);
        assert_eq!(published(-0.001_234_567_8), -0.001_234_57);
        assert_eq!(published(6_504.123_4), 6504.12);
        assert_eq!(published(12_345_678.0), 12_345_700.0);
        assert_eq!(rounded(0.1 + 0.2), 0.3);
        assert_eq!(published(1e-17), 0.0);
        assert_eq!(published(f64::NAN), 0.0);
        assert_eq!(published(f64::NEG_INFINITY), 0.0);
    }
}
