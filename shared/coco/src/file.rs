//! A COCO file while it is written: annotations first, then the images that they speak of, categories, and what the file is. In memory are
//! the ids.
use crate::CocoError;
use crate::annotation::{annotation, category};
use crate::ids::{Categories, Ids};
use crate::images::Images;
use crate::names::Names;
use framefleet_frames::Item;
use framefleet_objects::{Object, ObjectFrame};
use serde_json::{Value, json};

/// Raised when the same rows make another file.
pub(crate) const VERSION: &str = "4";
/// The root of images that lie below the file's own folder.
const BESIDE: &str = ".";

/// A COCO file of an output's objects, as pieces of text: [`Self::begin`], [`Self::frame`] of every frame, [`Self::end`].
pub struct CocoFile {
    names: Names,
    steps: Vec<String>,
    /// The root of images that were written.
    pictures: String,
    images: Images,
    image_ids: Ids,
    annotation_ids: Ids,
    categories: Categories,
    is_first: bool,
}

/// A piece of the file's end.
pub enum Piece {
    /// What it is of the output, wherever that lies.
    Text(String),
    /// The folder below which the images lie, as JSON: that of a source says where the source lies on this machine.
    Root(String),
}

impl CocoFile {
    /// A file of some steps' objects. `artifacts` are paths in the output: where there is a picture of every image among them, images are
    /// called by these, else as the source's files.
    pub fn new(
        items: &[&Item],
        steps: &[String],
        artifacts: impl IntoIterator<Item = String>,
    ) -> Result<Self, CocoError> {
        Ok(Self {
            names: Names::new(items, steps, artifacts),
            steps: steps.to_vec(),
            pictures: BESIDE.to_owned(),
            images: Images::new()?,
            image_ids: Ids::default(),
            annotation_ids: Ids::default(),
            categories: Categories::default(),
            is_first: true,
        })
    }

    /// The same with pictures in a folder of their own, which `info.root` then names.
    pub fn with_pictures_in(self, folder: &str) -> Self {
        Self { pictures: folder.to_owned(), ..self }
    }

    /// How the file begins.
    pub fn begin(&self) -> String {
        "{\"annotations\": [".to_owned()
    }

    /// The annotations of a frame, which is among the images also when it has none. `written` is the picture that was made of it, below the
    /// folder of pictures.
    pub fn frame(&mut self, frame: &ObjectFrame<'_>, written: Option<String>) -> Result<String, CocoError> {
        let place = frame_name(frame);
        let image = self.image_ids.of(&[&frame.item.name, &place]);
        let in_output = written.or_else(|| self.names.in_output(frame));
        let (width, height) = frame.size;
        let fields = json!({
            "id": image, "width": width, "height": height, "item": frame.item.name, "frame": frame.number,
        });
        self.images.push(in_output, self.names.in_source(frame), &fields)?;
        Ok(frame.objects.iter().map(|object| self.annotation(frame, &place, image, object)).collect())
    }

    fn annotation(&mut self, frame: &ObjectFrame<'_>, place: &str, image: u64, object: &Object) -> String {
        let instance = object.instance.to_string();
        let id = self.annotation_ids.of(&[&frame.item.name, place, &object.step, object.kind, &instance]);
        let mut annotation = annotation(object, frame.size);
        annotation.insert("id".to_owned(), id.into());
        annotation.insert("image_id".to_owned(), image.into());
        annotation.insert("category_id".to_owned(), self.categories.of(&object.label).into());
        let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
        format!("{comma}\n{}", Value::from(annotation))
    }

    /// Images, categories, and what the file is.
    pub fn end(self) -> Result<impl Iterator<Item = Result<Piece, CocoError>>, CocoError> {
        let categories: Vec<Value> =
            self.categories.sorted().into_iter().map(|(name, id)| category(name, id)).collect();
        let root = if self.images.are_in_output() { self.pictures } else { self.names.root() };
        let steps = Value::from(self.steps);
        let info =
            format!("{{\"description\": \"Framefleet\", \"version\": \"{VERSION}\", \"steps\": {steps}, \"root\": ");
        let text = |text: String| Ok(Piece::Text(text));
        let first = text("\n],\n\"images\": [".to_owned());
        let categories = text(format!("\n],\n\"categories\": {},\n\"info\": {info}", Value::from(categories)));
        let last = [categories, Ok(Piece::Root(Value::from(root).to_string())), text("}}\n".to_owned())];
        Ok(std::iter::once(first).chain(self.images.into_text()?.map(|line| line.map(Piece::Text))).chain(last))
    }
}

/// What a frame is known by: the name of the image that it is, else its number.
fn frame_name(frame: &ObjectFrame<'_>) -> String {
    match &frame.file {
        Some(file) if file.page > 0 => format!("{}#{}", file.name, file.page),
        Some(file) => file.name.clone(),
        None => frame.number.to_string(),
    }
}
