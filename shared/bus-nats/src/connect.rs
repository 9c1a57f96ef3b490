//! Making the connection, and finding out at once what would go wrong later.
use crate::link::{Failure, Link, persist};
use crate::names::Names;
use crate::publish::UNITS;
use crate::{Credentials, NatsOptions};
use async_nats::client::Client;
use async_nats::jetstream::context::{AccountErrorKind, ContextBuilder};
use async_nats::{ConnectErrorKind, ConnectOptions, Event, ServerAddr, jetstream};
use framefleet_bus::BusError;
use std::error::Error;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

/// The oldest server that has what we use, as (major, minor, patch).
const OLDEST: (i64, i64, i64) = (2, 12, 0);

/// The smallest `max_payload` that carries our messages, bytes: the default of the server.
const LEAST_PAYLOAD: usize = 1 << 20;

/// How long one try to connect may take.
const ONE_TRY: Duration = Duration::from_secs(2);

/// How often the server is asked whether it is there; without an answer to three of them the connection is made again.
const PING: Duration = Duration::from_secs(2);

/// The longest pause between two tries to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Connects and checks that the server serves us.
pub(crate) async fn connect(options: NatsOptions) -> Result<Link, BusError> {
    let names = Names::new(&options.namespace)?;
    let servers = servers(&options.urls)?;
    let (counter, connections) = watch::channel(0);
    let client_options = client_options(&options).await?.event_callback(move |event| {
        match &event {
            Event::Connected => counter.send_modify(|count| *count += 1),
            Event::SlowConsumer(_) => tracing::warn!("the server sends faster than this client takes"),
            event => tracing::debug!(%event, "connection"),
        }
        std::future::ready(())
    });
    let what = format!("connecting to {}", hosts(&servers));
    let patience = options.connect_within;
    let client = persist(patience, &what, || async {
        client_options.clone().connect(&servers[..]).await.map_err(|error| not_connected(&what, &error))
    });
    let client = client.await?;
    fits(&client, &hosts(&servers))?;
    let jetstream = ContextBuilder::new().timeout(crate::link::ANSWER).build(client.clone());
    persist(patience, &what, || has_jetstream(&jetstream)).await?;
    let in_flight = Semaphore::new(UNITS);
    let link = Link { client, jetstream, names, options, runtime: Handle::current(), connections, in_flight };
    persist(patience, "making the streams", || link.make_streams()).await?;
    Ok(link)
}

fn servers(urls: &[String]) -> Result<Vec<ServerAddr>, BusError> {
    let wrong = |error| {
        BusError::Refused(format!("this is no address of a server ({error}): give host:port or nats://host:port"))
    };
    let servers = urls.iter().map(|url| url.parse().map_err(wrong)).collect::<Result<Vec<_>, _>>()?;
    match servers.is_empty() {
        true => Err(BusError::Refused("no address of a server is given".to_owned())),
        false => Ok(servers),
    }
}

/// Where the servers are, without what an address may say of users and passwords.
fn hosts(servers: &[ServerAddr]) -> String {
    let hosts: Vec<String> = servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
    hosts.join(", ")
}

async fn client_options(options: &NatsOptions) -> Result<ConnectOptions, BusError> {
    let tls = &options.tls;
    let mut made = ConnectOptions::new()
        .name(&options.name)
        .connection_timeout(ONE_TRY)
        .ping_interval(PING)
        .reconnect_delay_callback(pause)
        .require_tls(tls.required);
    if let Some(authority) = &tls.authority {
        made = made.add_root_certificates(readable(authority)?.to_owned());
    }
    if let Some((certificate, key)) = &tls.client {
        made = made.add_client_certificate(readable(certificate)?.to_owned(), readable(key)?.to_owned());
    }
    Ok(match &options.credentials {
        Credentials::None => made,
        Credentials::Password { user, password } => made.user_and_password(user.clone(), password.clone()),
        Credentials::Token(token) => made.token(token.clone()),
        Credentials::CredentialsFile(path) => {
            made.credentials_file(path).await.map_err(|error| unreadable(path, &error))?
        }
        Credentials::NkeyFile(path) => {
            let seed = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
            made.nkey(seed.trim().to_owned())
        }
    })
}

/// The pause before the next try to connect again, longer each time; servers that come back are not overrun.
fn pause(tries: usize) -> Duration {
    let doublings = u32::try_from(tries).unwrap_or(u32::MAX).min(6);
    let pause = (Duration::from_millis(50) * 2u32.pow(doublings)).min(LONGEST_PAUSE);
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn readable(path: &Path) -> Result<&Path, BusError> {
    match std::fs::File::open(path) {
        Ok(_) => Ok(path),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> BusError {
    BusError::Refused(format!("{} cannot be read: {error}", path.display()))
}

/// What to do when TLS fails.
const TLS: &str = "TLS failed: check that the server speaks it, and certificates and keys on both sides";

/// Whether what was read is no TLS, or shows a certificate that we do not trust. That comes as an error of reading.
fn is_about_tls(error: &async_nats::ConnectError) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|source| source.kind() == std::io::ErrorKind::InvalidData)
}

fn not_connected(what: &str, error: &async_nats::ConnectError) -> Failure {
    let advice = match error.kind() {
        ConnectErrorKind::AuthorizationViolation => {
            "the server refuses these credentials: check user, password, token or the files that hold them"
        }
        ConnectErrorKind::Authentication => "the credentials cannot be used: check the file that holds them",
        ConnectErrorKind::Tls => TLS,
        ConnectErrorKind::Io if is_about_tls(error) => TLS,
        ConnectErrorKind::ServerParse => "this is no address of a server",
        ConnectErrorKind::Dns | ConnectErrorKind::TimedOut | ConnectErrorKind::Io | ConnectErrorKind::MaxReconnects => {
            return Failure::Passing(format!("{error}; is nats-server running there?"));
        }
    };
    Failure::Lasting(BusError::Refused(format!("{what}: {advice} ({error})")))
}

/// Whether the server is new enough and takes messages of the size of ours.
fn fits(client: &Client, hosts: &str) -> Result<(), BusError> {
    let (info, (major, minor, patch)) = (client.server_info(), OLDEST);
    if !client.is_server_compatible(major, minor, patch) {
        let version = info.version;
        return Err(BusError::Refused(format!(
            "nats-server {version} at {hosts} is too old: {major}.{minor}.{patch} or newer is needed"
        )));
    }
    if info.max_payload < LEAST_PAYLOAD {
        let found = info.max_payload;
        return Err(BusError::Refused(format!(
            "nats-server at {hosts} takes {found} bytes a message: set max_payload to {LEAST_PAYLOAD} or more"
        )));
    }
    Ok(())
}

async fn has_jetstream(jetstream: &jetstream::Context) -> Result<(), Failure> {
    let advice =
        "JetStream is not enabled: start nats-server with -js or a jetstream block, and enable it for this account";
    match jetstream.query_account().await {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.kind() {
            AccountErrorKind::JetStreamUnavailable => Failure::Lasting(BusError::Refused(advice.to_owned())),
            AccountErrorKind::JetStream(error)
                if error.code() == 503 && error.error_code().0 != 10039 && error.error_code().0 != 10076 =>
            {
                Failure::Passing(error.to_string())
            }
            AccountErrorKind::JetStream(error) => Failure::Lasting(BusError::Refused(format!("{advice} ({error})"))),
            AccountErrorKind::TimedOut | AccountErrorKind::Other => {
                Failure::Passing(format!("{error}; may this user publish to $JS.API.> and subscribe to _INBOX.>?"))
            }
        }),
    }
}
