//! Keys: what a task's result is filed under.
use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::LazyLock;

/// What a task's result is filed under: blake3 over everything that can change the answer. Shows as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskKey([u8; 32]);

/// Text or bytes that are no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task key is 32 bytes or 64 hex digits, not {0}")]
pub struct KeyError(String);

impl TaskKey {
    /// A key as messages carry it: exactly 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        bytes.try_into().map(Self).map_err(|_| KeyError(format!("{} bytes", bytes.len())))
    }

    /// The key's 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Keys are digests: eight of their bytes tell them apart in a table.
impl Hash for TaskKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(blake3::Hash::from(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskKey({self})")
    }
}

impl FromStr for TaskKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes())).map_err(|_| KeyError(format!("\"{text}\"")))
    }
}

/// Builds a key out of named fields. Names and values are length-prefixed, so that no two lists of fields look alike;
/// the order of fields counts.
#[derive(Clone, Debug)]
pub struct KeyHasher {
    /// What is not hashed yet: most keys are of some hundred bytes, and are hashed in one go.
    bytes: Vec<u8>,
    /// What came before, of long keys: a finish has a field for every task.
    long: Option<Box<blake3::Hasher>>,
}

/// What sets our keys apart from other uses of blake3.
const CONTEXT: &str = "framefleet v1 task key";
/// A hasher of blake3's mode for deriving keys. What the context adds is the same for all keys, so it is hashed once.
fn in_context() -> blake3::Hasher {
    static CONTEXT_KEY: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context(CONTEXT));
    blake3::Hasher::new_from_context_key(&CONTEXT_KEY)
}

/// Bytes that are collected before they are hashed.
const COLLECTED: usize = 16 << 10;

impl KeyHasher {
    /// A key for one purpose (`process`, `finish`, `ingest`, …): keys of different purposes never meet.
    pub fn new(purpose: &str) -> Self {
        Self { bytes: Vec::new(), long: None }.field("purpose", purpose.as_bytes())
    }

    /// Adds bytes under a name.
    pub fn field(mut self, name: &str, value: &[u8]) -> Self {
        for bytes in [name.as_bytes(), value] {
            self.bytes.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            self.bytes.extend_from_slice(bytes);
        }
        if self.bytes.len() >= COLLECTED {
            let long = self.long.get_or_insert_with(|| Box::new(in_context()));
            long.update(&self.bytes);
            self.bytes.clear();
        }
        self
    }

    /// Adds a number under a name.
    pub fn field_u64(self, name: &str, value: u64) -> Self {
        self.field(name, &value.to_le_bytes())
    }

    /// Adds the key of a task whose result is read.
    pub fn key(self, name: &str, key: &TaskKey) -> Self {
        self.field(name, key.as_bytes())
    }

    /// The key.
    pub fn finish(self) -> TaskKey {
        match self.long {
            None => TaskKey(*in_context().update(&self.bytes).finalize().as_bytes()),
            Some(mut long) => TaskKey(*long.update(&self.bytes).finalize().as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_are_those_of_the_derive_key_mode() {
        let mut bytes = Vec::new();
        for field in ["purpose", "process", "a", "1"] {
            bytes.extend_from_slice(&(field.len() as u64).to_le_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        let key = KeyHasher::new("process").field("a", b"1").finish();
        assert_eq!(key.as_bytes(), &blake3::derive_key(CONTEXT, &bytes));
    }

    #[test]
    fn names_values_order_and_purpose_count() {
        let base = KeyHasher::new("process").field("a", b"1").field("b", b"2").finish();
        assert_eq!(base, KeyHasher::new("process").field("a", b"1").field("b", b"2").finish());
        assert_ne!(base, KeyHasher::new("finish").field("a", b"1").field("b", b"2").finish());
        assert_ne!(base, KeyHasher::new("process").field("b", b"2").field("a", b"1").finish());
        assert_ne!(base, KeyHasher::new("process").field("a", b"1").field("c", b"2").finish());
        assert_ne!(base, KeyHasher::new("process").field("a", b"1b2").finish());
    }

    #[test]
    fn long_keys_are_those_of_all_their_bytes() {
        let value = vec![7; COLLECTED - 3];
        let mut whole = blake3::Hasher::new_derive_key(CONTEXT);
        for part in
            ["purpose", "x"].map(str::as_bytes).into_iter().chain(std::iter::repeat_n([b"v", &value[..]], 3).flatten())
        {
            whole.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        let key = (0..3).fold(KeyHasher::new("x"), |hasher, _| hasher.field("v", &value)).finish();
        assert_eq!(key.as_bytes(), whole.finalize().as_bytes());
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert!(TaskKey::from_bytes(&[0; 31]).is_err());
        assert!("abc".parse::<TaskKey>().is_err());
    }

    proptest! {
        #[test]
        fn distinct_field_lists_have_distinct_keys(
            one in prop::collection::vec(("[ab]{0,2}", "[ab]{0,2}"), 0..4),
            two in prop::collection::vec(("[ab]{0,2}", "[ab]{0,2}"), 0..4),
        ) {
            let key = |fields: &[(String, String)]| {
                fields.iter().fold(KeyHasher::new("x"), |h, (name, value)| h.field(name, value.as_bytes())).finish()
            };
            prop_assert_eq!(key(&one) == key(&two), one == two);
        }

        #[test]
        fn text_and_bytes_round_trip(bytes in any::<[u8; 32]>()) {
            let key = TaskKey::from_bytes(&bytes).unwrap();
            prop_assert_eq!(key.as_bytes(), &bytes);
            prop_assert_eq!(key.to_string().parse::<TaskKey>().unwrap(), key);
        }
    }
}
