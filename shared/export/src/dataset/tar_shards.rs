//! WebDataset: `shard-000000.tar` … with a picture, what is in it as JSON, and its masks as PNG (0: nothing, n: the n-th object) under one key.
//! `shards.json` says of what each shard was made: one that is as it should be is not written again.
use super::images::{Images, encoded, save};
use super::names::key;
use super::sample::{Dataset, Sample};
use crate::ExportError;
use crate::exported::Written;
use framefleet_coco as coco;
use framefleet_masks::Rle;
use framefleet_objects::ObjectFrame;
use opencv::core::{Mat, Scalar};
use opencv::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// The list of shards.
const LIST: &str = "shards.json";
/// Objects that a mask of eight bits distinguishes.
const MOST_OBJECTS: usize = 255;

/// The writer. A shard's pictures are written only once its frames are known: a finished shard costs none.
pub(super) struct TarShards<'a> {
    folder: &'a Path,
    images: Images<'a>,
    size: u64,
    /// By name, as an earlier export left them.
    known: BTreeMap<String, Shard>,
    shards: BTreeMap<String, Shard>,
    /// Samples of the next shard: they wait until there are enough of them to know whether it is there already.
    waiting: Vec<Waiting>,
    written: Written,
}

/// What a shard was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shard {
    samples: u64,
    /// Digest of keys, JSON and sources.
    made_of: String,
}

/// A sample whose picture was not read yet.
struct Waiting {
    key: String,
    json: String,
    frame: OwnedFrame,
}

/// What pictures and masks of a frame need.
struct OwnedFrame {
    item: framefleet_frames::Item,
    number: u64,
    pts_ns: i64,
    file: Option<framefleet_frames::ImageFile>,
    size: (u32, u32),
    masks: Vec<Option<framefleet_frames::RunLengths>>,
}

impl OwnedFrame {
    fn as_frame(&self) -> ObjectFrame<'_> {
        ObjectFrame {
            item: &self.item,
            number: self.number,
            pts_ns: self.pts_ns,
            file: self.file.clone(),
            size: self.size,
            objects: Vec::new(),
            records: Vec::new(),
        }
    }
}

impl<'a> TarShards<'a> {
    /// Begins in a folder that may have shards.
    pub fn open(folder: &'a Path, size: u64, images: Images<'a>) -> Result<Self, ExportError> {
        let known = std::fs::read(folder.join(LIST)).ok();
        let known = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let (shards, written) = (BTreeMap::new(), Written::default());
        Ok(Self { folder, images, size: size.max(1), known, shards, waiting: Vec::new(), written })
    }

    /// Writes the shard whose frames wait, unless it is there.
    fn close(&mut self) -> Result<(), ExportError> {
        let samples = std::mem::take(&mut self.waiting);
        if samples.is_empty() {
            return Ok(());
        }
        let name = format!("shard-{:06}.tar", self.shards.len());
        let path = self.folder.join(&name);
        let shard = Shard { samples: samples.len() as u64, made_of: self.digest(&samples) };
        if self.known.get(&name) == Some(&shard) && path.is_file() {
            self.written.kept.push(path);
        } else {
            self.write(&path, &samples)?;
            self.written.files.push(path);
        }
        self.shards.insert(name, shard);
        self.save_list()
    }

    /// Says which shards are finished. Those behind, of an earlier export, stay known until they are written over.
    fn save_list(&self) -> Result<(), ExportError> {
        let mut all = self.known.clone();
        all.extend(self.shards.clone());
        save(&self.folder.join(LIST), &serde_json::to_vec_pretty(&all)?)
    }

    fn digest(&self, samples: &[Waiting]) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.images.extension().as_bytes());
        for sample in samples {
            let file = sample.frame.file.as_ref().map_or(&[][..], |file| &file.digest);
            let content = sample.frame.item.content.as_ref().map_or(&[][..], |content| &content.pictures);
            for part in [sample.key.as_bytes(), sample.json.as_bytes(), file, content] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Writes a shard: it appears whole or not at all.
    fn write(&mut self, path: &Path, samples: &[Waiting]) -> Result<(), ExportError> {
        let part = path.with_extension("tar.part");
        let file = File::create(&part).map_err(ExportError::write(&part))?;
        let mut tar = tar::Builder::new(BufWriter::new(file));
        let picture = self.images.extension();
        for sample in samples {
            let frame = sample.frame.as_frame();
            append(&mut tar, &part, &format!("{}{picture}", sample.key), &self.images.bytes(&frame)?)?;
            append(&mut tar, &part, &format!("{}.json", sample.key), sample.json.as_bytes())?;
            if let Some(masks) = masks(&sample.frame)? {
                append(&mut tar, &part, &format!("{}.mask.png", sample.key), &masks)?;
            }
        }
        let file = tar.into_inner().map_err(ExportError::write(&part))?;
        file.into_inner().map_err(|error| error.into_error()).map_err(ExportError::write(&part))?;
        std::fs::rename(&part, path).map_err(ExportError::write(path))
    }
}

impl Dataset for TarShards<'_> {
    fn frame(&mut self, sample: &Sample<'_>) -> Result<(), ExportError> {
        let frame = sample.frame;
        self.written.objects += frame.objects.len() as u64;
        let objects: Vec<Value> = frame
            .objects
            .iter()
            .map(|object| {
                let mut fields = coco::annotation(object, frame.size);
                fields.insert("category".to_owned(), object.label.as_str().into());
                fields.into()
            })
            .collect();
        let file = frame.file.as_ref().map(|file| file.name.as_str());
        let json = json!({
            "item": frame.item.name, "frame": frame.number, "pts_ns": frame.pts_ns, "file": file,
            "width": frame.size.0, "height": frame.size.1, "objects": objects,
        });
        let owned = OwnedFrame {
            item: framefleet_frames::item::without_files(frame.item),
            number: frame.number,
            pts_ns: frame.pts_ns,
            file: frame.file.clone(),
            size: frame.size,
            masks: frame.objects.iter().map(|object| object.run_lengths()).collect(),
        };
        self.waiting.push(Waiting { key: key(sample.name), json: json.to_string(), frame: owned });
        if self.waiting.len() as u64 >= self.size {
            self.close()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written, ExportError> {
        self.close()?;
        self.known.retain(|name, _| self.shards.contains_key(name));
        self.save_list()?;
        self.written.files.push(self.folder.join(LIST));
        Ok(self.written)
    }
}

/// Adds a file to a shard; the same bytes make the same shard.
fn append(tar: &mut tar::Builder<BufWriter<File>>, part: &Path, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, bytes).map_err(ExportError::write(part))
}

/// The masks of a frame in one picture; `None` without any.
fn masks(frame: &OwnedFrame) -> Result<Option<Vec<u8>>, ExportError> {
    if frame.masks.iter().all(Option::is_none) {
        return Ok(None);
    }
    let (width, height) = frame.size;
    let kind = opencv::core::CV_8UC1;
    let mut picture = Mat::new_rows_cols_with_default(height as i32, width as i32, kind, Scalar::all(0.0))?;
    for (at, mask) in frame.masks.iter().enumerate().take(MOST_OBJECTS) {
        if let Some(mask) = mask {
            picture.set_to(&Scalar::all((at + 1) as f64), &Rle::parse(mask)?.picture()?)?;
        }
    }
    Ok(Some(encoded(&picture, ".png")?))
}
