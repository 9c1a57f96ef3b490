//! Pictures of persons with captions, as sd-scripts trains LoRA with: `<repeats>_<name>/` per person, `dataset.toml`
//! (kohya-ss/sd-scripts, docs/config_README). A person's mask is the pictures' alpha. A caption that is there is the user's: it is never
//! written over.
use super::images::{Images, encoded, save};
use super::names::flat;
use super::sample::{Dataset, Sample};
use crate::exported::Written;
use crate::{ExportError, Settings};
use framefleet_masks::Rle;
use framefleet_objects::{Object, ObjectFrame};
use minijinja::{Environment, UndefinedBehavior};
use opencv::core::{self, Mat, Rect, Scalar, Vector};
use opencv::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of a folder's name that a person's name may have.
const MOST_BYTES: usize = 100;

/// The writer.
pub(super) struct Kohya<'a> {
    folder: &'a Path,
    settings: &'a Settings,
    images: Images<'a>,
    /// Folders by name, and whether all their pictures have a mask.
    folders: BTreeMap<String, bool>,
    written: Written,
}

/// `dataset.toml`.
#[derive(Serialize)]
struct Config {
    general: General,
    datasets: Vec<DatasetConfig>,
}

#[derive(Serialize)]
struct General {
    caption_extension: &'static str,
    enable_bucket: bool,
}

#[derive(Serialize)]
struct DatasetConfig {
    resolution: u32,
    subsets: Vec<Subset>,
}

#[derive(Serialize)]
struct Subset {
    image_dir: String,
    num_repeats: u32,
    alpha_mask: bool,
}

impl<'a> Kohya<'a> {
    /// Nothing is written yet; a caption's template that is none is refused.
    pub fn new(folder: &'a Path, settings: &'a Settings, images: Images<'a>) -> Result<Self, ExportError> {
        let kohya = Self { folder, settings, images, folders: BTreeMap::new(), written: Written::default() };
        environment().template_from_str(&settings.caption).map(drop).map_err(|error| kohya.wrong(&error))?;
        Ok(kohya)
    }

    fn wrong(&self, error: &minijinja::Error) -> ExportError {
        ExportError::Caption { template: self.settings.caption.clone(), reason: error.to_string() }
    }

    fn object(&mut self, sample: &Sample<'_>, object: &Object, picture: &Mat) -> Result<(), ExportError> {
        let folder = format!("{}_{}", self.settings.repeats, person_folder(object));
        let place = self.place(object, picture);
        let mut part = Mat::roi(picture, place)?.try_clone()?;
        let mask = object.run_lengths();
        if let Some(mask) = &mask {
            part = with_alpha(&part, &Mat::roi(&Rle::parse(mask)?.picture()?, place)?.try_clone()?)?;
        }
        let has_masks = self.folders.entry(folder.clone()).or_insert(true);
        *has_masks &= mask.is_some();
        let base = self.folder.join(&folder).join(format!("{}_{}{}", flat(sample.name), object.kind, object.instance));
        let (image, caption) = (with_ending(&base, ".png"), with_ending(&base, ".txt"));
        save(&image, &encoded(&part, ".png")?)?;
        self.written.files.push(image);
        self.written.objects += 1;
        self.written.handed_over.push(caption.clone());
        if caption.exists() {
            self.written.kept.push(caption);
        } else {
            save(&caption, self.caption(sample.frame, object)?.as_bytes())?;
            self.written.files.push(caption);
        }
        Ok(())
    }

    /// The part of a picture that is written.
    fn place(&self, object: &Object, picture: &Mat) -> Rect {
        let (width, height) = (picture.cols(), picture.rows());
        if !self.settings.crop {
            return Rect::new(0, 0, width, height);
        }
        let around = i32::try_from(self.settings.context).unwrap_or(i32::MAX);
        let [x0, y0, x1, y1] = object.corners;
        let (x, y) = (
            (x0 as i32).saturating_sub(around).clamp(0, width - 1),
            (y0 as i32).saturating_sub(around).clamp(0, height - 1),
        );
        let right = (x1.ceil() as i32).saturating_add(around).clamp(x + 1, width);
        let bottom = (y1.ceil() as i32).saturating_add(around).clamp(y + 1, height);
        Rect::new(x, y, right - x, bottom - y)
    }

