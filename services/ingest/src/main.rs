//! The `ingest` service.

fn main() -> std::process::ExitCode {
    framefleet_service::main_of_source(ingest::NAME, ingest::ABOUT, ingest::describe)
}
