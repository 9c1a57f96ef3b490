//! Signals that end a run early.
use framefleet_service::Exit;
use tokio::sync::watch;

/// Turns true at the first Ctrl-C or SIGTERM: running tasks come to their end. The second ends the process at once.
pub fn interrupted() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        next_signal().await;
        sender.send_replace(true);
        eprintln!("framefleet: finishing running tasks; once more to stop at once (nothing finished is lost)");
        next_signal().await;
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
    receiver
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
