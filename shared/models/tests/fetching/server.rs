//! A web server on this machine that behaves as badly as a test asks.
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub path: String,
    /// The first byte of its `Range`.
    pub from: Option<usize>,
    /// What it says in `Authorization`.
    pub authorization: Option<String>,
}

/// Serves until the test ends.
pub struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// A server that answers request number n (from 0) by `answer(n, request, connection)`.
    pub fn start(answer: impl Fn(usize, &Request, &mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = requests.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request.clone());
                    seen.len() - 1
                };
                answer(number, &request, &mut stream);
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        Self { address, requests }
    }

    /// An address on it.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }

    /// What was asked for so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Where the requests began.
    pub fn ranges(&self) -> Vec<Option<usize>> {
        self.requests().into_iter().map(|request| request.from).collect()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let (mut from, mut authorization) = (None, None);
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().ok();
        }
        if line.to_lowercase().starts_with("authorization:") {
            authorization = line.split_once(": ").map(|(_, value)| value.to_owned());
        }
    }
    Some(Request { path, from, authorization })
}

/// Head and body; a client that went away does not matter.
pub fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let _ = stream.write_all(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").as_bytes());
    let _ = stream.write_all(body);
}

/// The whole content.
pub fn whole(stream: &mut TcpStream, content: &[u8]) {
    send(stream, "200 OK", &format!("Content-Length: {}\r\n", content.len()), content);
}

/// What a good server answers: the rest of the content when a range is asked for.
pub fn good(request: &Request, stream: &mut TcpStream, content: &[u8]) {
    match request.from {
        None => whole(stream, content),
        Some(from) if from < content.len() => part(stream, content, from, content.len()),
        Some(_) => send(stream, "416 Range Not Satisfiable", "Content-Length: 0\r\n", b""),
    }
}

/// Promises the content from `from` on, and breaks off before `until`.
pub fn part(stream: &mut TcpStream, content: &[u8], from: usize, until: usize) {
    let (last, all) = (content.len() - 1, content.len());
    let headers = format!("Content-Range: bytes {from}-{last}/{all}\r\nContent-Length: {}\r\n", all - from);
    send(stream, "206 Partial Content", &headers, &content[from..until]);
}

/// Promises the whole content, and breaks off.
pub fn broken(stream: &mut TcpStream, content: &[u8], until: usize) {
    send(stream, "200 OK", &format!("Content-Length: {}\r\n", content.len()), &content[..until]);
}
