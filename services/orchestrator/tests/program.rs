//! The program as a fleet starts it.
#![cfg(test)]

use framefleet_bus_nats::{NatsServer, ServerOptions};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

/// The program on free ports.
fn orchestrator(bus: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrator"));
    command.args(["--nats", bus, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--blobs"]).arg(folder);
    command
}

#[test]
fn it_leads_a_fleet_until_it_is_stopped_and_logs_json() {
    let folder = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(ServerOptions::new(folder.path().join("nats"))).unwrap();
    let mut command = orchestrator(&nats.url(), &folder.path().join("blobs"));
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut logged = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap().to_string());
    assert!(logged.any(|line| line.contains("this orchestrator is the leader")));
    // SAFETY: a signal to a child that was not waited for yet, so its number is still its own.
    unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
    // To its end: a pipe that nobody reads would hold the program up.
    logged.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn help_names_the_options_of_a_fleet_and_of_a_log() {
    let ran = Command::new(env!("CARGO_BIN_EXE_orchestrator")).arg("--help").output().unwrap();
    assert_eq!(ran.status.code(), Some(0));
    let help = String::from_utf8(ran.stdout).unwrap();
    for option in ["--nats", "--blobs", "--listen", "--metrics", "--memory", "--model-cache", "--log", "--log-text"] {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[test]
fn what_is_wrong_has_the_exit_codes_of_all_programs() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, free) = (taken.local_addr().unwrap().to_string(), TcpListener::bind("127.0.0.1:0").unwrap());
    let nobody = format!("nats://{}", free.local_addr().unwrap());
    drop(free);
    let ran = |command: &mut Command| {
        let ran = command.output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
    };
    let mut wrong = Command::new(env!("CARGO_BIN_EXE_orchestrator"));
    assert_eq!(ran(wrong.args(["--listen", "nowhere"])).0, Some(64));
    let mut occupied = Command::new(env!("CARGO_BIN_EXE_orchestrator"));
    let (code, said) = ran(occupied.args(["--listen", &address]));
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains(&format!("orchestrator: --listen {address}: ")), "{said}");
    let (code, said) = ran(&mut orchestrator(&nobody, folder.path()));
    assert_eq!(code, Some(75), "{said}");
}
