//! How to reach the server and what to ask of it.
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What a [`NatsBus`](crate::NatsBus) is made of.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    /// Servers of one cluster, as `host:port`, `nats://host:port` or `tls://host:port`. The others of the cluster are found
    /// by themselves.
    pub urls: Vec<String>,
    /// The name under which the server lists this client.
    pub name: String,
    /// Who we are.
    pub credentials: Credentials,
    /// Whom we trust.
    pub tls: Tls,
    /// After how long without acknowledgement or extension a message goes to another worker. All who share a server say the
    /// same.
    pub ack_wait: Duration,
    /// How long [`connect`](crate::NatsBus::connect) tries.
    pub connect_within: Duration,
    /// How long later calls wait for a server that is away before they say
    /// [`Unreachable`](framefleet_bus::BusError::Unreachable).
    pub patience: Duration,
    /// After how long a queue that is asked for messages, has some and hands out none is taken to be stuck.
    pub stuck_after: Duration,
    /// The most messages that a queue keeps; more are refused as [`Full`](framefleet_bus::BusError::Full).
    pub queue_limit: u32,
    /// The most bytes of events that are kept for listeners who are behind. The server sets them aside on its disk.
    pub event_bytes: u64,
    /// On how many servers of the cluster everything is kept: 1, 3 or 5.
    pub replicas: usize,
    /// Keeps fleets apart that share a server: letters and digits. Tests have one each.
    pub namespace: String,
}

impl NatsOptions {
    /// The defaults for a server at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            name: "framefleet".to_owned(),
            credentials: Credentials::None,
            tls: Tls::default(),
            ack_wait: Duration::from_secs(3),
            connect_within: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            stuck_after: Duration::from_secs(10),
            queue_limit: 10_000,
            event_bytes: 1 << 30,
            replicas: 1,
            namespace: String::new(),
        }
    }
}

/// Who we are. Never printed.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nobody, or whoever the URL says.
    #[default]
    None,
    /// A user and a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token.
    Token(String),
    /// A `.creds` file: a JWT and the seed that signs for it.
    CredentialsFile(PathBuf),
    /// A file that holds the seed of an nkey.
    NkeyFile(PathBuf),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("None"),
            Self::Password { user, .. } => write!(formatter, "Password of {user:?}"),
            Self::Token(_) => formatter.write_str("Token"),
            Self::CredentialsFile(path) => write!(formatter, "CredentialsFile({path:?})"),
            Self::NkeyFile(path) => write!(formatter, "NkeyFile({path:?})"),
        }
    }
}

/// Whom we trust, and how we show who we are.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Whether a connection without TLS is refused. A server that requires TLS gets it in any case.
    pub required: bool,
    /// Certificates (PEM) of who signs the server's, besides those that the machine trusts.
    pub authority: Option<PathBuf>,
    /// Our certificate and its key (PEM).
    pub client: Option<(PathBuf, PathBuf)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let credentials = [
            Credentials::Password { user: "worker".to_owned(), password: "hunter2".to_owned() },
            Credentials::Token("hunter2".to_owned()),
        ];
        for credentials in credentials {
            let options = NatsOptions { credentials, ..NatsOptions::new("localhost") };
            assert!(!format!("{options:?}").contains("hunter2"));
        }
    }
}
