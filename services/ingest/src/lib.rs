//! Ingest: opens items and makes batches of decoded frames. Built in; the runner drives it as a
//! [`SourceStage`](framefleet_stage::SourceStage), and frames are a cache: ingesting again gives the same bytes.

mod fps;
mod settings;
mod source;

pub use fps::Fps;
pub use settings::{DeinterlaceSetting, ImagesSetting, NamedStream, Settings, VideoStreamSetting};
pub use source::Ingest;

use framefleet_stage::{Description, OpenSource, SettingsError, SetupError};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Name of the stage.
pub const NAME: &str = "ingest";

/// Raised when the same source gives other pixels, times or digests. 3: mirrored films, alpha of WebM, crops of containers, files of several
/// pictures, folders that are films, times and beginnings of recordings, scan by combing that moves, other shapes between bars.
pub const VERSION: u32 = 3;

/// One line for people.
pub const ABOUT: &str = "Decodes videos, image sequences and stills into frames.";

/// What the stage says of itself, as other stages do.
pub fn describe() -> Description {
    Description {
        name: NAME.to_owned(),
        about: ABOUT.to_owned(),
        version: VERSION,
        schema: schemars::schema_for!(Settings).to_value(),
        profiles: [("balanced".to_owned(), settings::object(&Settings::default()))].into(),
        fields: Vec::new(),
    }
}

/// Settings with defaults filled in, checked key by key.
pub fn resolve(given: &Map<String, Value>) -> Result<Settings, SettingsError> {
    framefleet_stage::complete(NAME, None, given)
}

/// Opens the stage under given settings, as the runner asks for it.
pub fn opener() -> OpenSource {
    Arc::new(|given| {
        let settings = resolve(given).map_err(|error| SetupError(error.to_string()))?;
        Ok(Arc::new(Ingest::new(settings)))
    })
}
