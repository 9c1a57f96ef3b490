//! The bus over NATS JetStream, and blobs in a mapped folder.
