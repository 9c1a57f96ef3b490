//! A nats-server of one's own: for `framefleet up` and for tests.
mod process;

use process::Process;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Read;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The name of the program.
const PROGRAM: &str = "nats-server";

/// The environment variable that says where the program is.
const VARIABLE: &str = "FRAMEFLEET_NATS_SERVER";

/// How long a server may take to be ready: one with much in its store reads it first.
const START: Duration = Duration::from_secs(60);

/// How long a server may take to end by itself.
const END: Duration = Duration::from_secs(10);

/// What a server is to be like.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The program; found by itself when not given.
    pub binary: Option<PathBuf>,
    /// Where its store, configuration and log lie. It is made; a store that is there is served again.
    pub folder: PathBuf,
    /// The port on 127.0.0.1; any free one when not given.
    pub port: Option<u16>,
    /// The longest message that it takes, bytes.
    pub max_payload: u32,
    /// Whether JetStream is on.
    pub jetstream: bool,
    /// More lines of its configuration: users, TLS, limits.
    pub configuration: String,
}

impl ServerOptions {
    /// The defaults for a server in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            binary: None,
            folder: folder.into(),
            port: None,
            max_payload: 1 << 20,
            jetstream: true,
            configuration: String::new(),
        }
    }
}

/// What can go wrong with a server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no such program.
    #[error(
        "nats-server was not found: run `make setup`, or say where it is in {VARIABLE}; it is not at {}",
        listed(looked_at)
    )]
    NotFound {
        /// Where it would have been.
        looked_at: Vec<PathBuf>,
    },
    /// A file or the program failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// It ended at once, or was not ready in time.
    #[error("nats-server is not ready; the end of {}:\n{end}", log.display())]
    NotReady {
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        end: String,
    },
}

/// A running server. Dropping it ends it; it also ends when this process does, however that happens.
pub struct NatsServer {
    options: ServerOptions,
    binary: PathBuf,
    port: u16,
    process: Process,
}

impl NatsServer {
    /// Starts a server and waits until it serves. Blocks the thread. A free port is chosen by the server itself, so that
    /// nobody can take it in between.
    pub fn start(options: ServerOptions) -> Result<Self, ServerError> {
        let binary = find(options.binary.as_deref())?;
        make_folder(&options.folder)?;
        let (process, port) = launch(&binary, &options, options.port)?;
        Ok(Self { options, binary, port, process })
    }

    /// Where clients connect to.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port that it listens to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it (SIGKILL), as a crash of the machine's other programs would; returns when it is gone. Its store stays.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// Kills it if it runs, and starts it again on the same port and store.
    pub fn restart(&mut self) -> Result<(), ServerError> {
        self.process.kill();
        (self.process, self.port) = launch(&self.binary, &self.options, Some(self.port))?;
        Ok(())
    }

    /// Kills it if it runs and removes its store: what comes back after this has never seen anything.
    pub fn lose_store(&mut self) -> Result<(), ServerError> {
        self.process.kill();
        let store = store(&self.options.folder);
        std::fs::remove_dir_all(&store).map_err(io(&store))
    }
}

/// Where the store lies.
fn store(folder: &Path) -> PathBuf {
    folder.join("jetstream")
}

/// The program: as given, named by the environment, or the first one at the usual places.
fn find(given: Option<&Path>) -> Result<PathBuf, ServerError> {
    let named = given.map(Path::to_owned).or_else(|| std::env::var_os(VARIABLE).map(PathBuf::from));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let looked_at = named.map_or_else(
        || {
            let (program, here) = (std::env::current_exe().ok(), std::env::current_dir().ok());
            usual_places(program.as_deref(), &path, here.as_deref())
        },
        |named| vec![named],
    );
    let found = looked_at.iter().find(|place| place.is_file()).cloned();
    found.ok_or(ServerError::NotFound { looked_at })
}

