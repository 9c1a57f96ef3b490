//! Families of models that put pictures and texts into one space.
use std::fmt;

/// What a model was trained as. It decides how pictures are prepared, how texts become tokens, and what a cosine means; a file does not say
/// it, so whoever opens one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// CLIP (Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021).
    Clip,
    /// SigLIP 2 of a fixed resolution (Tschannen et al., "SigLIP 2: Multilingual Vision-Language Encoders", 2025).
    Siglip,
}

impl Family {
    /// Tokens that its text tower takes, padding included.
    pub fn context(self) -> usize {
        match self {
            Self::Clip => 77,
            Self::Siglip => 64,
        }
    }

    /// Sizes of the axes that files of its towers leave open beside the first, by each of the names that exports give them.
    pub fn open_axes(self) -> [(&'static str, usize); 5] {
        let (length, side) = (self.context(), 224);
        [("L", length), ("sequence_length", length), ("num_channels", 3), ("height", side), ("width", side)]
    }

    /// The token that ends a text.
    pub(crate) fn end(self) -> &'static str {
        match self {
            Self::Clip => "<|endoftext|>",
            Self::Siglip => "<eos>",
        }
    }

    /// The token that fills a text up.
    pub(crate) fn padding(self) -> &'static str {
        match self {
            Self::Clip => "<|endoftext|>",
            Self::Siglip => "<pad>",
        }
    }

    /// Whether a text tower sees the padding: SigLIP was trained without a mask, and reads its vector off the last of all tokens.
    pub(crate) fn sees_padding(self) -> bool {
        self == Self::Siglip
    }
}

impl fmt::Display for Family {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Clip => "CLIP",
            Self::Siglip => "SigLIP 2",
        })
    }
}
