//! The catalogue of models: what there is, where it comes from, under which licence, and how it gets here.
//!
//! A [`Catalogue`] says which [`Model`] a stage runs ([`Catalogue::choose`]); a [`Cache`] holds those that were fetched
//! ([`Cache::installed`]); a [`Puller`] fetches them. Nothing is fetched unless a `Puller` is asked to: running a job opens
//! files that are there, by digest, and a model that is missing or damaged is an error that says how to get it.

mod archive;
mod cache;
mod catalogue;
mod convert;
mod digest;
mod disk;
mod download;
mod environment;
mod error;
mod file;
mod kept;
mod licence;
mod lock;
mod memo;
mod mirror;
mod model;
mod packages;
mod pins;
mod plan;
mod progress;
mod pull;
mod quantise;
mod recipe;
mod role;
mod script;
mod signature;
mod source;
mod space;
mod token;
mod variant;

pub use cache::{Cache, Installed, InstalledFile};
pub use catalogue::Catalogue;
pub use digest::Sha256;
pub use error::{Mismatch, ModelError};
pub use licence::Allowed;
pub use model::{Batch, CommercialUse, Dimension, Element, Format, Model, ModelFile, Tensor};
pub use packages::Tools;
pub use pins::Pins;
pub use plan::FetchPlan;
pub use progress::{Progress, Silent};
pub use pull::Puller;
pub use quantise::Calibration;
pub use role::{ROLES, role};
pub use script::recipe_script;
pub use source::{Archive, Export, Making, Member, Package, Source, Wheel};
pub use token::Token;
pub use variant::{Difference, Variant};