/// Where the program may be: beside this one, on the path, and where `make setup` puts it in the working copy that this program was
/// built in or in that of the current folder.
fn usual_places(this: Option<&Path>, path: &OsStr, here: Option<&Path>) -> Vec<PathBuf> {
    let beside = this.and_then(Path::parent).map(|folder| folder.join(PROGRAM));
    let on_path = std::env::split_paths(path).map(|folder| folder.join(PROGRAM));
    let above = [this, here].into_iter().flatten().flat_map(Path::ancestors);
    let set_up = above.map(|folder| folder.join(".cache/bin").join(PROGRAM));
    let mut places: Vec<PathBuf> = Vec::new();
    for place in beside.into_iter().chain(on_path).chain(set_up) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// Paths, for a message.
fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn launch(binary: &Path, options: &ServerOptions, port: Option<u16>) -> Result<(Process, u16), ServerError> {
    let folder = &options.folder;
    let (file, log) = (folder.join("nats-server.conf"), folder.join("nats-server.log"));
    std::fs::write(&file, configuration(options, port, &log)).map_err(io(&file))?;
    let complaints = OpenOptions::new().create(true).append(true).open(&log).map_err(io(&log))?;
    let process = Process::start(binary, &file, complaints).map_err(io(binary))?;
    let ports = folder.join(format!("{PROGRAM}_{}.ports", process.id()));
    let until = Instant::now() + START;
    while Instant::now() < until && process.is_running() {
        if let Some(port) = port_in(&ports)
            && serves(port)
        {
            let _ = std::fs::remove_file(ports);
            return Ok((process, port));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    let end = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
    Err(ServerError::NotReady { log, end })
}

/// A configuration file. JSON's strings are strings there too.
fn configuration(options: &ServerOptions, port: Option<u16>, log: &Path) -> String {
    let quoted = |path: &Path| serde_json::Value::from(path.display().to_string()).to_string();
    let port = port.map_or_else(|| "-1".to_owned(), |port| port.to_string());
    let mut lines = vec![
        "host: 127.0.0.1".to_owned(),
        format!("port: {port}"),
        format!("ports_file_dir: {}", quoted(&options.folder)),
        format!("log_file: {}", quoted(log)),
        format!("max_payload: {}", options.max_payload),
    ];
    if options.jetstream {
        lines.push(format!("jetstream {{ store_dir: {} }}", quoted(&store(&options.folder))));
    }
    lines.push(options.configuration.clone());
    lines.join("\n")
}

/// The port in the file that the server writes once it listens.
fn port_in(file: &Path) -> Option<u16> {
    let ports: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    ports["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()
}

/// Whether a server greets there.
fn serves(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut greeting = [0; 4];
    stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
        && stream.read_exact(&mut greeting).is_ok()
        && &greeting == b"INFO"
}

fn make_folder(folder: &Path) -> Result<(), ServerError> {
    std::fs::create_dir_all(folder).map_err(io(folder))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> ServerError {
    let path = path.to_owned();
    move |source| ServerError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_an_error_that_says_what_to_do() {
        let missing = find(Some(Path::new("/nowhere/nats-server"))).unwrap_err().to_string();
        assert!(missing.contains("make setup") && missing.contains("/nowhere/nats-server"), "{missing}");
    }

    #[test]
    fn the_program_is_found_in_the_working_copy_wherever_this_one_is_started() {
        let copy = tempfile::tempdir().unwrap();
        let program = copy.path().join(".cache/bin/nats-server");
        let this = copy.path().join("target/release/framefleet");
        let places = usual_places(Some(&this), OsStr::new("/usr/bin"), Some(Path::new("/home/anybody")));
        assert!(places.contains(&program), "{places:?}");
        let at = |path: &Path| places.iter().position(|place| place == path);
        assert!(at(&this.with_file_name("nats-server")) < at(Path::new("/usr/bin/nats-server")), "{places:?}");
        assert!(at(Path::new("/usr/bin/nats-server")) < at(&program), "{places:?}");
        let from_here = usual_places(None, OsStr::new(""), Some(&copy.path().join("films")));
        assert!(from_here.contains(&program), "{from_here:?}");
    }

    #[test]
    fn paths_are_quoted() {
        let options = ServerOptions::new("/tmp/a \"b\"");
        let text = configuration(&options, Some(4222), Path::new("/log"));
        assert!(text.contains(r#"store_dir: "/tmp/a \"b\"/jetstream""#), "{text}");
        assert!(text.contains("port: 4222"), "{text}");
    }
}
