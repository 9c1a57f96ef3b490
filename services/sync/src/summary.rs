//! `summary/sync.json`: statistics of the step.
use crate::speakers::utterances::Utterance;
use framefleet_frames::{AvOffset, SyncState};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Faces that an item's statistics list, those that speak most first.
const MAX_FACES: usize = 100;

/// The statistics.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Items by state of their offset.
    states: BTreeMap<String, u64>,
    /// Seconds of images, of speech, and of speech of which nobody in the image is the speaker.
    video_seconds: f64,
    speech_seconds: f64,
    off_screen_seconds: f64,
    items: Vec<ItemSummary>,
    /// What is to be said of items, beside their numbers.
    notes: Vec<Note>,
}

/// Something that is to be said of an item.
#[derive(Clone, Debug, Serialize)]
struct Note {
    item: String,
    note: String,
}

/// One item.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ItemSummary {
    /// Its name.
    pub item: String,
    /// As the offset's `state` in the results.
    pub state: String,
    /// See [`AvOffset`]; absent unless measured.
    pub offset_ms: Option<f32>,
    /// Likewise.
    pub offset_frames: Option<f32>,
    /// Likewise.
    pub confidence: Option<f32>,
    /// Likewise.
    pub drift_ppm: Option<f32>,
    /// Length of the images.
    pub video_seconds: f64,
    /// Seconds with speech.
    pub speech_seconds: f64,
    /// Those of which nobody in the image is the speaker.
    pub off_screen_seconds: f64,
    /// Where there are several sound tracks: the number of the one that was heard, from 0, and why.
    pub sound_track: Option<u32>,
    /// Likewise.
    pub sound_track_reason: String,
    /// Faces, those that speak most first.
    pub faces: Vec<FaceSummary>,
    /// What is to be said where the whole job is spoken of.
    #[serde(skip)]
    pub note: Option<String>,
}

/// One face.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FaceSummary {
    /// Number of its track.
    pub track: u32,
    /// Seconds in which its mouth was seen.
    pub visible_seconds: f64,
    /// Seconds in which it speaks.
    pub speaking_seconds: f64,
    /// The latter ÷ the former, 0–1.
    pub speaking_share: f64,
    /// Who it is, for most of the time, by the diarisation; empty without one.
    pub speaker: String,
    /// Mean correlation of its mouth with the audio while it speaks.
    pub correlation: Option<f64>,
    #[serde(skip)]
    by_speaker: BTreeMap<String, f64>,
    #[serde(skip)]
    weighted: f64,
}

impl Summary {
    /// Adds an item.
    pub fn add(&mut self, mut item: ItemSummary) {
        *self.states.entry(item.state.clone()).or_default() += 1;
        self.video_seconds += item.video_seconds;
        self.speech_seconds += item.speech_seconds;
        self.off_screen_seconds += item.off_screen_seconds;
        item.faces.sort_by(|a, b| b.speaking_seconds.total_cmp(&a.speaking_seconds).then(a.track.cmp(&b.track)));
        item.faces.truncate(MAX_FACES);
        self.notes.extend(item.note.take().map(|note| Note { item: item.item.clone(), note }));
        self.items.push(item);
    }

    /// As an object.
    pub fn statistics(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(object)) => object,
            _ => Map::new(),
        }
    }
}

impl ItemSummary {
    /// Takes over the offset.
    pub fn set_offset(&mut self, offset: &AvOffset) {
        self.state = state_name(offset.state());
        self.offset_ms = offset.offset_ms;
        self.offset_frames = offset.offset_frames;
        self.confidence = offset.confidence;
        self.drift_ppm = offset.drift_ppm;
        self.speech_seconds = f64::from(offset.speech_seconds);
        self.sound_track = offset.sound_track;
        self.sound_track_reason.clone_from(&offset.sound_track_reason);
    }
}

impl FaceSummary {
    /// A face that was not seen yet.
    pub fn new(track: u32) -> Self {
        Self { track, ..Self::default() }
    }

    /// Adds a track of the face.
    pub fn add<'u>(&mut self, visible: f64, speaking: f64, utterances: impl Iterator<Item = &'u Utterance>) {
        self.visible_seconds += visible;
        self.speaking_seconds += speaking;
        for utterance in utterances {
            let seconds = (utterance.range_ns.end - utterance.range_ns.start) as f64 / 1e9;
            self.weighted += seconds * utterance.correlation.unwrap_or_default();
            *self.by_speaker.entry(utterance.speaker.clone()).or_default() += seconds;
        }
        self.speaking_share = (self.speaking_seconds / self.visible_seconds.max(1e-9)).min(1.0);
        self.correlation = (self.speaking_seconds > 0.0).then(|| self.weighted / self.speaking_seconds);
        let max = self.by_speaker.iter().max_by(|a, b| a.1.total_cmp(b.1));
        self.speaker = max.map(|(name, _)| name.clone()).unwrap_or_default();
    }
}

/// Name of a state, as results have it.
pub fn state_name(state: SyncState) -> String {
    state.as_str_name().trim_start_matches("SYNC_STATE_").to_lowercase()
}
