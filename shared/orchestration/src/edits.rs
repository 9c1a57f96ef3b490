//! Where the targets of corrections are now. A correction of an image follows its content, wherever and under whatever name that is; where the
//! content is gone, that of another picture of the same person; then the name, if an instance is still where the corrected one was: the
//! picture was saved anew. A target that is not found so is lost, and never becomes another picture's.
mod resolve;

pub use resolve::boxes_on;

use framefleet_frames::{Edit, EditTarget, ImageFile};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Overlap (intersection over union) from which on an instance of a picture that was saved anew is the one that was corrected.
const SAME: f32 = 0.8;

/// Where the instances of a frame are: their numbers and boxes (x0, y0, x1, y1 as fractions of the picture).
pub type Boxes = Vec<(u32, [f32; 4])>;

/// What came of looking for the targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    /// The corrections with their targets as item, frame and instance of this job; a lost one has a frame that is never there.
    pub edits: Vec<Edit>,
    /// Targets that are lost, in words.
    pub lost: Vec<String>,
    /// Targets that were followed by the names of their pictures, in words.
    pub followed: Vec<String>,
    /// Targets that are elsewhere or called otherwise than was noted: as they were noted, and as they are.
    pub moved: Vec<(EditTarget, EditTarget)>,
}

impl Resolved {
    /// Adds what came of looking for the targets of other corrections.
    pub(crate) fn extend(&mut self, more: Self) {
        self.edits.extend(more.edits);
        self.lost.extend(more.lost);
        self.followed.extend(more.followed);
        self.moved.extend(more.moved);
    }
}

/// Looks for the pictures that corrections speak of, among all that there are.
#[derive(Clone, Debug, Default)]
pub struct PictureSearch {
    items: BTreeMap<String, Wanted>,
    /// Instances that were split off: content and number. They take nobody's place.
    split: BTreeSet<(String, u32)>,
}

/// The pictures of an item that are looked for, and those that were found.
#[derive(Clone, Debug, Default)]
struct Wanted {
    /// Whether the job has the item, and whether its frames are images.
    is_there: bool,
    has_images: bool,
    digests: BTreeMap<String, Vec<ImageFile>>,
    names: BTreeMap<String, Option<ImageFile>>,
    frames: BTreeMap<u64, Option<ImageFile>>,
}

/// What a target was found by.
enum Found<'f> {
    /// It is no image: its frame is what it was.
    AsNoted,
    /// What was noted of the picture: the target itself, or the other of the same person that takes its place.
    Picture(&'f ImageFile, &'f EditTarget),
    /// The name alone: the content is another.
    Name(&'f ImageFile),
    Nowhere,
}

