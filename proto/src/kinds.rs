//! The kinds of results that have a type of their own: generated from the oneof of `Annotation`, so that no list of them is kept by hand.
use serde::de::DeserializeOwned;

/// A kind of result with a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindType {
    /// Its name in pipelines, records and dependencies.
    pub name: &'static str,
    /// The stage that makes it: its `.proto` file is named like it.
    pub stage: &'static str,
    /// Paths of its fields that hold one number or word; a dot leads into a nested message.
    pub fields: &'static [&'static str],
    /// Fields that are too heavy for lines of text.
    pub parquet_only: &'static [&'static str],
}

/// Does something with the type of a kind: see [`with_type`].
pub trait TypeVisitor {
    /// What comes of it.
    type Output;

    /// `T` is the type of the kind's results.
    fn visit<T: prost::Message + Default + DeserializeOwned>(self) -> Self::Output;
}

include!(concat!(env!("OUT_DIR"), "/kinds.rs"));
