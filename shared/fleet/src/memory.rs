//! Shares the memory for frames in flight among jobs: a job starts when what it must have is free, and gets half of what is
//! left, so that there is always some for the next.
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Notify;

/// The bytes that all jobs together may occupy.
#[derive(Debug)]
pub(super) struct MemoryShare {
    total: u64,
    taken: Mutex<u64>,
    changed: Notify,
}

/// A job's part. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct MemoryGrant {
    share: Arc<MemoryShare>,
    /// Bytes that frames of the job may occupy.
    pub bytes: u64,
}

impl MemoryShare {
    pub fn new(total: u64) -> Arc<Self> {
        Arc::new(Self { total, taken: Mutex::new(0), changed: Notify::new() })
    }

    /// All there is.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Waits until a job can have `needed` bytes. It gets half of what is free, but no more than it `wants` and no less than
    /// it needs.
    pub async fn grant(self: &Arc<Self>, needed: u64, wants: u64) -> MemoryGrant {
        loop {
            let changed = self.changed.notified();
            if let Some(grant) = self.try_grant(needed, wants) {
                return grant;
            }
            changed.await;
        }
    }

    fn try_grant(self: &Arc<Self>, needed: u64, wants: u64) -> Option<MemoryGrant> {
        let mut taken = self.taken.lock();
        let free = self.total.saturating_sub(*taken);
        if needed > free {
            return None;
        }
        let bytes = (free / 2).min(wants).max(needed);
        *taken += bytes;
        Some(MemoryGrant { share: Arc::clone(self), bytes })
    }
}

impl Drop for MemoryGrant {
    fn drop(&mut self) {
        *self.share.taken.lock() -= self.bytes;
        self.share.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_is_some_for_the_next() {
        let share = MemoryShare::new(1000);
        let first = share.grant(100, u64::MAX).await;
        let second = share.grant(100, u64::MAX).await;
        let third = share.grant(200, 50).await;
        assert_eq!([first.bytes, second.bytes, third.bytes], [500, 250, 200]);
        assert!(share.try_grant(51, 51).is_none());
        let waiting = tokio::spawn({
            let share = Arc::clone(&share);
            async move { share.grant(300, 300).await.bytes }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert_eq!(waiting.await.unwrap(), 300);
    }
}
