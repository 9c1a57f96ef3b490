//! How a process joins a fleet: the arguments that say where it is, and the connections made of them.
use crate::Exit;
use bytesize::ByteSize;
use framefleet_bus::{Blobs, Bus, BusError};
use framefleet_bus_nats::{Credentials, DirBlobs, NatsBus, NatsOptions, Tls};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the fleet is.
#[derive(clap::Args, Clone, Debug)]
pub struct FleetArguments {
    /// NATS servers of the fleet
    #[arg(
        long,
        env = "FRAMEFLEET_NATS",
        value_delimiter = ',',
        default_value = "nats://127.0.0.1:4222",
        value_name = "URL,…"
    )]
    pub nats: Vec<String>,
    /// File with a user's credentials for NATS (.creds)
    #[arg(long, env = "FRAMEFLEET_NATS_CREDS", value_name = "FILE")]
    pub nats_creds: Option<PathBuf>,
    /// File with the seed of an nkey for NATS
    #[arg(long, env = "FRAMEFLEET_NATS_NKEY", value_name = "FILE", conflicts_with = "nats_creds")]
    pub nats_nkey: Option<PathBuf>,
    /// Token for NATS
    #[arg(long, env = "FRAMEFLEET_NATS_TOKEN", hide_env_values = true, value_name = "TOKEN", conflicts_with_all = ["nats_creds", "nats_nkey"])]
    pub nats_token: Option<String>,
    /// Certificates (PEM) of who signs the NATS server's, besides those that the machine trusts
    #[arg(long, env = "FRAMEFLEET_NATS_CA", value_name = "FILE")]
    pub nats_ca: Option<PathBuf>,
    /// Own certificate (PEM) for NATS
    #[arg(long, env = "FRAMEFLEET_NATS_CERT", value_name = "FILE", requires = "nats_key")]
    pub nats_cert: Option<PathBuf>,
    /// Key of the own certificate (PEM)
    #[arg(long, env = "FRAMEFLEET_NATS_KEY", value_name = "FILE", requires = "nats_cert")]
    pub nats_key: Option<PathBuf>,
    /// Keeps fleets apart that share NATS servers
    #[arg(long, env = "FRAMEFLEET_NAMESPACE", default_value = "", value_name = "NAME")]
    pub namespace: String,
    /// Folder for frames in flight, shared by all processes of the fleet on this machine; best in memory
    #[arg(long, env = "FRAMEFLEET_BLOBS", default_value = "/dev/shm/framefleet", value_name = "FOLDER")]
    pub blobs: PathBuf,
    /// Memory that frames in flight may occupy there
    #[arg(long, env = "FRAMEFLEET_BLOB_CAPACITY", default_value = "4GiB", value_name = "SIZE")]
    pub blob_capacity: ByteSize,
}

/// The fleet cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The folder for frames.
    #[error(
        "frames in flight cannot be kept in {folder}: {reason}; make it a writable folder, or give another --blobs"
    )]
    Blobs {
        /// The folder.
        folder: PathBuf,
        /// The system's answer.
        reason: String,
    },
}

impl JoinError {
    /// The exit code it makes.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Bus(BusError::Refused(_)) => Exit::Configuration,
            Self::Bus(_) => Exit::BusUnreachable,
            Self::Blobs { .. } => Exit::Configuration,
        }
    }
}

impl FleetArguments {
    /// Connects to the bus. `name` is what the server lists the client as.
    pub async fn bus(&self, name: &str) -> Result<Arc<dyn Bus>, JoinError> {
        let credentials = match (&self.nats_creds, &self.nats_nkey, &self.nats_token) {
            (Some(file), ..) => Credentials::CredentialsFile(file.clone()),
            (_, Some(file), _) => Credentials::NkeyFile(file.clone()),
            (.., Some(token)) => Credentials::Token(token.clone()),
            (None, None, None) => Credentials::None,
        };
        let client = self.nats_cert.clone().zip(self.nats_key.clone());
        let tls = Tls { authority: self.nats_ca.clone(), client, ..Tls::default() };
        let options = NatsOptions {
            urls: self.nats.clone(),
            name: name.to_owned(),
            credentials,
            tls,
            namespace: self.namespace.clone(),
            ..NatsOptions::new(String::new())
        };
        Ok(Arc::new(NatsBus::connect(options).await?))
    }

    /// Opens the folder for frames in flight.
    pub fn blobs(&self) -> Result<Arc<dyn Blobs>, JoinError> {
        let broken = |reason: String| JoinError::Blobs { folder: self.blobs.clone(), reason };
        std::fs::create_dir_all(&self.blobs).map_err(|error| broken(error.to_string()))?;
        let blobs =
            DirBlobs::open(&self.blobs, self.blob_capacity.as_u64()).map_err(|error| broken(error.to_string()))?;
        Ok(Arc::new(blobs))
    }
}
