//! What a process says of itself: log lines, metrics, and whether it lives and is ready.

mod health;
mod log;
pub mod metric;
mod prometheus;
mod server;

pub use health::Health;
pub use log::{LogError, init_tracing};
pub use prometheus::{Metrics, MetricsError};
pub use server::{Optimization, serve};
