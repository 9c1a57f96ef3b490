//! The annotation blocks that were read last.
use crate::TaskKey;
use framefleet_proto::v1::AnnotationBlock;
use std::collections::VecDeque;
use std::sync::Arc;

/// Encoded bytes of all blocks that are kept.
const BYTES: u64 = 64 << 20;
/// Blocks that are kept.
const BLOCKS: usize = 256;

/// Keeps the blocks used last, within bounds of number and size.
#[derive(Debug, Default)]
pub(crate) struct BlockCache {
    /// Oldest first, each with its encoded length.
    blocks: VecDeque<(TaskKey, u64, Arc<AnnotationBlock>)>,
    bytes: u64,
}

impl BlockCache {
    /// The block of a task, which then counts as used last.
    pub fn get(&mut self, key: &TaskKey) -> Option<Arc<AnnotationBlock>> {
        let position = self.blocks.iter().position(|(found, ..)| found == key)?;
        let found = self.blocks.remove(position)?;
        let block = found.2.clone();
        self.blocks.push_back(found);
        Some(block)
    }

    /// Keeps a block of `length` encoded bytes, and forgets as many of the oldest as it takes.
    pub fn insert(&mut self, key: TaskKey, length: u64, block: Arc<AnnotationBlock>) {
        if self.get(&key).is_some() || length > BYTES {
            return;
        }
        self.blocks.push_back((key, length, block));
        self.bytes += length;
        while self.bytes > BYTES || self.blocks.len() > BLOCKS {
            let Some((_, length, _)) = self.blocks.pop_front() else { return };
            self.bytes -= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyHasher;

    fn key(number: u64) -> TaskKey {
        KeyHasher::new("test").field_u64("n", number).finish()
    }

    #[test]
    fn the_oldest_go_first_and_bounds_hold() {
        let mut cache = BlockCache::default();
        for number in 0..3 {
            cache.insert(key(number), BYTES / 2 - 1, Arc::default());
            assert!(cache.get(&key(0)).is_some() || number > 1);
        }
        assert!(cache.get(&key(0)).is_some(), "used last before 2 came");
        assert!(cache.get(&key(1)).is_none());
        cache.insert(key(9), BYTES + 1, Arc::default());
        assert!(cache.get(&key(9)).is_none());
        for number in 10..10 + 2 * BLOCKS as u64 {
            cache.insert(key(number), 1, Arc::default());
        }
        assert_eq!(cache.blocks.len(), BLOCKS);
        assert_eq!(cache.bytes, BLOCKS as u64);
    }
}
