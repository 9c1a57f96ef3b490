//! A child process that does not outlive this one.
use super::END;
use parking_lot::{Condvar, Mutex};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

/// A running child.
pub(super) struct Process {
    id: u32,
    end: Arc<End>,
}

/// Whether it has ended.
#[derive(Default)]
struct End {
    ended: Mutex<bool>,
    changed: Condvar,
}

impl End {
    /// Waits until it has ended, at most for so long; whether it has.
    fn wait(&self, longest: Duration) -> bool {
        let mut ended = self.ended.lock();
        self.changed.wait_while_for(&mut ended, |ended| !*ended, longest);
        *ended
    }
}

impl Process {
    /// Starts `binary --config configuration`, which complains to `log`, with a thread of its own that waits for it. The
    /// kernel ends a child with the thread that started it: that thread lives for as long as the child does.
    pub(super) fn start(binary: &Path, configuration: &Path, log: File) -> std::io::Result<Self> {
        let mut command = Command::new(binary);
        command.arg("--config").arg(configuration);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        // A signal to the terminal's programs (Ctrl-C) is this process's to handle.
        command.process_group(0);
        // SAFETY: between fork and exec only prctl is called, which is safe there.
        unsafe { command.pre_exec(end_with_parent) };
        let end = Arc::new(End::default());
        let (sender, started) = mpsc::channel();
        let theirs = Arc::clone(&end);
        std::thread::Builder::new().name("nats-server".to_owned()).spawn(move || watch(command, &sender, &theirs))?;
        let id = started.recv().map_err(std::io::Error::other)??;
        Ok(Self { id, end })
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Whether it runs.
    pub(super) fn is_running(&self) -> bool {
        !*self.end.ended.lock()
    }

    /// Kills it and waits until it is gone.
    pub(super) fn kill(&self) {
        self.signal(libc::SIGKILL);
        self.end.wait(END);
    }

    fn signal(&self, signal: libc::c_int) {
        let ended = self.end.ended.lock();
        if let (false, Ok(id)) = (*ended, libc::pid_t::try_from(self.id)) {
            // SAFETY: kill touches no memory. The child is not waited for yet, hence the number is still its own.
            unsafe { libc::kill(id, signal) };
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(libc::SIGTERM);
        if !self.end.wait(END) {
            self.kill();
        }
    }
}

/// Starts the child, tells its number and waits for its end.
fn watch(mut command: Command, started: &mpsc::Sender<std::io::Result<u32>>, end: &End) {
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return drop(started.send(Err(error))),
    };
    let _ = started.send(Ok(child.id()));
    wait(child, end);
}

/// Waits for a child without freeing its number before its end is noted.
fn wait(mut child: Child, end: &End) {
    // SAFETY: an all-zero siginfo_t is a valid one, and waitid writes to it only.
    let mut information: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live siginfo_t; WNOWAIT leaves the child to be waited for below.
    unsafe { libc::waitid(libc::P_PID, child.id(), &raw mut information, libc::WEXITED | libc::WNOWAIT) };
    let mut ended = end.ended.lock();
    let _ = child.wait();
    *ended = true;
    drop(ended);
    end.changed.notify_all();
}

fn end_with_parent() -> std::io::Result<()> {
    // SAFETY: prctl with these arguments touches no memory.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
