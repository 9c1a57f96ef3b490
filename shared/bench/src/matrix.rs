//! What is measured: all combinations of what was asked for.
use crate::backend::Backend;
use crate::size::Size;
use framefleet_infer::Precision;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What was asked for; an empty list leaves things as they are.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// Sizes of the footage.
    pub sizes: Vec<Size>,
    /// Items per run of models.
    pub batches: Vec<u32>,
    /// Arithmetic of models.
    pub precisions: Vec<Precision>,
    /// What models run by.
    pub backends: Vec<Backend>,
}

/// One combination; what is absent stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Combination {
    /// Size that the footage is scaled to.
    pub size: Option<Size>,
    /// Items per run of models: the setting `micro_batch` of every step that has one.
    pub batch: Option<u32>,
    /// Arithmetic of models.
    pub precision: Option<Precision>,
    /// What models run by.
    pub backend: Option<Backend>,
}

impl Matrix {
    /// All combinations: sizes, then backends, precisions and batches, in the order that they were asked for.
    pub fn combinations(&self) -> Vec<Combination> {
        let mut all = Vec::new();
        for size in or_none(&self.sizes) {
            for backend in or_none(&self.backends) {
                for precision in or_none(&self.precisions) {
                    all.extend(or_none(&self.batches).into_iter().map(|batch| Combination {
                        size,
                        batch,
                        precision,
                        backend,
                    }));
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|combination| seen.insert(*combination));
        all
    }
}

fn or_none<T: Copy>(list: &[T]) -> Vec<Option<T>> {
    if list.is_empty() { vec![None] } else { list.iter().copied().map(Some).collect() }
}

impl Combination {
    /// The same on footage as it is.
    pub fn without_size(self) -> Self {
        Self { size: None, ..self }
    }
}

impl fmt::Display for Combination {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.size.map(|size| size.to_string()),
            self.precision.map(|precision| precision.to_string()),
            self.backend.map(|backend| backend.to_string()),
            self.batch.map(|batch| format!("batches of {batch}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { out.write_str("as it is") } else { out.write_str(&parts.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_for_is_one_combination_and_each_list_multiplies() {
        assert_eq!(Matrix::default().combinations(), [Combination::default()]);
        let matrix = Matrix {
            sizes: vec!["720p".parse().unwrap(), "4k".parse().unwrap()],
            batches: vec![1, 8, 8],
            precisions: vec![Precision::Fp32, Precision::Fp16],
            backends: vec!["cpu".parse().unwrap()],
        };
        let all = matrix.combinations();
        assert_eq!(all.len(), 2 * 2 * 2, "what was said twice is measured once");
        assert_eq!(all[0].to_string(), "720p, fp32, cpu, batches of 1");
        assert_eq!(all[7].to_string(), "4k, fp16, cpu, batches of 8");
        assert_eq!(Combination::default().to_string(), "as it is");
    }
}
