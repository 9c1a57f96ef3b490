//! SHA-256 digests: what a file is known by.
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

/// A SHA-256 digest. Written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The digest of all that a reader gives.
    pub fn of_reader(reader: &mut impl Read) -> io::Result<Self> {
        let mut sink = Hashing::new(io::sink());
        io::copy(reader, &mut sink)?;
        Ok(sink.finish().1)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sha256({self})")
    }
}

impl FromStr for Sha256 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("\"{text}\" is no SHA-256 digest: that is 64 hexadecimal digits");
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(wrong)?;
        Ok(Self(bytes))
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Sha256 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A writer that hashes and counts what passes through it.
pub(crate) struct Hashing<W> {
    inner: W,
    hasher: sha2::Sha256,
    written: u64,
}

impl<W: Write> Hashing<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hasher: sha2::Sha256::new(), written: 0 }
    }

    /// Bytes so far, and their digest.
    pub(crate) fn finish(self) -> (u64, Sha256) {
        (self.written, Sha256(self.hasher.finalize().into()))
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_digest_is_the_standards_and_survives_its_text() {
        let digest = Sha256::of(b"abc");
        assert_eq!(digest.to_string(), OF_ABC, "FIPS 180-2, appendix B.1");
        assert_eq!(Sha256::of_reader(&mut b"abc".as_slice()).unwrap(), digest);
        assert_eq!(OF_ABC.to_uppercase().parse::<Sha256>().unwrap(), digest);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in ["", "abc", &OF_ABC[1..], &format!("{OF_ABC}0"), &OF_ABC.replace('b', "g"), &"é".repeat(32)] {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
    }
}
