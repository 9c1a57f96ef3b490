//! Which shot a frame of an output is in.
use crate::ObjectsError;
use framefleet_frames::annotation::Value;
use framefleet_frames::{Item, ItemKind};
use framefleet_ledger::{Ledger, Manifest};
use std::collections::BTreeMap;

/// The shots of an output, as its steps found them.
#[derive(Clone, Debug, Default)]
pub struct Shots {
    /// By item, the first frames of its shots, ascending.
    starts: BTreeMap<String, Vec<u64>>,
}

impl Shots {
    /// Reads those of the first step that found any.
    pub async fn read(ledger: &Ledger, manifests: &[Manifest]) -> Result<Self, ObjectsError> {
        for manifest in manifests {
            let mut starts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
            let block = ledger.scoped(manifest).await?;
            for scoped in &block.scoped {
                let value = scoped.annotation.as_ref().and_then(|annotation| annotation.value.as_ref());
                if let (Some(Value::Shot(_)), Some(range)) = (value, scoped.range) {
                    starts.entry(scoped.item.clone()).or_default().push(range.start);
                }
            }
            if !starts.is_empty() {
                starts.values_mut().for_each(|starts| starts.sort_unstable());
                return Ok(Self { starts });
            }
        }
        Ok(Self::default())
    }

    /// The number of a frame's shot within its item: each still is one of its own; an item without shots is one.
    pub fn of(&self, item: &Item, frame: u64) -> u64 {
        if item.kind() == ItemKind::Stills {
            return frame;
        }
        let before = |starts: &Vec<u64>| starts.partition_point(|start| *start <= frame);
        self.starts.get(&item.name).map_or(0, |starts| before(starts) as u64)
    }
}
