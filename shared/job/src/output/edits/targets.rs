//! What a correction speaks of: persons by number or name, and instances as item:frame:instance. Persons become instances,
//! since numbers change when more is known.
use crate::error::JobError;
use framefleet_frames::EditTarget;
use framefleet_ledger::Ledger;
use serde::Deserialize;

/// Faces of a person that are noted beside the one that a correction speaks of.
const OTHERS: usize = 4;

/// Tracks and identities, as a step's summary has them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    identity: Vec<Identity>,
    face_track: Vec<Track>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Identity {
    number: u64,
    name: String,
    medoid: Option<EditTarget>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Track {
    item: String,
    identity: Option<u64>,
    frames: Vec<u64>,
    instances: Vec<u32>,
    best: Option<EditTarget>,
}

impl Track {
    fn has(&self, of: &EditTarget) -> bool {
        let places = || self.frames.iter().zip(&self.instances);
        self.item == of.item && places().any(|(frame, instance)| (*frame, *instance) == (of.frame, of.instance))
    }
}

impl Known {
    /// Reads the summary of a step.
    pub(super) async fn read(ledger: &Ledger, step: &str) -> Result<Self, JobError> {
        let file = format!("summary/{step}.json");
        let bytes = ledger.read_file(&file).await?;
        let bytes = bytes.ok_or_else(|| JobError::Request(format!("the output has no {file}: run its job first")))?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// An instance for a person's number, a name, or an instance.
    pub(super) fn target(&self, text: &str) -> Result<EditTarget, JobError> {
        let number = text.strip_prefix('#').unwrap_or(text).parse::<u64>().ok();
        let found = match number {
            Some(number) => self.identity.iter().find(|identity| identity.number == number),
            None => self.identity.iter().find(|identity| !identity.name.is_empty() && identity.name == text),
        };
        match found {
            Some(identity) => identity
                .medoid
                .clone()
                .map(|face| EditTarget { others: self.others(identity.number, &face), ..face })
                .ok_or_else(|| JobError::Request(format!("identity {text} has no face that it could be named by"))),
            None if text.contains(':') => self.instance(text),
            None => Err(JobError::Request(format!(
                "there is no identity \"{text}\": give a number of 0–{}, a name, or a face as item:frame:instance",
                self.identity.len().saturating_sub(1)
            ))),
        }
    }

    /// The best faces of other tracks of a person.
    fn others(&self, person: u64, face: &EditTarget) -> Vec<EditTarget> {
        let of_person = self.face_track.iter().filter(|track| track.identity == Some(person) && !track.has(face));
        of_person.filter_map(|track| track.best.clone()).take(OTHERS).collect()
    }

    /// An instance that is there.
    pub(super) fn instance(&self, text: &str) -> Result<EditTarget, JobError> {
        let found = parse(text)?;
        match self.track(&found) {
            Some(_) => Ok(found),
            None => Err(JobError::Request(format!(
                "there is no face {} on frame {} of {}",
                found.instance, found.frame, found.item
            ))),
        }
    }

    /// The name of the person that an instance is.
    pub(super) fn name_of(&self, of: &EditTarget) -> Option<String> {
        let number = self.track(of)?.identity?;
        let identity = self.identity.iter().find(|identity| identity.number == number)?;
        Some(identity.name.clone()).filter(|name| !name.is_empty())
    }

    /// An instance of the person that all of `targets` are, on another track than theirs: what they are not, once split off.
    pub(super) fn rest_of(&self, targets: &[EditTarget]) -> Result<EditTarget, JobError> {
        let mut persons: Vec<Option<u64>> =
            targets.iter().map(|target| self.track(target).and_then(|track| track.identity)).collect();
        persons.dedup();
        let [Some(person)] = persons[..] else {
            return Err(JobError::Request(
                "the faces are not of one identity: split them off one identity at a time".to_owned(),
            ));
        };
        let of_person = |track: &&Track| track.identity == Some(person);
        let rest = |track: &&Track| !targets.iter().any(|target| track.has(target));
        let medoid = self.identity.iter().find(|one| one.number == person).and_then(|one| one.medoid.clone());
        let medoid = medoid.filter(|face| self.track(face).is_some_and(|track| rest(&track)));
        let other = || self.face_track.iter().filter(of_person).find(rest).and_then(|track| track.best.clone());
        medoid.or_else(other).ok_or_else(|| {
            JobError::Request(format!(
                "nothing of identity {person} is left without the tracks of these faces: use `drop`"
            ))
        })
    }

    fn track(&self, of: &EditTarget) -> Option<&Track> {
        self.face_track.iter().find(|track| track.has(of))
    }
}

/// The place that `item:frame:instance` names.
pub(super) fn parse(text: &str) -> Result<EditTarget, JobError> {
    let mut parts = text.rsplitn(3, ':');
    let parsed = (parts.next(), parts.next(), parts.next());
    let (Some(instance), Some(frame), Some(item)) = parsed else { return Err(malformed(text)) };
    let (Ok(instance), Ok(frame)) = (instance.parse(), frame.parse()) else { return Err(malformed(text)) };
    Ok(EditTarget { item: item.to_owned(), frame, instance, ..EditTarget::default() })
}

fn malformed(text: &str) -> JobError {
    JobError::Request(format!(
        "\"{text}\" is no face or other instance: write item:frame:instance, like film.mp4:120:0"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let summary = serde_json::json!({
            "identity": [
                {"number": 0, "name": "", "medoid": {"item": "a:b.mp4", "frame": 4, "instance": 1}},
                {"number": 1, "name": "Anna", "medoid": {"item": "c.mp4", "frame": 9, "instance": 0}},
            ],
            "face_track": [
                {"item": "a:b.mp4", "identity": 0, "frames": [3, 4], "instances": [0, 1],
                 "best": {"item": "a:b.mp4", "frame": 3, "instance": 0}},
                {"item": "a:b.mp4", "identity": 0, "frames": [8], "instances": [0],
                 "best": {"item": "a:b.mp4", "frame": 8, "instance": 0}},
                {"item": "c.mp4", "identity": 1, "frames": [9], "instances": [0],
                 "best": {"item": "c.mp4", "frame": 9, "instance": 0}},
            ],
        });
        serde_json::from_value(summary).unwrap()
    }

    fn place(of: &EditTarget) -> (&str, u64, u32) {
        (&of.item, of.frame, of.instance)
    }

    #[test]
    fn numbers_names_and_instances_are_found_and_others_refused() {
        let known = known();
        assert_eq!(place(&known.target("0").unwrap()), ("a:b.mp4", 4, 1));
        assert_eq!(place(&known.target("Anna").unwrap()), ("c.mp4", 9, 0));
        assert_eq!(place(&known.target("a:b.mp4:3:0").unwrap()), ("a:b.mp4", 3, 0));
        assert_eq!(known.name_of(&known.target("#1").unwrap()).as_deref(), Some("Anna"));
        for (text, says) in
            [("7", "0–1"), ("Bob", "\"Bob\""), ("a:b.mp4:3:1", "no face 1 on frame 3"), ("a:x:0", "item:frame")]
        {
            let message = known.target(text).unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
        }
    }

    #[test]
    fn a_split_says_what_the_faces_are_not() {
        let known = known();
        let at = |text: &str| known.instance(text).unwrap();
        assert_eq!(place(&known.rest_of(&[at("a:b.mp4:8:0")]).unwrap()), ("a:b.mp4", 4, 1));
        assert_eq!(place(&known.rest_of(&[at("a:b.mp4:3:0")]).unwrap()), ("a:b.mp4", 8, 0), "the medoid is split off");
        assert!(known.rest_of(&[at("c.mp4:9:0")]).unwrap_err().to_string().contains("nothing of identity 1"));
        assert!(known.rest_of(&[at("c.mp4:9:0"), at("a:b.mp4:8:0")]).unwrap_err().to_string().contains("not of one"));
    }
}
