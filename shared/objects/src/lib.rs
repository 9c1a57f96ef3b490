//! The persons and things of an output, frame by frame: the rows of its steps read side by side, a row as a record shows it, and what
//! several steps found of one subject joined into one object. coco.json, selections and exports are made of these.

mod error;
mod keypoints;
mod lockstep;
mod object;
mod objects;
mod record;
mod shots;
mod sources;

pub use error::ObjectsError;
pub use keypoints::Keypoint;
pub use lockstep::{Lockstep, LockstepFrame};
pub use object::Object;
pub use objects::{ObjectFrame, Objects};
pub use record::record;
pub use shots::Shots;
pub use sources::PART_KINDS;
