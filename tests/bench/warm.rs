//! From submitting a job to its first result, in a fleet that is up.
use crate::processes::Fleet;
use crate::processes::api::{has_ended, request};
use crate::{Effort, row};
use framefleet_bus::{Bus as _, Subject};
use framefleet_bus_nats::{NatsBus, NatsOptions};
use framefleet_proto::v1::{Event, TaskKind, event::Kind as EventKind};
use framefleet_testkit::sample;
use prost::Message as _;
use std::time::{Duration, Instant};

/// The rows of the table.
pub fn rows(effort: &Effort) {
    let rounds = if effort.quick { 5 } else { 20 };
    let fleet = Fleet::start(2);
    // The first job loads the stage.
    first_result(&fleet, 0);
    let mut times: Vec<f64> = (1..=rounds).map(|number| first_result(&fleet, number).as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    let measured = format!("median {:.3} s, worst of {rounds} {:.3} s", times[times.len() / 2], times[times.len() - 1]);
    row("first result on a warm fleet, lighting on bikes.mp4", &measured, "–", None, "≤ 0.3 s");
}

/// From the call until the event of the first task with results has come over the bus.
fn first_result(fleet: &Fleet, number: usize) -> Duration {
    let clip = sample("bikes.mp4").expect("make samples");
    let api = fleet.api();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let bus = runtime.block_on(NatsBus::connect(NatsOptions::new(&fleet.bus))).expect("a bus");
    let clip = clip.canonicalize().expect("the sample is there");
    let asked = request(&clip, &fleet.path(&format!("output-{number}")), "[steps.lighting]\n");
    let began = Instant::now();
    let job = api.submit(&asked);
    let took = runtime.block_on(async {
        let mut events = bus.listen(&Subject::events(&job)).await.expect("events");
        loop {
            let event = events.next().await.expect("the bus is up");
            let event = Event::decode(event.payload).expect("an event");
            let is_result = matches!(&event.kind, Some(EventKind::Done(done)) if done.frames_done > 0);
            if is_result && event.id.is_some_and(|id| id.kind() == TaskKind::Process) {
                return began.elapsed();
            }
        }
    });
    api.wait(&job, has_ended);
    took
}
