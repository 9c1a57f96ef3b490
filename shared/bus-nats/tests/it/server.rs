//! A server of one's own: what of it stays, and that it never outlives who started it.
use crate::fleet;
use crate::process::{child, folder, wait_for};
use framefleet_bus_nats::{NatsServer, ServerError, ServerOptions};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Waits until nobody listens to a port.
fn wait_for_end(port: u16) {
    let start = Instant::now();
    while listens(port) {
        assert!(start.elapsed() < Duration::from_secs(60), "it goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_starts_again_on_its_port_and_ends_when_dropped() {
    let (mut server, _folder) = fleet::server();
    let port = server.port();
    server.kill();
    assert!(!listens(port));
    server.restart().unwrap();
    assert!(listens(port) && server.port() == port);
    drop(server);
    assert!(!listens(port));
}

#[test]
fn several_start_at_once_on_ports_of_their_own() {
    let servers: Vec<_> = (0..4).map(|_| std::thread::spawn(fleet::server)).collect();
    let mut ports: Vec<u16> = servers.into_iter().map(|server| server.join().unwrap().0.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 4);
}

#[test]
fn what_it_says_when_it_cannot_start_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = "no_such_setting: 1".to_owned();
    let Err(error) = NatsServer::start(ServerOptions { configuration, ..ServerOptions::new(folder.path()) }) else {
        panic!("it started")
    };
    assert!(matches!(error, ServerError::NotReady { .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let port = Some(fleet::shared().port());
    let Err(error) = NatsServer::start(ServerOptions { port, ..ServerOptions::new(folder.path()) }) else {
        panic!("it started")
    };
    assert!(error.to_string().contains("address already in use"), "{error}");
}

/// A child of the test below.
#[test]
#[ignore = "a part of another test"]
fn owner_to_be_killed() {
    let Some(folder) = folder() else { return };
    let server = NatsServer::start(ServerOptions::new(folder)).unwrap();
    println!("port {}", server.port());
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn it_ends_with_whoever_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut owner = child(&[], "server::owner_to_be_killed", folder.path());
    let port = wait_for(&mut owner, "port").parse().unwrap();
    assert!(listens(port));
    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_for_end(port);
}