impl PictureSearch {
    /// A search for the targets of corrections.
    pub fn new<'e>(edits: impl IntoIterator<Item = &'e Edit>) -> Self {
        let mut search = Self::default();
        let edits: Vec<&Edit> = edits.into_iter().collect();
        let split = edits.iter().filter(|edit| edit.verb == "split").flat_map(|edit| &edit.targets);
        search.split = split.map(|target| (target.digest.clone(), target.instance)).collect();
        for target in edits.into_iter().flat_map(targets).flat_map(|target| [target].into_iter().chain(&target.others))
        {
            let wanted = search.items.entry(target.item.clone()).or_default();
            wanted.frames.entry(target.frame).or_default();
            if !target.digest.is_empty() {
                wanted.digests.entry(target.digest.clone()).or_default();
            }
            if !target.file.is_empty() {
                wanted.names.entry(target.file.clone()).or_default();
            }
        }
        search
    }

    /// The job has this item. Whether corrections speak of it, so that its images are to be shown.
    pub fn see_item(&mut self, item: &str) -> bool {
        self.items.get_mut(item).map(|wanted| wanted.is_there = true).is_some()
    }

    /// The item has this image.
    pub fn see(&mut self, item: &str, file: &ImageFile) {
        let Some(wanted) = self.items.get_mut(item) else { return };
        wanted.has_images = true;
        if let Some(found) = wanted.digests.get_mut(&hex(file)) {
            found.push(file.clone());
        }
        for found in [wanted.names.get_mut(&file.name), wanted.frames.get_mut(&file.frame)].into_iter().flatten() {
            *found = Some(file.clone());
        }
    }

    /// The images of which it must be known where their instances are: (item, image).
    pub fn questions<'e>(&self, edits: impl IntoIterator<Item = &'e Edit>) -> Vec<(String, ImageFile)> {
        let asked = edits.into_iter().flat_map(targets).filter_map(|target| match self.found(target) {
            Found::Name(file) => Some(((target.item.clone(), file.frame), file.clone())),
            _ => None,
        });
        let asked: BTreeMap<(String, u64), ImageFile> = asked.collect();
        asked.into_iter().map(|((item, _), file)| (item, file)).collect()
    }

    /// The corrections with their targets as they are now. `boxes` answers the [`Self::questions`], by item and frame.
    pub fn resolve<'e>(
        &self,
        edits: impl IntoIterator<Item = &'e Edit>,
        boxes: &HashMap<(String, u64), Boxes>,
    ) -> Resolved {
        let mut resolved = Resolved::default();
        for edit in edits {
            let mut now = edit.clone();
            for target in now.targets.iter_mut().chain(now.from.as_mut()) {
                *target = self.place(edit, target, boxes, &mut resolved);
            }
            resolved.edits.push(now);
        }
        resolved
    }

    /// Where a target is; notes what is to be reported of it.
    fn place(
        &self,
        edit: &Edit,
        target: &EditTarget,
        boxes: &HashMap<(String, u64), Boxes>,
        resolved: &mut Resolved,
    ) -> EditTarget {
        let is_at = |file: &ImageFile| EditTarget {
            frame: file.frame,
            file: file.name.clone(),
            digest: hex(file),
            ..target.clone()
        };
        let now = match self.found(target) {
            Found::AsNoted => return bare(target),
            Found::Picture(file, other) if !std::ptr::eq(other, target) => {
                return bare(&EditTarget { frame: file.frame, ..other.clone() });
            }
            Found::Picture(file, _) => is_at(file),
            Found::Name(file) => {
                let there = boxes.get(&(target.item.clone(), file.frame));
                let Some((instance, place)) = there.and_then(|there| same(&target.r#box, there)) else {
                    return lost(edit, target, resolved);
                };
                let (what, which) = (words(edit), picture(target));
                resolved.followed.push(format!("{which} has another content: {what} follows its name"));
                EditTarget { instance, r#box: place.to_vec(), ..is_at(file) }
            }
            Found::Nowhere => return lost(edit, target, resolved),
        };
        let here = bare(&now);
        if now != *target {
            resolved.moved.push((target.clone(), now));
        }
        here
    }

    fn found<'f>(&'f self, target: &'f EditTarget) -> Found<'f> {
        let item = |of: &EditTarget| self.items.get(&of.item).filter(|wanted| wanted.is_there);
        let Some(wanted) = item(target) else { return Found::Nowhere };
        let named = || wanted.names.get(&target.file).and_then(Option::as_ref);
        if !wanted.has_images {
            return Found::AsNoted;
        }
        if target.digest.is_empty() {
            // Written by hand, or by an earlier program.
            let found = if target.file.is_empty() {
                wanted.frames.get(&target.frame).and_then(Option::as_ref)
            } else {
                named()
            };
            return found.map_or(Found::Nowhere, |file| Found::Picture(file, target));
        }
        let by_content = |of: &'f EditTarget| Some(Found::Picture(item(of)?.of_content(of)?, of));
        let is_split = |of: &&EditTarget| self.split.contains(&(of.digest.clone(), of.instance));
        let others = || target.others.iter().filter(|of| !is_split(of)).find_map(by_content);
        by_content(target).or_else(others).or_else(|| named().map(Found::Name)).unwrap_or(Found::Nowhere)
    }
}

impl Wanted {
    /// The image of a content; of copies the one that was noted.
    fn of_content(&self, of: &EditTarget) -> Option<&ImageFile> {
        let copies = self.digests.get(&of.digest)?;
        let noted = |file: &&ImageFile| file.frame == of.frame;
        let called = |file: &&ImageFile| file.name == of.file;
        copies.iter().find(noted).or_else(|| copies.iter().find(called)).or_else(|| copies.first())
    }
}

/// All that a correction speaks of.
fn targets(edit: &Edit) -> impl Iterator<Item = &EditTarget> {
    edit.targets.iter().chain(&edit.from)
}

/// What a stage is given of a target.
fn bare(of: &EditTarget) -> EditTarget {
    EditTarget { item: of.item.clone(), frame: of.frame, instance: of.instance, ..EditTarget::default() }
}

fn lost(edit: &Edit, target: &EditTarget, resolved: &mut Resolved) -> EditTarget {
    let (what, which) = (words(edit), picture(target));
    resolved.lost.push(format!("{which} is not there any more: {what} is lost for its instance {}", target.instance));
    EditTarget { frame: u64::MAX, ..bare(target) }
}

/// The instance whose box is where the box was.
fn same(was: &[f32], there: &Boxes) -> Option<(u32, [f32; 4])> {
    let &[x0, y0, x1, y1] = was else { return None };
    let overlap = |of: &(u32, [f32; 4])| overlap([x0, y0, x1, y1], of.1);
    let best = there.iter().max_by(|one, other| overlap(one).total_cmp(&overlap(other)))?;
    (overlap(best) >= SAME).then_some(*best)
}

/// Intersection over union of two boxes.
fn overlap(one: [f32; 4], other: [f32; 4]) -> f32 {
    let area = |[x0, y0, x1, y1]: [f32; 4]| (x1 - x0).max(0.0) * (y1 - y0).max(0.0);
    let both = [one[0].max(other[0]), one[1].max(other[1]), one[2].min(other[2]), one[3].min(other[3])];
    let union = area(one) + area(other) - area(both);
    if union > 0.0 { area(both) / union } else { 0.0 }
}

/// The picture or frame that a target is on.
fn picture(target: &EditTarget) -> String {
    match target.file.as_str() {
        "" => format!("{} frame {}", target.item, target.frame),
        file => format!("{}/{file}", target.item),
    }
}

/// A correction for a person to recognise.
fn words(edit: &Edit) -> String {
    match edit.name.as_str() {
        "" => format!("the correction {}", edit.verb),
        name => format!("the correction {} \"{name}\"", edit.verb),
    }
}

fn hex(file: &ImageFile) -> String {
    hex::encode(&file.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(frame: u64, name: &str, content: u8) -> ImageFile {
        ImageFile { frame, name: name.to_owned(), digest: vec![content; 2].into(), ..ImageFile::default() }
    }

    /// A face of an image, at a place that its instance tells.
    fn face(frame: u64, name: &str, content: u8, instance: u32) -> EditTarget {
        EditTarget {
            item: "day".to_owned(),
            frame,
            instance,
            file: name.to_owned(),
            digest: format!("{content:02x}{content:02x}"),
            r#box: place(instance).to_vec(),
            others: Vec::new(),
        }
    }

    fn place(instance: u32) -> [f32; 4] {
        let x = instance as f32 / 10.0;
        [x, 0.1, x + 0.1, 0.3]
    }

    fn name(targets: &[EditTarget], name: &str) -> Edit {
        Edit { verb: "name".to_owned(), targets: targets.to_vec(), name: name.to_owned(), ..Edit::default() }
    }

    /// Where targets are in a folder, and what is reported.
    fn resolve(targets: &[EditTarget], files: &[ImageFile], boxes: &[(u64, Boxes)]) -> (Vec<(u64, u32)>, Resolved) {
        let edits = [name(targets, "Anna")];
        let mut search = PictureSearch::new(&edits);
        assert!(search.see_item("day") && !search.see_item("night"));
        files.iter().for_each(|file| search.see("day", file));
        let boxes: HashMap<_, _> =
            boxes.iter().map(|(frame, boxes)| (("day".to_owned(), *frame), boxes.clone())).collect();
        let asked: BTreeSet<u64> = search.questions(&edits).iter().map(|(_, file)| file.frame).collect();
        assert_eq!(asked, boxes.keys().map(|(_, frame)| *frame).collect(), "what is asked is answered");
        let resolved = search.resolve(&edits, &boxes);
        let places = resolved.edits[0].targets.iter().map(|target| (target.frame, target.instance));
        (places.collect(), resolved)
    }

    #[test]
    fn a_target_follows_its_content_under_any_name_and_number() {
        let files = [file(3, "b.png", 1), file(4, "a.png", 2)];
        let (places, resolved) = resolve(&[face(0, "a.png", 1, 1), face(4, "a.png", 2, 0)], &files, &[]);
        assert_eq!(places, [(3, 1), (4, 0)], "another picture has the name now");
        assert_eq!((resolved.lost.len(), resolved.followed.len()), (0, 0));
        assert_eq!(resolved.moved, [(face(0, "a.png", 1, 1), face(3, "b.png", 1, 1))]);
        let bare = &resolved.edits[0].targets[0];
        assert!(bare.file.is_empty() && bare.digest.is_empty() && bare.r#box.is_empty(), "a new name redoes no finish");
    }

    #[test]
    fn of_copies_the_one_that_was_noted() {
        let files = [file(1, "x.png", 1), file(2, "y.png", 1), file(3, "z.png", 1)];
        assert_eq!(resolve(&[face(2, "q.png", 1, 0)], &files, &[]).0, [(2, 0)]);
        assert_eq!(resolve(&[face(9, "z.png", 1, 0)], &files, &[]).0, [(3, 0)]);
        assert_eq!(resolve(&[face(9, "q.png", 1, 0)], &files, &[]).0, [(1, 0)]);
    }

    #[test]
    fn a_picture_that_was_saved_anew_is_followed_by_name_when_the_face_is_where_it_was() {
        let files = [file(7, "a.png", 9)];
        let shifted = place(1).map(|at| at + 0.005);
        let (places, resolved) =
            resolve(&[face(0, "a.png", 1, 1)], &files, &[(7, vec![(0, place(5)), (4, shifted), (5, place(3))])]);
        assert_eq!(places, [(7, 4)]);
        assert_eq!(resolved.followed, ["day/a.png has another content: the correction name \"Anna\" follows its name"]);
        let now = EditTarget { r#box: shifted.to_vec(), ..face(7, "a.png", 9, 4) };
        assert_eq!(resolved.moved, [(face(0, "a.png", 1, 1), now)]);

        // Another picture of that name is nobody's.
        let (places, resolved) = resolve(&[face(0, "a.png", 1, 1)], &files, &[(7, vec![(0, place(5)), (1, place(2))])]);
        assert_eq!(places, [(u64::MAX, 1)]);
        assert_eq!(
            resolved.lost,
            ["day/a.png is not there any more: the correction name \"Anna\" is lost for its instance 1"]
        );
        assert!(resolved.moved.is_empty() && resolved.followed.is_empty());
    }

    #[test]
    fn another_of_the_person_takes_the_place_of_one_that_is_gone() {
        let target =
            EditTarget { others: vec![face(1, "b.png", 2, 3), face(2, "c.png", 3, 4)], ..face(0, "a.png", 1, 1) };
        let (places, resolved) =
            resolve(std::slice::from_ref(&target), &[file(5, "a.png", 8), file(6, "c.png", 3)], &[]);
        assert_eq!(places, [(6, 4)], "by content, before the name is");
        assert!(resolved.moved.is_empty() && resolved.lost.is_empty(), "the target is noted as it was");
        assert_eq!(
            resolve(std::slice::from_ref(&target), &[file(0, "a.png", 1), file(6, "c.png", 3)], &[]).0,
            [(0, 1)]
        );

        // But none that was found out to be somebody else.
        let split = Edit { verb: "split".to_owned(), targets: vec![face(2, "c.png", 3, 4)], ..Edit::default() };
        let edits = [name(&[target], "Anna"), split];
        let mut search = PictureSearch::new(&edits);
        search.see_item("day");
        search.see("day", &file(6, "c.png", 3));
        assert_eq!(search.resolve(&edits, &HashMap::new()).lost.len(), 1);
    }

    #[test]
    fn what_says_no_content_is_found_by_file_or_frame() {
        let noted = EditTarget { item: "day".to_owned(), frame: 2, instance: 1, ..EditTarget::default() };
        let by_file = EditTarget { file: "b.png".to_owned(), ..noted.clone() };
        let files = [file(2, "a.png", 1), file(3, "b.png", 2)];
        assert_eq!(resolve(&[noted.clone(), by_file.clone()], &files, &[]).0, [(2, 1), (3, 1)]);
        let (places, resolved) = resolve(&[noted.clone(), by_file], &[file(4, "c.png", 3)], &[]);
        assert_eq!(places, [(u64::MAX, 1); 2]);
        assert!(resolved.lost[0].contains("day frame 2 ") && resolved.lost[1].contains("day/b.png "), "{resolved:?}");
        assert_eq!(resolve(&[noted], &[], &[]).0, [(2, 1)], "a film");
    }

    #[test]
    fn an_item_that_the_job_has_not_is_lost() {
        let edits = [name(&[face(0, "a.png", 1, 1)], "Anna")];
        let resolved = PictureSearch::new(&edits).resolve(&edits, &HashMap::new());
        assert_eq!(resolved.lost.len(), 1);
    }
}
