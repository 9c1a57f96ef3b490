//! `framefleet worker`
use crate::args::WorkerVerb;
use crate::failure::Failure;
use framefleet_service::{Exit, Served, work};
use framefleet_stage::Registry;

/// Serves stages in a fleet until it is stopped.
pub fn run(arguments: &WorkerVerb, registry: Registry) -> Result<Exit, Failure> {
    framefleet_vision::use_one_thread().map_err(Failure::failed)?;
    let all = || std::iter::once(ingest::NAME).chain(registry.names()).map(str::to_owned).collect();
    let names: Vec<String> = if arguments.stage.is_empty() { all() } else { arguments.stage.clone() };
    let mut stages = Vec::new();
    for name in names {
        let version = match name.as_str() {
            ingest::NAME => ingest::VERSION,
            name => registry.get(name)?.version(),
        };
        stages.push((name, version));
    }
    let served =
        Served { registry, stages, open_source: ingest::opener(), arguments: std::env::args_os().skip(1).collect() };
    work(&arguments.worker, served).map_err(|error| Failure { exit: error.exit(), message: error.to_string() })
}
