//! Keeps child processes going: starts them, starts them again when they die, drains them at the end.
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Wait before a child is started again; doubles while it dies at once.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A child that lived as long as this is well again.
const WELL: Duration = Duration::from_secs(20);

/// A child process that is to be there.
pub struct Supervised {
    /// What it is called.
    pub name: String,
    arguments: Vec<OsString>,
    log: PathBuf,
    process: Option<Child>,
    started: Instant,
    pause: Duration,
}

impl Supervised {
    /// Starts this program with other arguments. What it says goes to a file in `logs`.
    pub fn start(name: &str, arguments: Vec<OsString>, logs: &Path) -> io::Result<Self> {
        let mut supervised = Self {
            name: name.to_owned(),
            arguments,
            log: logs.join(format!("{name}.log")),
            process: None,
            started: Instant::now(),
            pause: FIRST_PAUSE,
        };
        supervised.spawn()?;
        Ok(supervised)
    }

    fn spawn(&mut self) -> io::Result<()> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A group of its own: Ctrl-C at the terminal is for the parent, which drains its children in order.
        command.process_group(0);
        // SAFETY: prctl is the only call between fork and exec, and allocates nothing.
        unsafe {
            command.pre_exec(|| {
                // Children do not outlive a parent that is killed.
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) == -1 {
                    return Err(io::Error::last_os_error());
                }
                Ok(())
            });
        }
        self.process = Some(command.spawn()?);
        self.started = Instant::now();
        Ok(())
    }

    /// Looks after the child: how it ended, if it did just now. It is started again after a while.
    pub fn look_after(&mut self) -> io::Result<Option<ExitStatus>> {
        let Some(process) = &mut self.process else {
            if self.started.elapsed() >= self.pause {
                self.spawn()?;
            }
            return Ok(None);
        };
        let Some(status) = process.try_wait()? else { return Ok(None) };
        self.process = None;
        let was_well = self.started.elapsed() > WELL;
        self.pause = if was_well { FIRST_PAUSE } else { (2 * self.pause).min(LONGEST_PAUSE) };
        self.started = Instant::now();
        Ok(Some(status))
    }

    /// Its process, while there is one.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Asks it to drain and stop.
    pub fn terminate(&self) {
        if let Some(pid) = self.pid().and_then(|pid| i32::try_from(pid).ok()) {
            // SAFETY: a signal to a child that was not waited for yet, so its number is still its own.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
    }

    /// Waits until it has ended; kills it when that takes longer than `within`.
    pub fn wait(&mut self, within: Duration) -> io::Result<()> {
        let Some(process) = &mut self.process else { return Ok(()) };
        let began = Instant::now();
        while process.try_wait()?.is_none() {
            if began.elapsed() > within {
                process.kill()?;
                process.wait()?;
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process = None;
        Ok(())
    }
}

/// How a process ended, in words.
pub fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("was ended by signal {signal}"),
        (_, Some(code)) => format!("ended with exit code {code}"),
        _ => "ended".to_owned(),
    }
}
