//! What a machine provides to stages: nothing in here changes results.
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

/// A typed map of what this machine offers (devices, caches, shared models). The process shell fills it.
#[derive(Clone, Default)]
pub struct Host {
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Host {
    /// Adds a value under its type, replacing an earlier one.
    pub fn with<T: Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        self.values.insert(TypeId::of::<T>(), value);
        self
    }

    /// The value of this type, if the machine has one.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.values.get(&TypeId::of::<T>()).and_then(|value| Arc::clone(value).downcast().ok())
    }
}
