//! From vectors to probabilities.
use ndarray::{Array2, ArrayView2};

/// What the cosines of a picture with some texts mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scoring {
    /// One of the texts is right: softmax over the scaled cosines. The probabilities of a picture add up to 1.
    Softmax {
        /// exp(`logit_scale`) of the checkpoint.
        scale: f64,
    },
    /// Each text is right or wrong by itself: the sigmoid of scale × cosine + bias. They may all be wrong.
    Sigmoid {
        /// exp(`logit_scale`) of the checkpoint.
        scale: f64,
        /// `logit_bias` of the checkpoint.
        bias: f64,
    },
}

impl Scoring {
    /// CLIP's: training capped its scale at 100, where all of OpenAI's checkpoints ended.
    pub const CLIP: Self = Self::Softmax { scale: 100.0 };

    /// That of siglip2-base-patch16-224: exp(4.7244534) and the bias of the joint checkpoint, which its separate towers do not hold. Three
    /// projects that use the checkpoint state the same numbers.
    pub const SIGLIP2_BASE_PATCH16_224: Self = Self::Sigmoid { scale: 112.668_902, bias: -16.771_725 };

    /// That of a model of the catalogue; `None` when its numbers are not known here.
    pub fn of_model(id: &str) -> Option<Self> {
        let known = [("clip-vit-b32-", Self::CLIP), ("siglip2-b16-", Self::SIGLIP2_BASE_PATCH16_224)];
        known.into_iter().find(|(prefix, _)| id.starts_with(prefix)).map(|(_, scoring)| scoring)
    }

    /// The same, less sure of itself by a temperature above 1: every logit is divided by it.
    pub fn at_temperature(self, temperature: f64) -> Self {
        match self {
            Self::Softmax { scale } => Self::Softmax { scale: scale / temperature },
            Self::Sigmoid { scale, bias } => Self::Sigmoid { scale: scale / temperature, bias: bias / temperature },
        }
    }

    /// The probability of each text by its cosine with one picture, in the same order.
    pub fn probabilities(self, cosines: &[f32]) -> Vec<f64> {
        let cosines = cosines.iter().copied().map(f64::from);
        match self {
            Self::Softmax { scale } => {
                let highest = cosines.clone().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = cosines.map(|cosine| (scale * (cosine - highest)).exp()).collect();
                let sum: f64 = weights.iter().sum();
                weights.into_iter().map(|weight| weight / sum).collect()
            }
            Self::Sigmoid { scale, bias } => {
                cosines.map(|cosine| 1.0 / (1.0 + (-scale * cosine - bias).exp())).collect()
            }
        }
    }
}

/// Cosine of every row of one with every row of the other; rows are of unit length.
pub fn cosine(one: ArrayView2<'_, f32>, other: ArrayView2<'_, f32>) -> Array2<f32> {
    one.dot(&other.t())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_softmax_shares_one_and_a_sigmoid_judges_each_text() {
        let softmax = Scoring::CLIP.probabilities(&[0.30, 0.28, 0.10]);
        // exp(2) to 1 between the first two: 0.8808 and 0.1192.
        assert!((softmax[0] - 0.8808).abs() < 1e-4 && (softmax[1] - 0.1192).abs() < 1e-4, "{softmax:?}");
        assert!((softmax.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let half = 16.771_725 / 112.668_902;
        let sigmoid = Scoring::SIGLIP2_BASE_PATCH16_224.probabilities(&[half as f32, 0.0, 1.0]);
        assert!((sigmoid[0] - 0.5).abs() < 1e-5, "{sigmoid:?}");
        // Nothing of it is in the picture: no text is likely.
        assert!(sigmoid[1] < 1e-7 && sigmoid[2] > 1.0 - 1e-12, "{sigmoid:?}");
        assert_eq!(Scoring::SIGLIP2_BASE_PATCH16_224.probabilities(&[]), [0.0; 0]);
        assert_eq!(Scoring::CLIP.probabilities(&[]), [0.0; 0]);
    }

    #[test]
    fn a_temperature_keeps_the_order_and_evens_out() {
        let (sure, less) = (Scoring::CLIP, Scoring::CLIP.at_temperature(4.0));
        let (sure, less) = (sure.probabilities(&[0.31, 0.30]), less.probabilities(&[0.31, 0.30]));
        assert!(sure[0] > less[0] && less[0] > 0.5, "{sure:?} {less:?}");
        let warm = Scoring::SIGLIP2_BASE_PATCH16_224.at_temperature(2.0);
        assert_eq!(warm, Scoring::Sigmoid { scale: 56.334_451, bias: -8.385_862_5 });
    }

    #[test]
    fn numbers_of_a_checkpoint_are_not_those_of_another() {
        assert_eq!(Scoring::of_model("clip-vit-b32-text"), Some(Scoring::CLIP));
        assert_eq!(Scoring::of_model("siglip2-b16-image"), Some(Scoring::SIGLIP2_BASE_PATCH16_224));
        assert_eq!(Scoring::of_model("siglip2-so400m-image"), None);
        assert_eq!(Scoring::of_model("mobileclip-s0-image"), None);
    }
}
