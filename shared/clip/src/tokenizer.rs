//! Text to tokens, by the vocabulary that is published with a checkpoint (`tokenizer.json` of Hugging Face's `tokenizers`).
use crate::Family;
use std::path::{Path, PathBuf};
use tokenizers::NormalizerWrapper;
use tokenizers::normalizers::{Lowercase, Sequence};

/// A text that cannot be made tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The file cannot be read.
    #[error("vocabulary {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no vocabulary.
    #[error("vocabulary {}: {reason}; expected is the tokenizer.json that is published with the model", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The vocabulary of something else.
    #[error("vocabulary {} is not {family}'s: {reason}", path.display())]
    Family {
        /// The file.
        path: PathBuf,
        /// What it was opened as.
        family: Family,
        /// What is missing.
        reason: String,
    },
    /// The vocabulary has no tokens for a text.
    #[error("text {text:?} has no tokens: {reason}")]
    Text {
        /// The text, its beginning.
        text: String,
        /// Why.
        reason: String,
    },
}

/// The tokens of a text, as many as a tower takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// All of them.
    pub ids: Vec<i64>,
    /// How many come before the padding, the end of the text included.
    pub used: usize,
}

/// Makes tokens of texts.
#[derive(Debug)]
pub struct Tokenizer {
    vocabulary: tokenizers::Tokenizer,
    family: Family,
    end: u32,
    padding: u32,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`TokenizerError`] names the file, and what is wrong or missing.
    pub fn open(path: &Path, family: Family) -> Result<Self, TokenizerError> {
        let bytes = std::fs::read(path).map_err(|source| TokenizerError::File { path: path.to_owned(), source })?;
        let format =
            |reason: tokenizers::Error| TokenizerError::Format { path: path.to_owned(), reason: reason.to_string() };
        let mut vocabulary = tokenizers::Tokenizer::from_bytes(bytes).map_err(format)?;
        // What a file says of lengths differs between exports; here a tower says it.
        vocabulary.with_padding(None).with_truncation(None).map_err(format)?;
        if family == Family::Siglip {
            // Trained on lower case, which published files do not say.
            let own = vocabulary.get_normalizer().cloned();
            let steps: Vec<NormalizerWrapper> = std::iter::once(Lowercase.into()).chain(own).collect();
            vocabulary.with_normalizer(Some(Sequence::new(steps))).map_err(format)?;
        }
        let wrong = |reason| TokenizerError::Family { path: path.to_owned(), family, reason };
        let token = |name: &str| vocabulary.token_to_id(name).ok_or_else(|| wrong(format!("it has no token {name}")));
        let (end, padding) = (token(family.end())?, token(family.padding())?);
        let empty = vocabulary.encode_fast("", true).map_err(format)?;
        if empty.get_ids().last() != Some(&end) {
            return Err(wrong(format!("it does not end a text with {}", family.end())));
        }
        Ok(Self { vocabulary, family, end, padding })
    }

    /// What its texts are for.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The tokens of a text, cut or filled up to a length of at least 1. The token that ends a text is never cut away.
    ///
    /// # Errors
    /// [`TokenizerError::Text`].
    pub fn encode(&self, text: &str, length: usize) -> Result<Tokens, TokenizerError> {
        let encoding = self.vocabulary.encode_fast(text, true).map_err(|error| TokenizerError::Text {
            text: text.chars().take(80).collect(),
            reason: error.to_string(),
        })?;
        let mut ids: Vec<i64> = encoding.get_ids().iter().copied().map(i64::from).collect();
        if ids.len() > length {
            ids.truncate(length.saturating_sub(1));
            ids.push(i64::from(self.end));
        }
        let used = ids.len();
        ids.resize(length, i64::from(self.padding));
        Ok(Tokens { ids, used })
    }
}
