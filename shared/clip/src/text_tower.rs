//! Texts to vectors.
use crate::tower::{Half, MASK, Tower};
use crate::{ClipError, Tokenizer};
use framefleet_infer::Session;
use ndarray::{Array2, ArrayView1};

/// The half of a model that reads texts. It needs nothing of the other half.
#[derive(Debug)]
pub struct TextTower {
    tower: Tower,
    tokenizer: Tokenizer,
}

impl TextTower {
    /// Of a model that takes i64 `[N, length]` and gives f32 `[N, D]`; the length is that of the tokenizer's family. An input
    /// `attention_mask` is 1 where the model sees a token.
    ///
    /// # Errors
    /// [`ClipError::Tower`], [`ClipError::Open`] and [`ClipError::Context`] say what the model takes instead.
    pub fn new(session: Session, tokenizer: Tokenizer) -> Result<Self, ClipError> {
        let tower = Tower::new(session, Half::Text)?;
        let (length, family) = (tower.size(), tokenizer.family());
        if length != family.context() {
            return Err(ClipError::Context { model: tower.model().to_owned(), length, family });
        }
        Ok(Self { tower, tokenizer })
    }

    /// One row of unit length for each text.
    ///
    /// # Errors
    /// [`ClipError`], of the first text that fails.
    pub fn embed(&self, texts: &[&str]) -> Result<Array2<f32>, ClipError> {
        let sees_padding = self.tokenizer.family().sees_padding();
        self.tower.embed(texts.len(), |item, inputs| {
            let tokens = self.tokenizer.encode(texts[item], self.tower.size())?;
            inputs.input::<i64>(self.tower.input())?.assign(&ArrayView1::from(&tokens.ids));
            if self.tower.is_masked() {
                let seen = if sees_padding { tokens.ids.len() } else { tokens.used };
                let mut mask = inputs.input::<i64>(MASK)?;
                mask.iter_mut().enumerate().for_each(|(at, value)| *value = i64::from(at < seen));
            }
            Ok(())
        })
    }
}
