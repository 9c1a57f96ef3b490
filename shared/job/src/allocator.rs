//! Keeps resident memory near what is really in use. Results of tasks live long among millions of allocations that do not,
//! and decoders come and go on every thread: with default settings freed memory stays with the process, a little more with
//! every minute of footage.
use std::time::Duration;

/// Arenas: more would keep as many sets of freed frames, and threads that decode and compare allocate seldom.
const ARENAS: libc::c_int = 1;
/// How often freed pages are given back. Pages that are taken again cost a fault each: five times as often is 2 % of all time.
const EVERY: Duration = Duration::from_secs(1);

/// Sets the system's allocator up; to be called before other threads start.
pub fn set_up() {
    // SAFETY: mallopt only stores a number, and no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
    }
}

/// Gives freed pages back to the system now and then, until it is aborted.
pub(crate) async fn give_back() {
    loop {
        tokio::time::sleep(EVERY).await;
        // SAFETY: malloc_trim may be called at any time from any thread.
        unsafe {
            libc::malloc_trim(1 << 20);
        }
    }
}
