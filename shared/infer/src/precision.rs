//! Arithmetic of a model.
use crate::InferError;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

/// The numbers that a model computes with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Display, EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = InferError, parse_err_fn = unknown)]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    Fp32,
    /// 16-bit floating point.
    Fp16,
    /// 8-bit integers with scales.
    Int8,
}

fn unknown(text: &str) -> InferError {
    InferError::Setting(format!("{text:?} is no precision: say fp32, fp16 or int8"))
}

impl Precision {
    /// What a model's own file computes in, as its id ends (`…-fp16`), where the file is not at hand; fp32 where that says nothing.
    pub fn of_id(id: &str) -> Self {
        let ends = |precision: &Self| id.ends_with(&format!("-{precision}"));
        [Self::Fp16, Self::Int8].into_iter().find(ends).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Precision;

    #[test]
    fn an_id_says_it_at_its_end() {
        let found = ["lama-fp16", "yunet-int8", "fp16-net", "sface"].map(Precision::of_id);
        assert_eq!(found, [Precision::Fp16, Precision::Int8, Precision::Fp32, Precision::Fp32]);
    }
}
