//! Pictures to vectors.
use crate::tower::{Half, Tower};
use crate::{ClipError, Family, Preprocessing};
use framefleet_infer::Session;
use ndarray::{Array2, ArrayView3};

/// The half of a model that looks at pictures. It needs nothing of the other half.
#[derive(Debug)]
pub struct ImageTower {
    tower: Tower,
    preprocessing: Preprocessing,
}

impl ImageTower {
    /// Of a model that takes f32 `[N, 3, side, side]` and gives f32 `[N, D]`; every axis but `N` has a size.
    ///
    /// # Errors
    /// [`ClipError::Tower`] and [`ClipError::Open`] say what the model takes instead.
    pub fn new(session: Session, family: Family) -> Result<Self, ClipError> {
        let tower = Tower::new(session, Half::Image)?;
        let preprocessing = Preprocessing::of(family, tower.size());
        Ok(Self { tower, preprocessing })
    }

    /// How its pictures are prepared.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// One row of unit length for each picture (height × width × RGB).
    ///
    /// # Errors
    /// [`ClipError`], of the first picture that fails.
    pub fn embed(&self, pictures: &[ArrayView3<'_, u8>]) -> Result<Array2<f32>, ClipError> {
        self.tower.embed(pictures.len(), |item, inputs| {
            let prepared = self.preprocessing.apply(pictures[item])?;
            inputs.input::<f32>(self.tower.input())?.assign(&prepared);
            Ok(())
        })
    }
}
