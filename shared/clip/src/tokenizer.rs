//! Text to tokens: byte-level byte-pair encoding (Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016), as
//! CLIP uses it: lower case, words marked at their end.
use flate2::read::GzDecoder;
use regex::Regex;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use unicode_normalization::UnicodeNormalization;

/// Merges of CLIP's vocabulary; its file holds more, which are not used.
pub const MERGES: usize = 49_152 - 256 - 2;
/// What marks the end of a word.
const WORD_END: &str = "</w>";
const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";
/// Words, digits one by one, runs of anything else; English endings by themselves.
const PIECES: &str = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+";
/// Longest vocabulary file that is read, unpacked.
const LIMIT: u64 = 64 << 20;

/// A vocabulary that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The file system refused, or the file is not what its name says.
    #[error("vocabulary {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line that is no merge of tokens above it.
    #[error("vocabulary: line {line} ({text:?}) is no pair of tokens made by the lines above it")]
    Line {
        /// Counted from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// The pattern of words does not compile.
    #[error("the pattern of words: {0}")]
    Pattern(#[from] regex::Error),
}

/// CLIP's tokenizer.
#[derive(Debug)]
pub struct Tokenizer {
    pieces: Regex,
    /// Token of each byte inside a word; at its end it is 256 more.
    bytes: [u32; 256],
    /// What a pair becomes. Merges that come earlier have lower tokens and go first.
    merges: HashMap<(u32, u32), u32>,
    start: u32,
}

impl Tokenizer {
    /// Reads the merges from a file, packed by gzip (`.gz`) or not: a comment, then a pair of tokens a line.
    pub fn open(path: &Path) -> Result<Self, TokenizerError> {
        let problem = |source| TokenizerError::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(problem)?;
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let reader: Box<dyn Read> = if packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
        let lines = BufReader::new(reader.take(LIMIT)).lines().take(MERGES + 1).collect::<Result<Vec<_>, _>>();
        Self::new(&lines.map_err(problem)?)
    }

    fn new(lines: &[String]) -> Result<Self, TokenizerError> {
        let characters = byte_characters();
        let mut tokens: HashMap<String, u32> = HashMap::new();
        let mut bytes = [0; 256];
        for (number, (byte, character)) in (0u32..).zip(&characters) {
            bytes[usize::from(*byte)] = number;
            tokens.insert(character.to_string(), number);
            tokens.insert(format!("{character}{WORD_END}"), 256 + number);
        }
        let mut merges = HashMap::new();
        let mut next = 512;
        for (number, line) in lines.iter().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
            let pair = line.split_once(' ').and_then(|(left, right)| {
                let right = right.trim_end();
                Some(((*tokens.get(left)?, *tokens.get(right)?), format!("{left}{right}")))
            });
            let (pair, merged) =
                pair.ok_or_else(|| TokenizerError::Line { line: number + 1, text: line.chars().take(80).collect() })?;
            merges.entry(pair).or_insert(next);
            tokens.entry(merged).or_insert(next);
            next += 1;
        }
        Ok(Self { pieces: Regex::new(PIECES)?, bytes, merges, start: next })
    }

    /// Number of tokens; the last two start and end a text.
    pub fn vocabulary(&self) -> usize {
        self.start as usize + 2
    }

    /// The tokens of a text, without start and end.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some((at, special, token)) = self.next_special(rest) {
            self.encode_plain(&rest[..at], &mut tokens);
            tokens.push(token);
            rest = &rest[at + special.len()..];
        }
        self.encode_plain(rest, &mut tokens);
        tokens
    }

    /// The tokens of a text as a tower takes them: started, cut to fit, ended, and filled up with ends.
    pub fn encode_padded(&self, text: &str, length: usize) -> Vec<i64> {
        let (start, end) = (i64::from(self.start), i64::from(self.start + 1));
        let body = self.encode(text).into_iter().take(length.saturating_sub(2)).map(i64::from);
        let mut tokens: Vec<i64> = std::iter::once(start).chain(body).collect();
        tokens.resize(length, end);
        tokens
    }

    fn next_special(&self, text: &str) -> Option<(usize, &'static str, u32)> {
        let special = [(START, self.start), (END, self.start + 1)];
        special.into_iter().filter_map(|(name, token)| Some((text.find(name)?, name, token))).min()
    }

    fn encode_plain(&self, text: &str, tokens: &mut Vec<u32>) {
        // Character by character: a Greek sigma at the end of a word is an ordinary one here.
        let text: String = text.nfc().flat_map(char::to_lowercase).collect();
        for piece in self.pieces.find_iter(&text) {
            self.encode_word(piece.as_str(), tokens);
        }
    }

    /// Merges the pair that was learnt first, everywhere in the word, until there is none. Quadratic at worst, so long words are cut: none
    /// of the vocabulary comes near.
    fn encode_word(&self, word: &str, tokens: &mut Vec<u32>) {
        const LONGEST: usize = 4096;
        let mut parts: Vec<u32> = word.bytes().take(LONGEST).map(|byte| self.bytes[usize::from(byte)]).collect();
        if let Some(last) = parts.last_mut() {
            *last += 256;
        }
        while let Some(first) = parts.windows(2).filter_map(|pair| self.merges.get(&(pair[0], pair[1]))).min() {
            let mut merged = Vec::with_capacity(parts.len());
            let mut at = 0;
            while at < parts.len() {
                let pair = parts.get(at + 1).and_then(|next| self.merges.get(&(parts[at], *next)));
                if pair == Some(first) {
                    merged.push(*first);
                    at += 2;
                } else {
                    merged.push(parts[at]);
                    at += 1;
                }
            }
            parts = merged;
        }
        tokens.extend(parts);
    }
}

