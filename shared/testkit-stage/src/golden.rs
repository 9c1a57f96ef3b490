//! Answers that may not change unnoticed.

/// Compares answers, written out, with those that a version of a stage gave: `(version, first 16 digits of their BLAKE3 digest)`.
/// Round what filters and models had a part in: its last bits differ between processors.
#[track_caller]
pub fn golden(answers: &str, version: u32, known: (u32, &str)) {
    let digest = blake3::hash(answers.as_bytes()).to_hex();
    assert_eq!(
        (version, &digest[..16]),
        known,
        "answers changed: raise VERSION, then note it here with the digest; the answers are now\n{answers}"
    );
}
