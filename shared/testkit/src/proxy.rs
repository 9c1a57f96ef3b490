//! A TCP proxy that breaks connections in the ways that networks do.
use parking_lot::{Mutex, MutexGuard};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// What happens to bytes now.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Delay(Duration),
    Cut,
    HalfOpen,
}

/// Stands between clients and a server on 127.0.0.1. It passes everything on until it gets another order, and ends its
/// connections when it is dropped.
pub struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
}

struct State {
    fault: Fault,
    connections: Vec<Arc<Connection>>,
    is_over: bool,
}

/// A client, and the server's side of it unless it was never made.
struct Connection {
    client: TcpStream,
    server: Option<TcpStream>,
    /// Whether bytes went missing, so that it can never be whole again.
    has_lost: AtomicBool,
}

impl FaultProxy {
    /// Listens on a free port and passes on to a port of this machine.
    pub fn start(server_port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let state = State { fault: Fault::None, connections: Vec::new(), is_over: false };
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server_port));
        let shared = Arc::new(Shared { server, state: Mutex::new(state) });
        let theirs = Arc::clone(&shared);
        thread::spawn(move || theirs.accept(&listener));
        Ok(Self { port, shared })
    }

    /// The port that it listens to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, every piece that is passed on waits for so long first, in both directions.
    pub fn delay(&self, each: Duration) {
        self.shared.state().fault = Fault::Delay(each);
    }

    /// Closes all connections, and new ones at once.
    pub fn cut(&self) {
        let mut state = self.shared.state();
        state.fault = Fault::Cut;
        state.connections.drain(..).for_each(|connection| connection.close());
    }

    /// Connections stay open, new ones too, and nothing that is sent arrives: what a machine that lost its power, or a
    /// firewall that forgot, looks like.
    pub fn half_open(&self) {
        self.shared.state().fault = Fault::HalfOpen;
    }

    /// Passes everything on again. Connections that bytes were lost from are closed.
    pub fn heal(&self) {
        let mut state = self.shared.state();
        state.fault = Fault::None;
        state.connections.retain(|connection| {
            let is_whole = !connection.has_lost.load(Ordering::Acquire);
            if !is_whole {
                connection.close();
            }
            is_whole
        });
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.cut();
        self.shared.state().is_over = true;
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().flatten() {
            let mut state = self.state();
            if state.is_over {
                return;
            }
            let server = match state.fault {
                Fault::Cut => continue,
                Fault::HalfOpen => None,
                Fault::None | Fault::Delay(_) => match TcpStream::connect(self.server) {
                    Ok(server) => Some(server),
                    Err(_) => continue,
                },
            };
            let has_lost = AtomicBool::new(server.is_none());
            let connection = Arc::new(Connection { client, server, has_lost });
            state.connections.push(Arc::clone(&connection));
            drop(state);
            self.serve(&connection);
        }
    }

    /// Passes on in both directions, each on a thread of its own.
    fn serve(self: &Arc<Self>, connection: &Arc<Connection>) {
        let Some(server) = &connection.server else { return };
        for (from, to) in [(&connection.client, server), (server, &connection.client)] {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return connection.close() };
            let (shared, connection) = (Arc::clone(self), Arc::clone(connection));
            let _ = to.set_nodelay(true);
            thread::spawn(move || shared.pass(from, to, &connection));
        }
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream, connection: &Connection) {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            let fault = self.state().fault;
            if let Fault::Delay(each) = fault {
                thread::sleep(each);
            }
            if fault == Fault::HalfOpen || connection.has_lost.load(Ordering::Acquire) {
                connection.has_lost.store(true, Ordering::Release);
            } else if to.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        connection.close();
    }
}

impl Connection {
    fn close(&self) {
        for side in [Some(&self.client), self.server.as_ref()].into_iter().flatten() {
            let _ = side.shutdown(Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets; its port.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || io::copy(&mut stream.try_clone().unwrap(), &mut stream));
            }
        });
        port
    }

    fn connect(proxy: &FaultProxy) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        stream
    }

    /// What comes back for a word.
    fn say(stream: &mut TcpStream) -> io::Result<[u8; 4]> {
        let mut answer = [0; 4];
        stream.write_all(b"word")?;
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn bytes_pass_and_may_be_late() {
        let proxy = FaultProxy::start(echo()).unwrap();
        let mut stream = connect(&proxy);
        assert_eq!(&say(&mut stream).unwrap(), b"word");
        proxy.delay(Duration::from_millis(50));
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let start = std::time::Instant::now();
        assert_eq!(&say(&mut stream).unwrap(), b"word");
        assert!(start.elapsed() >= Duration::from_millis(100));
    }

    #[test]
    fn a_cut_closes_old_and_new_connections_until_it_is_healed() {
        let proxy = FaultProxy::start(echo()).unwrap();
        let mut old = connect(&proxy);
        say(&mut old).unwrap();
        proxy.cut();
        assert!(say(&mut old).is_err() && say(&mut connect(&proxy)).is_err());
        proxy.heal();
        assert!(say(&mut old).is_err());
        assert_eq!(&say(&mut connect(&proxy)).unwrap(), b"word");
    }

    #[test]
    fn half_open_connections_swallow_and_end_when_healed() {
        let proxy = FaultProxy::start(echo()).unwrap();
        let (mut silent, mut speaking) = (connect(&proxy), connect(&proxy));
        say(&mut silent).unwrap();
        say(&mut speaking).unwrap();
        proxy.half_open();
        let waited = say(&mut speaking).unwrap_err();
        assert!(matches!(waited.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{waited}");
        assert!(say(&mut connect(&proxy)).is_err());
        proxy.heal();
        assert!(say(&mut speaking).is_err(), "it goes on although bytes were lost");
        assert_eq!(&say(&mut silent).unwrap(), b"word", "nothing was lost here");
    }
}
