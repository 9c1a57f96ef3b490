//! A proxy on this machine: it connects its clients (CONNECT) to whatever they name, or refuses.
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Serves until the test ends.
pub struct Proxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// One that connects, or answers everything with 407.
    pub fn start(connects: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = asked.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let seen = seen.clone();
                std::thread::spawn(move || serve(client, connects, &seen));
            }
        });
        Self { address, asked }
    }

    /// What belongs into HTTPS_PROXY, with a password that must not be shown.
    pub fn address(&self) -> String {
        self.address.replace("http://", "http://user:passed-word@")
    }

    /// The places that clients named.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut client: TcpStream, connects: bool, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut request = String::new();
    if reader.read_line(&mut request).unwrap_or(0) == 0 {
        return;
    }
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        line.clear();
    }
    let place = request.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(place.clone());
    if !connects {
        let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    // Names of no network lead to this machine, by their port.
    let port = place.rsplit(':').next().unwrap_or_default();
    let Ok(server) = TcpStream::connect(format!("127.0.0.1:{port}")) else { return };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client);
    let mut to_server = server;
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut reader, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Both);
}
