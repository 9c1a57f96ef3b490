//! The `ingest` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main_of_source(ingest::NAME, ingest::VERSION, ingest::ABOUT, ingest::describe, ingest::opener())
}
