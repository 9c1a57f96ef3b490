//! A fleet of real processes: a real bus, an orchestrator, workers; to be killed, stopped, cut off, started again, measured.
//!
//! Shared by the integration tests, the soak and the benchmark.
#![allow(dead_code)]

pub mod api;
pub mod process;
pub mod program;

use api::Api;
use framefleet_bus_nats::{NatsServer, ServerOptions};
use framefleet_proto::control::JobStatus;
pub use process::Process;
use program::{Ran, framefleet};
use serde_json::Value;
use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A fleet on this machine. What it started ends with it.
pub struct Fleet {
    pub work: tempfile::TempDir,
    pub nats: NatsServer,
    /// Where its processes find the bus; a proxy's address when there is one between.
    pub bus: String,
    pub api: String,
    pub orchestrators: Vec<Process>,
    pub workers: Vec<Process>,
    /// More arguments of every process.
    pub arguments: Vec<String>,
}

impl Fleet {
    /// A bus, and no process yet.
    pub fn bus_only() -> Self {
        let work = tempfile::tempdir().unwrap();
        let nats = NatsServer::start(ServerOptions::new(work.path().join("nats"))).unwrap();
        let bus = nats.url();
        let api = format!("127.0.0.1:{}", free_port());
        Self { work, nats, bus, api, orchestrators: Vec::new(), workers: Vec::new(), arguments: Vec::new() }
    }

    /// A bus, an orchestrator, and so many workers that serve all stages.
    pub fn start(workers: usize) -> Self {
        let mut fleet = Self::bus_only();
        fleet.start_orchestrator();
        (0..workers).for_each(|_| fleet.start_worker(&[]));
        fleet
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    fn common(&self) -> Vec<OsString> {
        let blobs = self.path("blobs");
        let mut all: Vec<OsString> = ["--nats", &self.bus, "--blobs"].map(Into::into).to_vec();
        all.push(blobs.into_os_string());
        all.extend(self.arguments.iter().map(Into::into));
        all
    }

    /// Starts an orchestrator; the first one has the fleet's API, later ones an address of their own.
    pub fn start_orchestrator(&mut self) {
        let api = match self.orchestrators.iter_mut().any(Process::is_running) {
            false => self.api.clone(),
            true => format!("127.0.0.1:{}", free_port()),
        };
        let mut arguments: Vec<OsString> = ["orchestrator", "--listen", &api].map(Into::into).to_vec();
        arguments.extend(self.common());
        let log = self.path(&format!("orchestrator-{}.log", self.orchestrators.len()));
        self.orchestrators.push(Process::start(&arguments, &log));
    }

    /// Starts a worker of all stages with two slots, or as the arguments say.
    pub fn start_worker(&mut self, more: &[&str]) {
        let name = format!("w{}", self.workers.len());
        let mut arguments: Vec<OsString> = ["worker", "--name", &name].map(Into::into).to_vec();
        arguments.extend(self.common());
        if !more.contains(&"--slots") {
            arguments.extend(["--slots", "2"].map(Into::into));
        }
        arguments.extend(more.iter().map(Into::into));
        let log = self.path(&format!("{name}.log"));
        self.workers.push(Process::start(&arguments, &log));
    }

    /// Calls without a process each.
    pub fn api(&self) -> Api {
        Api::new(&self.api)
    }

    /// A verb of the program, for this fleet.
    pub fn call(&self, verb: &str, more: &[&str]) -> Ran {
        let server = format!("http://{}", self.api);
        let arguments = [verb, "--server", &server, "--json"];
        framefleet(arguments.into_iter().chain(more.iter().copied()))
    }

    /// The same, as it answers a person.
    pub fn call_for_person(&self, verb: &str, more: &[&str]) -> Ran {
        let server = format!("http://{}", self.api);
        framefleet([verb, "--server", &server].into_iter().chain(more.iter().copied()))
    }

    /// Waits until there is an orchestrator that takes jobs.
    pub fn wait_for_api(&self) {
        let began = Instant::now();
        while self.call("status", &[]).code != Some(0) {
            assert!(began.elapsed() < PATIENCE, "no orchestrator answers\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Where the first worker that is listed answers over HTTP, once there is one.
    pub fn metrics_address(&self) -> String {
        let began = Instant::now();
        loop {
            let listed: Value = serde_json::from_str(&self.call("top", &[]).out).unwrap_or_default();
            if let Some(address) = listed["top"]["workers"][0]["metrics"].as_str() {
                return address.to_owned();
            }
            assert!(began.elapsed() < PATIENCE, "no worker is listed: {listed:#}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Submits a job, when there is an orchestrator to take it. Its name.
    pub fn submit(&self, source: &Path, output: &Path, more: &[&str]) -> String {
        let paths = [source.to_str().unwrap(), "--output", output.to_str().unwrap()];
        let arguments: Vec<&str> = paths.into_iter().chain(more.iter().copied()).collect();
        let began = Instant::now();
        loop {
            let ran = self.call("submit", &arguments);
            if ran.code == Some(0) {
                let said: Value = serde_json::from_str(&ran.out).unwrap();
                return said["job"]["name"].as_str().unwrap().to_owned();
            }
            assert!(ran.code == Some(75) && began.elapsed() < PATIENCE, "{ran:#?}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The job as it is now; `Null` while nobody answers.
    pub fn job(&self, name: &str) -> Value {
        let ran = self.call("status", &[name]);
        match ran.code {
            Some(0) => serde_json::from_str::<Value>(&ran.out).unwrap()["job"].clone(),
            _ => Value::Null,
        }
    }

    /// Waits until something is true of a job.
    pub fn wait_until(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let job = self.job(name);
            if holds(&job) {
                return job;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain: {what}; {job:#}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for a job's end.
    pub fn wait(&self, name: &str) -> Value {
        self.wait_until(name, "the job's end", |job| job["ended"].as_f64().is_some_and(|ended| ended > 0.0))
    }

    /// Waits for the end of a job that has to be done.
    pub fn wait_done(&self, name: &str) {
        let job = self.wait(name);
        assert_eq!(status(&job), JobStatus::Done, "{job:#}\n{}", self.logs());
    }

    /// Waits until a step has results of so many frames.
    pub fn wait_frames(&self, name: &str, step: &str, frames: u64) {
        self.wait_until(name, "results", |job| results(job, step) >= frames);
    }

    /// What the processes said, for messages of failed tests.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.work.path()).unwrap().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let log = std::fs::read_to_string(&path).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(30).collect();
                text.push_str(&format!("--- {}\n", path.display()));
                last.into_iter().rev().for_each(|line| text.push_str(&format!("{line}\n")));
            }
        }
        text
    }
}

/// The status of a job as the program prints it.
pub fn status(job: &Value) -> JobStatus {
    job["status"].as_i64().and_then(|number| JobStatus::try_from(number as i32).ok()).unwrap_or_default()
}

/// Frames of a step that have a result.
pub fn results(job: &Value, step: &str) -> u64 {
    let steps = job["progress"]["steps"].as_array();
    let found = steps.and_then(|steps| steps.iter().find(|of| of["step"] == step));
    found.and_then(|of| of["result"].as_u64()).unwrap_or_default()
}

/// A port that nobody has now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