/// Bytes and the characters that stand for them in the vocabulary, in the order of their tokens: printable ones for themselves, then the
/// others from U+0100 on.
fn byte_characters() -> Vec<(u8, char)> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let own = (0..=u8::MAX).filter(printable).map(|byte| (byte, char::from(byte)));
    let others = (0..=u8::MAX).filter(|byte| !printable(byte)).zip('\u{100}'..);
    own.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokenizer(merges: &[&str]) -> Tokenizer {
        let lines: Vec<String> = std::iter::once("#version").chain(merges.iter().copied()).map(str::to_owned).collect();
        Tokenizer::new(&lines).unwrap()
    }

    #[test]
    fn pairs_are_merged_in_the_order_in_which_they_were_learnt() {
        let tokenizer = tokenizer(&["b c</w>", "a b", "a bc</w>"]);
        assert_eq!(tokenizer.encode("abc"), [514]);
        assert_eq!(tokenizer.encode("ABC abc"), [514, 514]);
        assert_eq!(tokenizer.vocabulary(), 517);
        assert_eq!(tokenizer.encode_padded("abc", 5), [515, 514, 516, 516, 516]);
        assert_eq!(tokenizer.encode_padded("abc abc abc abc", 4), [515, 514, 514, 516]);
    }

    #[test]
    fn a_line_that_is_no_merge_is_named() {
        let lines = ["#version", "a b", "xyz q"].map(str::to_owned);
        let error = Tokenizer::new(&lines).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("xyz q"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_has_tokens_of_the_vocabulary(text in "\\PC{0,60}", length in 2usize..80) {
            let tokenizer = tokenizer(&["b c</w>", "a b"]);
            let tokens = tokenizer.encode_padded(&text, length);
            prop_assert_eq!(tokens.len(), length);
            prop_assert!(tokens.iter().all(|token| (0..tokenizer.vocabulary() as i64).contains(token)));
            prop_assert_eq!(*tokens.last().unwrap(), tokenizer.vocabulary() as i64 - 1);
        }
    }
}
