//! What processes use, by the kernel's account.
use super::Quantity;
use crate::processes::Fleet;
use std::path::PathBuf;

/// Something to look at.
pub enum Watched {
    /// A process: name and number.
    Process(String, u32),
    /// The folder of blobs.
    Blobs(PathBuf),
}

impl Watched {
    /// Everything that a fleet consists of.
    pub fn of(fleet: &Fleet) -> Vec<Self> {
        let mut all = vec![Self::Process("nats-server".to_owned(), fleet.nats.id())];
        let named = |kind: &'static str| move |(n, id): (usize, u32)| Self::Process(format!("{kind} {n}"), id);
        all.extend(fleet.orchestrators.iter().map(|of| of.id()).enumerate().map(named("orchestrator")));
        all.extend(fleet.workers.iter().map(|of| of.id()).enumerate().map(named("worker")));
        all.push(Self::Blobs(fleet.path("blobs")));
        all
    }
}

/// What it uses now. Panics when a process is gone: none may die in a soak.
pub fn look(watched: &Watched) -> Vec<(String, Quantity, f64)> {
    match watched {
        Watched::Process(name, id) => {
            let status = std::fs::read_to_string(format!("/proc/{id}/status"));
            let status = status.unwrap_or_else(|error| panic!("{name} is gone: {error}"));
            let field = |key: &str| -> f64 {
                let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
                line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
            };
            let files = std::fs::read_dir(format!("/proc/{id}/fd")).map_or(0, |entries| entries.count());
            vec![
                (name.clone(), Quantity::Memory, field("VmRSS:") / 1024.0),
                (name.clone(), Quantity::Files, files as f64),
                (name.clone(), Quantity::Threads, field("Threads:")),
            ]
        }
        Watched::Blobs(folder) => {
            let files = std::fs::read_dir(folder).map_or(0, |entries| entries.count());
            vec![("blobs".to_owned(), Quantity::Blobs, files as f64)]
        }
    }
}
