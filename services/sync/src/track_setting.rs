//! The setting that names a sound track.
use framefleet_frames::{Item, SoundTrack};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A choice among the sound tracks of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "track must be \"auto\", a number from 0 or a language tag like \"eng\"")]
pub enum TrackSetting {
    /// By its number.
    Number(u32),
    /// "auto", or a language tag.
    Word(String),
}

impl Default for TrackSetting {
    fn default() -> Self {
        Self::Word("auto".to_owned())
    }
}

impl TrackSetting {
    /// Whether the track is found out by listening.
    fn is_auto(&self) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case("auto"))
    }

    /// Whether it goes by what the file says of its tracks' languages.
    pub(crate) fn is_language(&self) -> bool {
        matches!(self, Self::Word(_)) && !self.is_auto()
    }

    /// The number of the track in an item; `None` where it is found out by listening, and for items without sound.
    ///
    /// # Errors
    /// The item has no such track: those it has are named.
    pub(crate) fn find(&self, item: &Item) -> Result<Option<u32>, String> {
        if self.is_auto() || !item.has_audio {
            return Ok(None);
        }
        let (found, wanted) = match self {
            Self::Number(number) => ((*number < count(item)).then_some(*number), number.to_string()),
            Self::Word(language) => {
                let speaks = |track: &SoundTrack| track.language.eq_ignore_ascii_case(language);
                (
                    (0..).zip(&item.sound_tracks).find(|(_, track)| speaks(track)).map(|(n, _)| n),
                    format!("\"{language}\""),
                )
            }
        };
        let known = || (0..).zip(&item.sound_tracks).map(|(n, of)| describe(n, of)).collect::<Vec<_>>().join(", ");
        found.map(Some).ok_or_else(|| format!("track: {} has no sound track {wanted}; it has: {}", item.name, known()))
    }
}

/// How many tracks an item has; at least the one that is not listed.
pub fn count(item: &Item) -> u32 {
    (item.sound_tracks.len() as u32).max(1)
}

/// A track for people: `1 (aac, eng, "Commentary")`.
pub(crate) fn describe(number: u32, track: &SoundTrack) -> String {
    let title = if track.title.is_empty() { String::new() } else { format!("\"{}\"", track.title) };
    let words = [track.codec.clone(), track.language.clone(), title];
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    format!("{number} ({})", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(tracks: &[(&str, &str)]) -> Item {
        let track = |(language, title): &(&str, &str)| SoundTrack {
            codec: "aac".to_owned(),
            language: (*language).to_owned(),
            title: (*title).to_owned(),
            is_default: false,
        };
        let sound_tracks: Vec<SoundTrack> = tracks.iter().map(track).collect();
        Item { name: "a.mp4".to_owned(), has_audio: !tracks.is_empty(), sound_tracks, ..Item::default() }
    }

    #[test]
    fn a_track_is_found_by_number_and_language_or_those_there_are_are_named() {
        let two = item(&[("eng", ""), ("deu", "Ton")]);
        let find = |setting: TrackSetting| setting.find(&two);
        let word = |word: &str| TrackSetting::Word(word.to_owned());
        assert_eq!(find(TrackSetting::default()), Ok(None));
        assert_eq!(find(TrackSetting::Number(1)), Ok(Some(1)));
        assert_eq!(find(word("DEU")), Ok(Some(1)));
        let known = "it has: 0 (aac, eng), 1 (aac, deu, \"Ton\")";
        assert_eq!(find(TrackSetting::Number(2)), Err(format!("track: a.mp4 has no sound track 2; {known}")));
        assert_eq!(find(word("fra")), Err(format!("track: a.mp4 has no sound track \"fra\"; {known}")));
        assert_eq!(TrackSetting::Number(7).find(&item(&[])), Ok(None), "a silent film lacks no track");
    }
}
