//! Enum fields as names in JSON: prost keeps them as `i32`, which nobody can read in a record.
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

/// Writes the number `value` as the name of `E`'s variant.
pub fn serialize<S: Serializer, E: TryFrom<i32> + Serialize>(value: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    let variant = E::try_from(*value).map_err(|_| ser::Error::custom(format!("{value} is no variant of this enum")))?;
    variant.serialize(serializer)
}

/// Reads a variant's name back into its number.
pub fn deserialize<'de, D: Deserializer<'de>, E: Into<i32> + Deserialize<'de>>(
    deserializer: D,
) -> Result<i32, D::Error> {
    E::deserialize(deserializer).map(Into::into)
}
