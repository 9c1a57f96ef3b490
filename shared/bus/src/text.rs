//! Text for persons inside messages.

/// The longest text for a person that a message carries, bytes.
pub const TEXT: usize = 4 << 10;

/// A text for a person that fits into a message: the end of one that is longer is left out, and how much that was is said.
pub fn short(mut text: String) -> String {
    if text.len() <= TEXT {
        return text;
    }
    let end = (0..=TEXT - 32).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let left_out = text.len() - end;
    text.truncate(end);
    text.push_str(&format!(" … ({left_out} bytes more)"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_long_is_cut_and_never_inside_a_letter() {
        assert_eq!(short("as it is".to_owned()), "as it is");
        for letter in ["x", "ü", "漢", "🎞"] {
            let cut = short(letter.repeat(3 * TEXT));
            assert!(cut.len() <= TEXT && cut.contains("bytes more"), "{letter}: {} bytes", cut.len());
        }
    }
}
