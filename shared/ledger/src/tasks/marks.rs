//! Marks of tasks under way: what a process leaves behind when it ends in the middle of one.
use crate::{Ledger, LedgerError, TaskKey, layout};
use bytes::Bytes;

impl Ledger {
    /// Notes that a task begins. How many processes began it before and neither finished it nor gave it back.
    pub async fn mark(&self, name: &TaskKey) -> Result<u32, LedgerError> {
        self.check_writer("mark a task").await?;
        let path = layout::mark(name);
        let found = self.store().read(&path).await?;
        let before = found.and_then(|text| std::str::from_utf8(&text).ok()?.parse::<u32>().ok()).unwrap_or_default();
        let now = before.saturating_add(1).to_string();
        self.store().write(&path, Bytes::from(now)).await?;
        Ok(before)
    }

    /// Notes that a task came to its end, whatever it was.
    pub async fn unmark(&self, name: &TaskKey) -> Result<(), LedgerError> {
        self.store().delete([layout::mark(name)]).await
    }

    /// Removes the marks of tasks that were not done again.
    pub(crate) async fn clear_marks(&self) -> Result<(), LedgerError> {
        let marks = self.store().list(layout::MARKS).await?;
        self.store().delete(marks.into_iter().map(|(path, _)| path)).await
    }
}
