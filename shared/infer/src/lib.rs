//! Sessions for networks: devices, precision, batching.
