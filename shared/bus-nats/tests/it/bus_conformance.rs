//! The bus over a real nats-server keeps the rules of every bus.
use crate::fleet;
use framefleet_bus::Bus;
use std::sync::Arc;

framefleet_bus::bus_conformance!(async |ack_wait| Arc::new(fleet::bus(ack_wait).await) as Arc<dyn Bus>);
