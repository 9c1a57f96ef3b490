//! Standard output and error whose reader may go away: `framefleet models list | head -1` ends quietly, and a job goes on to its end
//! and its report when nobody reads of it any more. The macros of the standard library panic there; in this crate those below are
//! `println!`, `print!` and `eprintln!`.
use std::fmt::Arguments;
use std::io::{ErrorKind, Result, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether nobody reads standard output any more.
static CLOSED: AtomicBool = AtomicBool::new(false);
/// Why standard output could not be written, when that was no reader's doing.
static PROBLEM: OnceLock<String> = OnceLock::new();

/// As the standard library's, but for a closed pipe.
macro_rules! println {
    ($($text:tt)*) => { $crate::streams::out(format_args!("{}\n", format_args!($($text)*))) };
}

/// As the standard library's, but for a closed pipe.
macro_rules! print {
    ($($text:tt)*) => { $crate::streams::out(format_args!($($text)*)) };
}

/// As the standard library's, but for a closed pipe.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::streams::error(format_args!("{}\n", format_args!($($text)*))) };
}

/// Writes to standard output. After its reader has gone, what comes goes nowhere.
pub fn out(text: Arguments) {
    if !is_closed() && PROBLEM.get().is_none() {
        note(std::io::stdout().lock().write_fmt(text));
    }
}

/// Writes what is held back.
pub fn flush() {
    note(std::io::stdout().lock().flush());
}

/// Writes to standard error. That nobody reads it is nobody's problem.
pub fn error(text: Arguments) {
    let _ = std::io::stderr().lock().write_fmt(text);
}

/// Whether the reader of standard output has gone.
pub fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// Why standard output could not be written: a full disk, for one.
pub fn problem() -> Option<&'static str> {
    PROBLEM.get().map(String::as_str)
}

fn note(written: Result<()>) {
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => CLOSED.store(true, Ordering::Relaxed),
        Err(error) => {
            PROBLEM.get_or_init(|| error.to_string());
        }
    }
}
