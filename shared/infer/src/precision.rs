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
