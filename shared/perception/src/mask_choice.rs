//! Which of the masks that there are a stage works on: by what they are, by tracks, by subjects, by who it is.
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, FrameRange, Kind, Mask, SubjectTrack, frame::contains};
use framefleet_stage::{Batch, Job};
use std::collections::BTreeSet;

/// Code of frames that failed because an identity that was asked for is none of the job's.
pub const UNKNOWN_IDENTITY: &str = "unknown-identity";

/// What a user asks for; an empty list asks for nothing, and masks are of all when all but `labels` are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct MaskChoice<'a> {
    /// What masks are called; empty: anything.
    pub labels: &'a [String],
    /// Numbers of mask tracks, within each item.
    pub tracks: &'a [u32],
    /// Numbers of subjects, within each item.
    pub subjects: &'a [u32],
    /// Names or numbers of identities, over all items.
    pub identities: &'a [String],
}

/// The masks that were chosen in the window of a batch.
#[derive(Clone, Debug, Default)]
pub struct ChosenMasks {
    labels: Vec<String>,
    /// (frame, instance); `None`: all.
    instances: Option<BTreeSet<(u64, u32)>>,
}

/// An identity that was asked for is none of the job's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "identities: \"{asked}\" is no identity of this job; it has {known}. Name one by `framefleet edit OUT name`, or give its number"
)]
pub struct UnknownIdentity {
    /// The name or number.
    pub asked: String,
    /// Those there are.
    pub known: String,
}

impl MaskChoice<'_> {
    /// Kinds over all frames that it takes to choose: process has to require them. They cost a second pass over the footage.
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        if !self.tracks.is_empty() {
            kinds.push("mask_track");
        }
        if !self.subjects.is_empty() || !self.identities.is_empty() {
            kinds.push("subject_track");
        }
        if !self.identities.is_empty() {
            kinds.push("identity");
        }
        kinds.into_iter().map(Kind::new).collect()
    }

    /// The masks of a batch that are chosen.
    ///
    /// # Errors
    /// An identity that the job does not have: a misspelt name must not choose nobody.
    pub fn of(&self, job: &Job, batch: &Batch) -> Result<ChosenMasks, UnknownIdentity> {
        self.check_identities(job)?;
        let labels = self.labels.to_vec();
        if self.kinds().is_empty() {
            return Ok(ChosenMasks { labels, instances: None });
        }
        let item = &batch.item().name;
        let values = job.scoped.iter().filter(|scoped| scoped.item == *item);
        let values = values.filter_map(|scoped| scoped.annotation.as_ref()?.value.as_ref());
        let mut instances = BTreeSet::new();
        for value in values {
            match value {
                Value::MaskTrack(track) if self.tracks.contains(&track.track) => {
                    instances.extend(inside(&track.frame, &track.instance, batch.window()));
                }
                Value::SubjectTrack(track) if self.has(track) => {
                    instances.extend(inside(&track.mask_frames, &track.masks, batch.window()));
                }
                _ => {}
            }
        }
        Ok(ChosenMasks { labels, instances: Some(instances) })
    }

    fn has(&self, track: &SubjectTrack) -> bool {
        let is_asked = |asked: &String| names(asked, &track.name, track.identity);
        self.subjects.contains(&track.subject) || self.identities.iter().any(is_asked)
    }

    fn check_identities(&self, job: &Job) -> Result<(), UnknownIdentity> {
        let all = || {
            job.scoped.iter().filter_map(|scoped| match scoped.annotation.as_ref()?.value.as_ref()? {
                Value::Identity(identity) => Some(identity),
                _ => None,
            })
        };
        let is_known = |asked: &&String| all().any(|one| names(asked, &one.name, Some(one.number)));
        match self.identities.iter().find(|asked| !is_known(asked)) {
            None => Ok(()),
            Some(asked) => {
                let known = all().map(|one| match one.name.as_str() {
                    "" => one.number.to_string(),
                    name => format!("{name} ({})", one.number),
                });
                let known: Vec<String> = known.collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(UnknownIdentity { asked: asked.clone(), known })
            }
        }
    }
}

/// Whether what was asked for is this identity.
fn names(asked: &str, name: &str, number: Option<u32>) -> bool {
    !name.is_empty() && asked == name || number.is_some_and(|number| asked == number.to_string())
}

