//! What the stage is given: images, or an eye of them, and the persons that other steps found.

pub(crate) mod persons;
pub(crate) mod view;
