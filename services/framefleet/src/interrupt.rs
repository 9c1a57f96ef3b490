//! Signals that end a run early.
use framefleet_service::Exit;
use tokio_util::sync::CancellationToken;

/// Cancelled at the first Ctrl-C or SIGTERM: running tasks come to their end. The second ends the process at once.
pub fn interrupted() -> CancellationToken {
    let interrupt = CancellationToken::new();
    let signalled = interrupt.clone();
    tokio::spawn(async move {
        next_signal().await;
        signalled.cancel();
        eprintln!("framefleet: finishing running tasks; once more to stop at once (nothing finished is lost)");
        next_signal().await;
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
    interrupt
}

async fn next_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
