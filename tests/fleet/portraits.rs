//! A stage that sees who is on a photograph by its colour, and knows persons as face-clustering does.
use framefleet_frames::annotation::Value;
use framefleet_frames::{
    Annotation, EditTarget, Face, FaceTrack, FrameRange, Identity, InstanceRef, Kind, Rendition, ScopedAnnotation,
};
use framefleet_stage::{Batch, HalfNeeds, Host, Job, Needs, Outputs, Records, Settings, SetupError, Stage, StageError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write as _;

/// Where what is seen is noted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PortraitSettings {
    /// A file to which every photograph that is seen adds a line: "person:photograph".
    pub log: String,
}

impl Settings for PortraitSettings {}

/// Makes `face` of the person that a photograph shows, and `identity` of each; the names are the user's.
pub struct Portraits(PortraitSettings);

/// The person of a photograph (0: nobody) and its number, in the colour of its middle.
fn seen(batch: &Batch, number: u64) -> Option<(u8, u16)> {
    let image = &batch.frame(Rendition::Proxy, number)?.image;
    let middle = 3 * (image.width() * (image.height() / 2) + image.width() / 2) as usize;
    let [person, high, low] = *image.data().get(middle..middle + 3)? else { return None };
    Some((person, u16::from_be_bytes([high, low])))
}

impl Stage for Portraits {
    const NAME: &'static str = "portraits";
    const ABOUT: &'static str = "who is on a photograph, by its colour";
    const VERSION: u32 = 1;
    type Settings = PortraitSettings;

    fn needs(_: &PortraitSettings) -> Needs {
        Needs {
            process: HalfNeeds { makes: vec![Kind::new("face")], ..HalfNeeds::default() },
            finish: HalfNeeds { makes: vec![Kind::new("face_track"), Kind::new("identity")], ..HalfNeeds::default() },
            edits: &["name"],
            ..Needs::default()
        }
    }

    fn load(_: &Host, settings: &PortraitSettings) -> Result<Self, SetupError> {
        Ok(Self(settings.clone()))
    }

    fn process(&self, _: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        for &number in batch.frames() {
            let Some((person, photograph)) = seen(batch, number) else {
                out.fail(number, "no-proxy", "the photograph is not there");
                continue;
            };
            let line = format!("{person}:{photograph}\n");
            let mut log = File::options().create(true).append(true).open(&self.0.log).map_err(StageError::retry)?;
            log.write_all(line.as_bytes()).map_err(StageError::retry)?;
            out.frame_artifact(number, "*.txt")
                .and_then(|file| file.write_all(line.as_bytes()))
                .map_err(StageError::retry)?;
            if person > 0 {
                // Everybody stands somewhere else.
                let left = f32::from(person);
                let face = Face {
                    r#box: vec![left, 2.0, left + 4.0, 9.0],
                    score: 1.0,
                    embedding: vec![left],
                    ..Face::default()
                };
                out.annotate(number, Annotation { instance: 0, value: Some(Value::Face(face)) });
            }
        }
        Ok(())
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        let mut faces: BTreeMap<u8, Vec<InstanceRef>> = BTreeMap::new();
        let mut persons: HashMap<(String, u64), u8> = HashMap::new();
        for record in records.read() {
            let record = record.map_err(StageError::retry)?;
            for made in &record.annotations {
                let Some(Value::Face(face)) = &made.value else { continue };
                let person = face.embedding[0] as u8;
                persons.insert((record.item.clone(), record.frame), person);
                let (item, frame) = (record.item.clone(), record.frame);
                let at = InstanceRef { item, frame, instance: made.instance };
                faces.entry(person).or_default().push(at);
            }
        }
        let mut names: HashMap<u8, &str> = HashMap::new();
        for edit in &job.edits {
            let of = |target: &EditTarget| persons.get(&(target.item.clone(), target.frame)).copied();
            edit.targets.iter().filter_map(of).for_each(|person| {
                names.insert(person, &edit.name);
            });
        }
        let scoped = |item: &str, range, value| ScopedAnnotation {
            item: item.to_owned(),
            range,
            annotation: Some(Annotation { instance: 0, value: Some(value) }),
        };
        for (number, (person, faces)) in (0..).zip(faces) {
            for face in &faces {
                let range = Some(FrameRange { start: face.frame, end: face.frame + 1 });
                let track = FaceTrack {
                    identity: Some(number),
                    frames: vec![face.frame],
                    instances: vec![face.instance],
                    best: Some(face.clone()),
                    ..FaceTrack::default()
                };
                out.annotate_scope(scoped(&face.item, range, Value::FaceTrack(track)));
            }
            let identity = Identity {
                number,
                name: names.get(&person).map(|name| (*name).to_owned()).unwrap_or_default(),
                faces: faces.len() as u64,
                medoid: faces.first().cloned(),
                ..Identity::default()
            };
            out.annotate_scope(scoped("", None, Value::Identity(identity)));
        }
        Ok(())
    }
}
