//! The connection to an orchestrator, and where it is.
use crate::failure::Failure;
use clap::Args;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use framefleet_proto::control::control_client::ControlClient;
use framefleet_service::Exit;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// Where `framefleet up` has its API.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:4270";

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Which orchestrator.
#[derive(Args, Clone, Debug)]
pub struct ServerArguments {
    /// The orchestrator's API [default: `server` in ./framefleet.toml or ~/.config/framefleet/config.toml, else
    /// http://127.0.0.1:4270]
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
}

/// What a configuration file may say.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    /// The orchestrator's API.
    server: String,
}

impl ServerArguments {
    /// The address: as given, by FRAMEFLEET_SERVER, by a file, or the default.
    pub fn address(&self) -> Result<String, Failure> {
        if let Some(server) = &self.server {
            return Ok(server.clone());
        }
        let mut figment = Figment::from(Serialized::defaults(Configuration { server: DEFAULT_SERVER.to_owned() }));
        // A file that is named exactly has to be there.
        let files = user_file().into_iter().chain([PathBuf::from("framefleet.toml")]);
        for file in files.filter(|file| file.is_file()) {
            figment = figment.merge(Toml::file_exact(file));
        }
        let figment = figment.merge(Env::prefixed("FRAMEFLEET_").only(&["server"]));
        let configuration: Configuration = figment.extract().map_err(Failure::configuration)?;
        Ok(configuration.server)
    }

    /// Connects.
    pub async fn connect(&self) -> Result<ControlClient<Channel>, Failure> {
        let address = self.address()?;
        let wrong = |error: tonic::transport::Error| Failure::usage(format!("--server {address}: {error}"));
        let endpoint = Endpoint::from_shared(address.clone()).map_err(wrong)?.connect_timeout(CONNECT);
        let channel = endpoint.connect().await.map_err(|_| Failure {
            exit: Exit::BusUnreachable,
            message: format!(
                "no orchestrator answers at {address}: start a fleet with `framefleet up`, or say where it is with --server, \
                 FRAMEFLEET_SERVER or `server = \"http://…\"` in framefleet.toml"
            ),
        })?;
        Ok(ControlClient::new(channel))
    }
}

fn user_file() -> Option<PathBuf> {
    let home = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(home.join("framefleet/config.toml"))
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let exit = match status.code() {
            Code::InvalidArgument | Code::NotFound => Exit::Usage,
            Code::Unavailable => Exit::BusUnreachable,
            _ => Exit::Failed,
        };
        Self { exit, message: status.message().to_owned() }
    }
}
