//! LRU cache of annotation blocks.
use crate::TaskKey;
use framefleet_proto::v1::AnnotationBlock;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Encoded bytes of all blocks that are kept.
const BYTES: u64 = 64 << 20;
/// Blocks that are kept.
const BLOCKS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Keeps the blocks used last, within bounds of number and size.
#[derive(Debug)]
pub(crate) struct BlockCache {
    /// Each with its encoded length.
    blocks: LruCache<TaskKey, (u64, Arc<AnnotationBlock>)>,
    bytes: u64,
}

impl Default for BlockCache {
    fn default() -> Self {
        Self { blocks: LruCache::new(BLOCKS), bytes: 0 }
    }
}

impl BlockCache {
    /// The block of a task, which then counts as used last.
    pub fn get(&mut self, key: &TaskKey) -> Option<Arc<AnnotationBlock>> {
        self.blocks.get(key).map(|(_, block)| block.clone())
    }

    /// Keeps a block of `length` encoded bytes, and forgets as many of the oldest as it takes.
    pub fn insert(&mut self, key: TaskKey, length: u64, block: Arc<AnnotationBlock>) {
        if length > BYTES || self.blocks.contains(&key) {
            return;
        }
        self.bytes += length;
        if let Some((_, (length, _))) = self.blocks.push(key, (length, block)) {
            self.bytes -= length;
        }
        while self.bytes > BYTES
            && let Some((_, (length, _))) = self.blocks.pop_lru()
        {
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
        for number in 10..10 + 2 * BLOCKS.get() as u64 {
            cache.insert(key(number), 1, Arc::default());
        }
        assert_eq!(cache.blocks.len(), BLOCKS.get());
        assert_eq!(cache.bytes, BLOCKS.get() as u64);
    }
}
