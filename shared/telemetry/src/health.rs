//! Whether a process lives and is ready for work.
use parking_lot::RwLock;
use std::sync::Arc;

/// What the process says of itself when asked; clones speak of the same process. A new one is not ready: "starting".
#[derive(Clone)]
pub struct Health(Arc<RwLock<State>>);

/// A state and its reason.
#[derive(Clone)]
enum State {
    Ready,
    NotReady(String),
    Failed(String),
}

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(State::NotReady("starting".to_owned()))))
    }
}

impl Health {
    /// It takes work now.
    pub fn ready(&self) {
        self.set(State::Ready);
    }

    /// It takes no work now, and why: loading a model, draining, the bus is away. It need not be restarted.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(State::NotReady(reason.into()));
    }

    /// It cannot go on, and why: it is to be restarted.
    pub fn failed(&self, reason: impl Into<String>) {
        self.set(State::Failed(reason.into()));
    }

    /// Why it does not live, if so.
    pub(crate) fn death(&self) -> Option<String> {
        match self.get() {
            State::Failed(reason) => Some(reason),
            State::Ready | State::NotReady(_) => None,
        }
    }

    /// Why it is not ready, if so.
    pub(crate) fn hindrance(&self) -> Option<String> {
        match self.get() {
            State::Failed(reason) | State::NotReady(reason) => Some(reason),
            State::Ready => None,
        }
    }

    fn get(&self) -> State {
        self.0.read().clone()
    }

    /// A failure stays: whoever reports readiness later does not know of it.
    fn set(&self, state: State) {
        let mut current = self.0.write();
        if !matches!(*current, State::Failed(_)) {
            *current = state;
        }
    }
}
