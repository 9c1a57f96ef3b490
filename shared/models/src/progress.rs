//! Progress of fetching models.

/// Receives the progress of fetching. Called from the thread that fetches.
pub trait Progress {
    /// Something began: fetching a package or an address (with its bytes, where known), running a recipe, waiting.
    fn begin(&self, what: &str, bytes: Option<u64>);
    /// So many bytes of it are here.
    fn at(&self, bytes: u64);
    /// It is done, or was given up; an error follows from the call itself.
    fn end(&self);
}

/// Ignores all progress.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _bytes: Option<u64>) {}
    fn at(&self, _bytes: u64) {}
    fn end(&self) {}
}

/// One activity: its end is reported when this is dropped, however the function returns.
pub(crate) struct Activity<'a>(&'a dyn Progress);

impl<'a> Activity<'a> {
    pub(crate) fn begin(progress: &'a dyn Progress, what: &str, bytes: Option<u64>) -> Self {
        progress.begin(what, bytes);
        Self(progress)
    }

    pub(crate) fn at(&self, bytes: u64) {
        self.0.at(bytes);
    }
}

impl Drop for Activity<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
