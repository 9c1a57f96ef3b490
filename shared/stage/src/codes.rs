//! Codes of failed frames: one for one meaning, whichever stage says it. A stage adds its own only where the cause is its own
//! ("all-hole"). What fails before a stage is asked has the runner's: "decode", "bad-input", "crash".

/// The frame was not delivered: nobody decoded or made it.
pub const ABSENT: &str = "absent";
/// The frame's image cannot be worked on: it has no pixels, too many, or a format that the stage does not take, or a library refuses it.
pub const BAD_IMAGE: &str = "bad-image";
/// What another step says of the frame cannot be used: a mask that is none.
pub const BAD_ANNOTATION: &str = "bad-annotation";
/// The input cannot be processed: of an item, in finish.
pub const BAD_INPUT: &str = "bad-input";
/// The item's sound could not be taken along.
pub const SOUND: &str = "sound";
