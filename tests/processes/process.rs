//! A process of a fleet.
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The program with the stages of the tests besides its own.
pub fn with_test_stages() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(Path::parent).unwrap().join("examples/framefleet-with-test-stages");
    assert!(
        program.is_file(),
        "{} is not there: `cargo test` builds it, and `make bench` does before it measures",
        program.display()
    );
    program
}

/// A running process, killed when it is dropped.
pub struct Process {
    child: Child,
    arguments: Vec<OsString>,
    log: std::path::PathBuf,
}

impl Process {
    /// Starts the program with the stages of the tests.
    pub fn start(arguments: &[OsString], log: &Path) -> Self {
        let program = with_test_stages();
        let file = File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap();
        Self { child, arguments: arguments.to_vec(), log: log.to_owned() }
    }

    /// Starts the same again, once this one has ended.
    pub fn again(&self) -> Self {
        Self::start(&self.arguments, &self.log)
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The argument behind a flag.
    pub fn argument_after(&self, flag: &str) -> String {
        let place = self.arguments.iter().position(|argument| argument == flag).unwrap();
        self.arguments[place + 1].to_str().unwrap().to_owned()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The most memory that it had resident so far, MiB.
    pub fn peak_memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().map_or(0.0, |kibibytes: f64| kibibytes / 1024.0)
    }

    /// Kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: a signal to a child that was not waited for yet.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// Waits for its end.
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < within, "the process did not end: {:?}", self.arguments);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to drain, and waits for its end.
    pub fn drain(&mut self) -> ExitStatus {
        self.signal(libc::SIGTERM);
        self.wait(super::PATIENCE)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