    /// What is written about a picture: the template with the object's fields, its parts, and the frame's records by step.
    fn caption(&self, frame: &ObjectFrame<'_>, object: &Object) -> Result<String, ExportError> {
        let records: Map<String, Value> =
            frame.records.iter().map(|(step, record)| ((*step).to_owned(), record.clone().into())).collect();
        let fields = json!({
            "name": object.name, "identity": object.identity, "person": object.person(), "track": object.track,
            "label": object.label, "score": object.score, "item": frame.item.name, "frame": frame.number,
            "file": frame.file.as_ref().map(|file| file.name.clone()),
            "face": object.face, "pose": object.pose, "records": records,
        });
        let text = environment()
            .render_str(&self.settings.caption, minijinja::value::Serde(fields))
            .map_err(|error| self.wrong(&error))?;
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn config(&self) -> Config {
        let root = std::path::absolute(self.folder).unwrap_or_else(|_| self.folder.to_owned());
        let subset = |(folder, has_masks): (&String, &bool)| Subset {
            image_dir: root.join(folder).display().to_string(),
            num_repeats: self.settings.repeats,
            alpha_mask: *has_masks,
        };
        Config {
            general: General { caption_extension: ".txt", enable_bucket: true },
            datasets: vec![DatasetConfig { resolution: 1024, subsets: self.folders.iter().map(subset).collect() }],
        }
    }
}

impl Dataset for Kohya<'_> {
    fn frame(&mut self, sample: &Sample<'_>) -> Result<(), ExportError> {
        let objects: Vec<Object> = sample.chosen_objects().cloned().collect();
        if objects.is_empty() {
            return Ok(());
        }
        let picture = self.images.picture(sample.frame)?;
        objects.iter().try_for_each(|object| self.object(sample, object, &picture))
    }

    fn finish(mut self: Box<Self>) -> Result<Written, ExportError> {
        let path = self.folder.join("dataset.toml");
        let text = toml::to_string_pretty(&self.config())
            .map_err(|error| ExportError::Table { path: path.clone(), reason: error.to_string() })?;
        save(&path, text.as_bytes())?;
        self.written.files.push(path);
        Ok(self.written)
    }
}

/// What templates are made with: a field that is not there is an empty text.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment
}

/// The folder of a person: the name, as far as file systems take it.
fn person_folder(object: &Object) -> String {
    let name = object.person().unwrap_or_else(|| object.label.clone());
    let plain = |letter: char| if letter.is_control() || "/\\:*?\"<>|".contains(letter) { '_' } else { letter };
    let plain: String = name.trim().trim_matches('.').chars().map(plain).collect();
    match plain == name {
        true if plain.len() <= MOST_BYTES => plain,
        _ => {
            let digest = &blake3::hash(name.as_bytes()).to_hex()[..8];
            format!("{}-{digest}", &plain[..plain.floor_char_boundary(MOST_BYTES)])
        }
    }
}

/// A picture (RGB) with a mask as its alpha.
fn with_alpha(picture: &Mat, mask: &Mat) -> Result<Mat, ExportError> {
    let (mut channels, mut result) = (Vector::<Mat>::new(), Mat::default());
    core::split(picture, &mut channels)?;
    channels.push(match mask.size()? == picture.size()? {
        true => mask.try_clone()?,
        // A mask of another size than its picture says nothing about it.
        false => Mat::new_size_with_default(picture.size()?, core::CV_8UC1, Scalar::all(255.0))?,
    });
    core::merge(&channels, &mut result)?;
    Ok(result)
}

fn with_ending(base: &Path, ending: &str) -> std::path::PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
