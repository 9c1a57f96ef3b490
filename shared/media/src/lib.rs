//! Frames, batches, annotations and their wire forms; decoding, encoding and audio by FFmpeg.
//!
//! Coordinates are pixels of the full frame as displayed: rotation applied, pixels square, y down, boxes xyxy.

mod alpha;
pub mod annotation;
pub mod audio;
mod convert;
mod cursor;
pub mod decode;
pub mod deinterlace;
mod demux;
pub mod encode;
pub mod frame;
mod hdr;
mod images;
pub mod index;
pub mod item;
pub mod limits;
mod log;
mod matrix;
pub mod probe;
mod read_error;
pub mod scan;
pub mod skeleton;
mod still;
mod timeline;

pub use annotation::{Kind, Outcome};
pub use decode::Decoders;
pub use deinterlace::Deinterlace;
pub use frame::{Frame, Image, ImageError, proxy_size};
pub use framefleet_proto::v1::{
    Action, ActionLabel, CameraLabel, Compass, FrameChange, MotionCamera, MotionObjects, MotionTrace, MotionTraceFrame,
    MotionType, Transition,
};
pub use framefleet_proto::v1::{
    Amendment, Annotation, AnnotationBlock, BatchInfo, Colour, Content, Extension, FrameAnnotations, FrameFailure,
    FrameRange, FrameSkip, ImageFile, Item, ItemKind, Lighting, Motion, Outcomes, PixelFormat, Rational, Rendition,
    ScopedAnnotation, Shot, Trajectory,
};
pub use framefleet_proto::v1::{
    AvOffset, Edit, Face, FaceCrop, FaceCrops, FaceQuality, FaceTrack, Fill, FillReference, FillRest, Identity,
    InstanceRef, LipDistance, LipDistances, Mask, MaskTrack, Mouth, PersonTrack, Pose, PoseGeometry, PoseType,
    PoseView, RunLengths, SequenceType, SoundOverview, Speaking, SyncState, TrackEnd,
};
pub use framefleet_proto::v1::{
    Illuminant, KeyLevel, LightDirection, LightSource, LightingSetup, Look, ShadowEdge, Shadows, TemperatureLabel,
    TintLabel,
};
pub use probe::{ImageFolders, Probed, probe};
pub use read_error::ReadError;
