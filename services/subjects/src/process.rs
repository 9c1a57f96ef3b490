//! The process half: which parts of a frame are of one person.
pub(crate) mod agreement;
pub(crate) mod parts;
use crate::SubjectsSettings;
use agreement::{face_and_mask, face_and_pose, mask_and_pose};
use framefleet_frames::annotation::Value;
use framefleet_frames::{Annotation, Subject};
use framefleet_stage::{Batch, Outputs, StageError};
use framefleet_vision::assignment::assign;
use framefleet_vision::boxes::BBox;
use parts::Parts;

/// What the masks and faces of persons are called.
pub(crate) const PERSON: &str = "person";

/// The parts of one person: places in the lists of a frame's parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The pose.
    pub pose: Option<usize>,
    /// The mask.
    pub mask: Option<usize>,
    /// The face.
    pub face: Option<usize>,
}

/// Writes the subjects of every frame of a batch.
pub fn process(batch: &Batch, settings: &SubjectsSettings, out: &mut Outputs) -> Result<(), StageError> {
    for &number in batch.frames() {
        let parts = Parts::of(batch, number)?;
        let size = batch.frame_size(number);
        let groups = groups(&parts, settings.agreement as f32);
        let subjects = groups.iter().filter_map(|group| subject(&parts, group, size));
        for (instance, subject) in (0..).zip(subjects) {
            out.annotate(number, Annotation { instance, value: Some(Value::Subject(subject)) });
        }
    }
    Ok(())
}

/// The persons and objects of a frame: those with a pose, then other masks, then other faces, each in the order of their instances.
pub fn groups(parts: &Parts, agreement: f32) -> Vec<Group> {
    let mut groups: Vec<Group> =
        (0..parts.poses.len()).map(|pose| Group { pose: Some(pose), ..Group::default() }).collect();
    add_masks(&mut groups, parts, agreement);
    add_faces(&mut groups, parts, agreement);
    groups
}

fn add_masks(groups: &mut Vec<Group>, parts: &Parts, agreement: f32) {
    let mut free: Vec<usize> = Vec::new();
    for (at, mask) in parts.masks.iter().enumerate() {
        // Of several masks that were made for one pose (of both eyes, say) the first, which is the largest, is its own.
        let of_pose = parts.poses.iter().position(|pose| mask.pose == Some(pose.instance));
        match of_pose.and_then(|pose| groups.get_mut(pose)).filter(|group| group.mask.is_none()) {
            Some(group) => group.mask = Some(at),
            None => free.push(at),
        }
    }
    let (persons, mut others): (Vec<usize>, Vec<usize>) =
        free.into_iter().partition(|at| parts.masks[*at].may_be_person());
    let bare: Vec<usize> = (0..groups.len()).filter(|at| groups[*at].mask.is_none()).collect();
    let affinity = |row: usize, column: usize| match groups[bare[row]].pose {
        Some(pose) => mask_and_pose(&parts.masks[persons[column]], &parts.poses[pose]),
        None => 0.0,
    };
    let pairs = assign(bare.len(), persons.len(), agreement, affinity);
    others.extend((0..persons.len()).filter(|at| !pairs.iter().any(|(_, mask)| mask == at)).map(|at| persons[at]));
    for (row, column) in pairs {
        groups[bare[row]].mask = Some(persons[column]);
    }
    others.sort_unstable();
    groups.extend(others.into_iter().map(|mask| Group { mask: Some(mask), ..Group::default() }));
}

fn add_faces(groups: &mut Vec<Group>, parts: &Parts, agreement: f32) {
    let affinity = |row: usize, face: usize| {
        let (group, face) = (groups[row], &parts.faces[face]);
        let by_pose = group.pose.and_then(|pose| face_and_pose(face, &parts.poses[pose]));
        let mask = group.mask.map(|mask| &parts.masks[mask]).filter(|mask| mask.may_be_person());
        by_pose.or_else(|| mask.map(|mask| face_and_mask(face, mask))).unwrap_or_default()
    };
    let pairs = assign(groups.len(), parts.faces.len(), agreement, affinity);
    let others = (0..parts.faces.len()).filter(|at| !pairs.iter().any(|(_, face)| face == at));
    let others: Vec<Group> = others.map(|face| Group { face: Some(face), ..Group::default() }).collect();
    for (row, face) in pairs {
        groups[row].face = Some(face);
    }
    groups.extend(others);
}

/// What is published of a group; `None` for one without a box inside the picture.
fn subject(parts: &Parts, group: &Group, (width, height): (u32, u32)) -> Option<Subject> {
    let mask = group.mask.map(|at| &parts.masks[at]);
    let pose = group.pose.map(|at| &parts.poses[at]);
    let face = group.face.map(|at| &parts.faces[at]);
    let (bounds, score) = mask
        .map(|mask| (mask.bounds, mask.score))
        .or_else(|| pose.map(|pose| (pose.bounds, pose.score)))
        .or_else(|| face.map(|face| (face.bounds, face.score)))?;
    let is_person = pose.is_some() || face.is_some();
    Some(Subject {
        r#box: inside(bounds, width as f32, height as f32)?.to_vec(),
        score,
        label: if is_person { PERSON.to_owned() } else { mask.map(|mask| mask.label.clone()).unwrap_or_default() },
        eye: mask.map(|mask| mask.eye.clone()).unwrap_or_default(),
        face: face.map(|face| face.instance),
        pose: pose.map(|pose| pose.instance),
        mask: mask.map(|mask| mask.instance),
        ..Subject::default()
    })
}

/// The part of a box that lies in the picture, if any does.
fn inside([x0, y0, x1, y1]: BBox, width: f32, height: f32) -> Option<BBox> {
    let cut = [x0.clamp(0.0, width), y0.clamp(0.0, height), x1.clamp(0.0, width), y1.clamp(0.0, height)];
    (cut[2] > cut[0] && cut[3] > cut[1]).then_some(cut)
}
