//! Rules of events.
use super::bus::{NEVER, message};
use super::{PATIENCE, Verdict, WATCH, hold, soon};
use crate::{Bus, Subject};
use std::sync::Arc;
use std::time::Duration;

/// Everyone who listens to a subject gets all its events in the order they were sent, and none of another subject; one
/// who does not read and one who is gone hold up nobody.
pub async fn events_reach_all_listeners(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let bus = make(NEVER).await;
    let (subject, another) = (Subject::events("events_reach_all"), Subject::events("events_reach_nobody"));
    let mut listeners = vec![bus.listen(&subject).await?, bus.listen(&subject).await?];
    let _idle = bus.listen(&subject).await?;
    drop(bus.listen(&subject).await?);
    for n in 0..100u8 {
        soon("an event sent", bus.emit(message(&another, vec![255]))).await?;
        soon("an event sent", bus.emit(message(&subject, vec![n]))).await?;
    }
    for events in &mut listeners {
        for n in 0..100u8 {
            let event = soon("an event", events.next()).await?;
            hold(event == message(&subject, vec![n]), || format!("{event:?} came where {n} was due"))?;
        }
    }
    Ok(())
}

/// Events are for those who listen now: one who comes later gets only what is sent from then on.
pub async fn events_are_not_kept(make: impl AsyncFn(Duration) -> Arc<dyn Bus>) -> Verdict {
    let (bus, subject) = (make(NEVER).await, Subject::events("events_are_not_kept"));
    let _early = bus.listen(&subject).await?;
    bus.emit(message(&subject, "early")).await?;
    let mut late = bus.listen(&subject).await?;
    bus.emit(message(&subject, "late")).await?;
    let event = soon("an event", late.next()).await?;
    hold(event.payload == "late", || format!("{:?} was sent before anyone listened", event.payload))?;
    let more = tokio::time::timeout(WATCH.min(PATIENCE), late.next()).await;
    hold(more.is_err(), || "an event came twice".to_owned())
}
