//! Frames per second as a setting.
use framefleet_frames::Rational;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::borrow::Cow;

/// Rates that are no rates.
const MAX: i64 = 10_000;
/// Decimal places that count.
const DECIMALS: i64 = 1000;

/// A rate: a number with up to three decimal places, or a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fps {
    num: i64,
    den: i64,
}

impl Fps {
    fn new(num: i64, den: i64) -> Result<Self, String> {
        let is_rate = num > 0 && den > 0 && num <= den.saturating_mul(MAX);
        is_rate.then_some(Self { num, den }).ok_or_else(|| format!("fps must be more than 0 and at most {MAX}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("fps must be a number or a fraction like 30000/1001, got \"{text}\"");
        if let Some((num, den)) = text.split_once('/') {
            let part = |text: &str| text.trim().parse().map_err(|_| wrong());
            return Self::new(part(num)?, part(den)?);
        }
        Self::of_number(text.trim().parse().map_err(|_| wrong())?)
    }

    fn of_number(value: f64) -> Result<Self, String> {
        let thousandths = (value * DECIMALS as f64).round();
        match thousandths as i64 % DECIMALS {
            0 => Self::new(thousandths as i64 / DECIMALS, 1),
            _ => Self::new(thousandths as i64, DECIMALS),
        }
    }
}

impl From<Fps> for Rational {
    fn from(Fps { num, den }: Fps) -> Self {
        Self { num, den }
    }
}

impl Serialize for Fps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.den {
            1 => serializer.serialize_i64(self.num),
            den => serializer.serialize_str(&format!("{}/{den}", self.num)),
        }
    }
}

impl<'de> Deserialize<'de> for Fps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Number(f64),
            Text(String),
        }
        match Given::deserialize(deserializer)? {
            Given::Number(value) => Self::of_number(value),
            Given::Text(text) => Self::parse(&text),
        }
        .map_err(D::Error::custom)
    }
}

impl JsonSchema for Fps {
    fn schema_name() -> Cow<'static, str> {
        "Fps".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"] })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_fractions_are_rates() {
        let read =
            |value| serde_json::from_value::<Fps>(value).map(|fps| (fps.num, fps.den)).map_err(|e| e.to_string());
        assert_eq!(read(json!(24)), Ok((24, 1)));
        assert_eq!(read(json!(23.976)), Ok((23_976, 1000)));
        assert_eq!(read(json!("30000/1001")), Ok((30_000, 1001)));
        assert_eq!(read(json!("12.5")), Ok((12_500, 1000)));
        for wrong in [json!(0), json!(-5), json!("1/0"), json!("fast"), json!(1e9)] {
            assert!(read(wrong.clone()).unwrap_err().contains("fps must be"), "{wrong}");
        }
        for value in [json!(24), json!("30000/1001")] {
            assert_eq!(serde_json::to_value(serde_json::from_value::<Fps>(value.clone()).unwrap()).unwrap(), value);
        }
    }
}
