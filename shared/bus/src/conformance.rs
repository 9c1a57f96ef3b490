//! The rules that every bus and every store of blobs keeps, as functions that try them out. An implementation runs all of
//! them with [`bus_conformance!`](crate::bus_conformance) and [`blobs_conformance!`](crate::blobs_conformance).
//!
//! Rules ask for what a durable bus between machines can keep too. Waits are of two kinds: what must happen has
//! [`PATIENCE`], which a busy machine does not use up; what must not happen has a short time to show itself, so that a
//! slow machine can hide a fault but never invent one.

pub mod blobs;
pub mod bus;
pub mod events;
pub mod kv;

use crate::{BlobError, BusError};
use std::time::Duration;

/// How long a rule waits for what has to happen.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long a rule watches for what must not happen.
const WATCH: Duration = Duration::from_millis(300);

/// Why an implementation does not conform.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A rule is broken: what was seen and what should have been.
    #[error("{0}")]
    Rule(String),
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The store of blobs failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// What a rule gives back.
pub type Verdict = Result<(), Broken>;

/// Declares the rule broken unless `kept`.
fn hold(kept: bool, seen: impl FnOnce() -> String) -> Verdict {
    if kept { Ok(()) } else { Err(Broken::Rule(seen())) }
}

/// Waits for what has to happen.
async fn soon<T, E>(what: &str, waited: impl Future<Output = Result<T, E>>) -> Result<T, Broken>
where
    Broken: From<E>,
{
    match tokio::time::timeout(PATIENCE, waited).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Broken::Rule(format!("waited {PATIENCE:?} in vain: {what}"))),
    }
}

/// Makes one test of every rule for buses. `$make` is an `async` closure or function from the ack wait (a [`Duration`]) to
/// an empty bus (`Arc<dyn Bus>`). The calling crate needs tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! bus_conformance {
    ($make:expr) => {
        $crate::bus_conformance!(@rules bus, $make;
            every_message_is_delivered a_queue_is_in_order one_worker_at_a_time ack_ends_it unacked_is_redelivered
            extension_prevents_redelivery late_ack_ends_it dropping_hands_back attempts_count_up retry_waits
            one_id_is_one_message ids_are_per_queue inboxes_share cancelled_lease_takes_nothing subjects_are_independent
            depth_counts_what_is_kept a_message_over_the_limit_is_refused);
        $crate::bus_conformance!(@rules events, $make; events_reach_all_listeners events_are_not_kept);
        $crate::bus_conformance!(@rules kv, $make;
            a_value_is_read_back values_are_written_if_expected one_contender_wins deleted_can_be_made_again
            every_string_is_a_key buckets_are_independent entries_are_all_by_key values_vanish);
    };
    (@rules $rules:ident, $make:expr; $($rule:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                $crate::conformance::$rules::$rule($make).await.unwrap();
            }
        )*
    };
}

/// Makes one test of every rule for blobs. `$make` is an `async` closure or function from the capacity in bytes (`u64`) to
/// an empty store (`Arc<dyn Blobs>`). The calling crate needs tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! blobs_conformance {
    ($make:expr) => {
        $crate::blobs_conformance!(@rules $make;
            finished_is_readable unfinished_is_invisible released_is_stale unknown_is_stale capacity_is_respected
            room_comes_back finishing_again_replaces a_prefix_is_released concurrent_use);
    };
    (@rules $make:expr; $($rule:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                $crate::conformance::blobs::$rule($make).await.unwrap();
            }
        )*
    };
}

#[cfg(test)]
mod tests;