fn inside<'a>(
    frames: &'a [u64],
    instances: &'a [u32],
    window: &'a FrameRange,
) -> impl Iterator<Item = (u64, u32)> + 'a {
    let pairs = frames.iter().zip(instances).map(|(frame, instance)| (*frame, *instance));
    pairs.filter(|(frame, _)| contains(window, *frame))
}

impl ChosenMasks {
    /// The chosen masks of a frame.
    pub fn of_frame<'a>(&'a self, batch: &'a Batch, number: u64, kind: &'a Kind) -> impl Iterator<Item = &'a Mask> {
        let chosen = move |annotation: &&Annotation| {
            self.instances.as_ref().is_none_or(|instances| instances.contains(&(number, annotation.instance)))
        };
        let mask = |annotation: &'a Annotation| match &annotation.value {
            Some(Value::Mask(mask)) => Some(mask),
            _ => None,
        };
        let labelled = |mask: &&Mask| self.labels.is_empty() || self.labels.contains(&mask.label);
        batch.annotations(number, kind).filter(chosen).filter_map(mask).filter(labelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_frames::{Identity, Item, ScopedAnnotation};
    use framefleet_testkit_stage::{job, on_range};
    use std::path::Path;

    /// Subject 0 is Ada's (identity 4), subject 1 nobody's; masks are (frame, instance).
    fn given() -> Job {
        let subject = |subject, identity, name: &str, masks: &[(u64, u32)]| {
            let track = SubjectTrack {
                subject,
                identity,
                name: name.to_owned(),
                mask_frames: masks.iter().map(|(frame, _)| *frame).collect(),
                masks: masks.iter().map(|(_, instance)| *instance).collect(),
                ..SubjectTrack::default()
            };
            on_range("clip.mp4", 0..9, subject, Value::SubjectTrack(track))
        };
        let ada = Identity { number: 4, name: "Ada".to_owned(), ..Identity::default() };
        let ada = Annotation { instance: 0, value: Some(Value::Identity(ada)) };
        let mut job = job("inpainting", Vec::new(), Path::new("."));
        job.scoped = vec![
            ScopedAnnotation { annotation: Some(ada), ..ScopedAnnotation::default() },
            subject(0, Some(4), "Ada", &[(0, 1), (3, 0), (8, 1)]),
            subject(1, None, "", &[(3, 1)]),
        ];
        job
    }

    fn chosen(choice: MaskChoice<'_>) -> Result<Option<BTreeSet<(u64, u32)>>, UnknownIdentity> {
        let item = Item { name: "clip.mp4".to_owned(), ..Item::default() };
        let window = FrameRange { start: 0, end: 5 };
        let batch = Batch::new(item, window, window, Vec::new(), Vec::new());
        choice.of(&given(), &batch).map(|masks| masks.instances)
    }

    #[test]
    fn persons_are_chosen_by_subject_name_and_number() {
        let ada = BTreeSet::from([(0, 1), (3, 0)]);
        let (name, number) = (["Ada".to_owned()], ["4".to_owned()]);
        assert_eq!(chosen(MaskChoice { subjects: &[0], ..MaskChoice::default() }).unwrap(), Some(ada.clone()));
        assert_eq!(chosen(MaskChoice { identities: &name, ..MaskChoice::default() }).unwrap(), Some(ada.clone()));
        assert_eq!(chosen(MaskChoice { identities: &number, ..MaskChoice::default() }).unwrap(), Some(ada));
        let both = MaskChoice { identities: &name, subjects: &[1], ..MaskChoice::default() };
        assert_eq!(chosen(both).unwrap().unwrap().len(), 3);
        assert_eq!(chosen(MaskChoice::default()).unwrap(), None);
        assert_eq!(chosen(MaskChoice { subjects: &[7], ..MaskChoice::default() }).unwrap(), Some(BTreeSet::new()));
    }

    #[test]
    fn a_name_that_nobody_has_is_refused() {
        let name = ["Adda".to_owned()];
        let error = chosen(MaskChoice { identities: &name, ..MaskChoice::default() }).unwrap_err();
        assert!(error.to_string().contains("\"Adda\" is no identity of this job; it has Ada (4)"), "{error}");
    }
}
