//! Names of samples where a layout has no folders of its own.

/// Digits of the digest in a name.
const DIGITS: usize = 8;

/// The name as one part of a path. What was in a folder has a digest of its whole path behind it, so that equal stems of different folders
/// stay apart.
pub(crate) fn flat(name: &str) -> String {
    match name.contains('/') {
        true => format!("{}-{}", name.replace('/', "_"), digest(name)),
        false => name.to_owned(),
    }
}

/// The name as the key of a sample in a tar file, whose last part has no dot: readers take what follows the first one as its extension.
pub(crate) fn key(name: &str) -> String {
    let (folder, stem) = name.rsplit_once('/').map_or(("", name), |(folder, stem)| (folder, stem));
    let stem = match stem.contains('.') {
        true => format!("{}-{}", stem.replace('.', "_"), digest(stem)),
        false => stem.to_owned(),
    };
    if folder.is_empty() { stem } else { format!("{folder}/{stem}") }
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart() {
        assert_eq!(flat("street"), "street");
        assert_ne!(flat("a/001"), flat("a_001"));
        assert_ne!(flat("a/b/001"), flat("a/b_001"));
        assert!(!flat("a/b/001").contains('/'));
    }

    #[test]
    fn keys_have_no_dot_in_their_last_part() {
        assert_eq!(key("shot.v1/000001"), "shot.v1/000001");
        assert_ne!(key("a/b.c"), key("a/b_c"));
        assert!(!key("a/b.c").contains('.'));
    }
}
