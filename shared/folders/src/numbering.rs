//! Which frame each picture of a folder is.
//!
//! A still keeps its number for ever in an output: pictures that are added get numbers behind all that were ever used, in batches of their
//! own, and the number of a picture that is gone is not used again. So whatever happens to one picture leaves the batches
//! of all others as they are.
use framefleet_frames::frame::{BATCH_BYTES, byte_length};
use framefleet_frames::{BatchInfo, ImageFile, item};
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;

/// Pictures by what happened to them since a folder was indexed before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changes {
    /// Added: neither content nor name was there.
    pub new: u64,
    /// Neither their content nor their name is there any more.
    pub gone: u64,
    /// The same content under another name.
    pub renamed: u64,
    /// Another content under the same name.
    pub replaced: u64,
}

/// What happened to a folder of stills between two indexes of it, the later one made with the earlier one known.
pub fn changes(known: &[BatchInfo], now: &[BatchInfo]) -> Changes {
    let files = |batches| -> HashMap<u64, &ImageFile> { all(batches).map(|file| (file.frame, file)).collect() };
    let (before, after) = (files(known), files(now));
    let lost = before.values().filter(|file| !after.contains_key(&file.frame));
    let lost: HashSet<&str> = lost.map(|file| file.name.as_str()).collect();
    let mut changes = Changes::default();
    for file in after.values() {
        match before.get(&file.frame) {
            Some(known) => changes.renamed += u64::from(known.name != file.name),
            None if lost.contains(file.name.as_str()) => changes.replaced += 1,
            None => changes.new += 1,
        }
    }
    changes.gone = lost.len() as u64 - changes.replaced;
    changes
}

/// Numbers the pictures of a folder (`found`, with their digests, in natural order of their names) that was indexed before. One whose name
/// and content are known keeps its number; so does one of a known content that is no longer there under the name it had, unless
/// its name now says another format. The others are new. Returns all batches from frame 0, those of which no picture
/// is left among them.
///
/// Batches that are known keep their times and digests, which tell of all pictures that they began with.
pub fn renumber(known: Vec<BatchInfo>, found: Vec<ImageFile>, batch_frames: u64) -> Vec<BatchInfo> {
    let numbers = numbers(&known, &found);
    let (mut there, mut new) = (HashMap::new(), Vec::new());
    for (file, number) in found.into_iter().zip(numbers) {
        match number {
            Some(frame) => drop(there.insert(frame, ImageFile { frame, ..file })),
            None => new.push(file),
        }
    }
    let mut batches = known;
    for batch in &mut batches {
        batch.files = batch.files.drain(..).filter_map(|file| there.remove(&file.frame)).collect();
    }
    let start = batches.len() as u64 * batch_frames;
    batches.extend(number(start, batch_frames, new.into_iter()));
    batches
}

/// The known number of every picture that has one.
fn numbers(known: &[BatchInfo], found: &[ImageFile]) -> Vec<Option<u64>> {
    let mut numbers = vec![None; found.len()];
    let by_name: HashMap<(&str, u32), usize> =
        found.iter().enumerate().map(|(place, file)| ((file.name.as_str(), file.page), place)).collect();
    let mut by_content: HashMap<(&[u8], Option<&str>), VecDeque<u64>> = HashMap::new();
    for file in all(known) {
        match by_name.get(&(file.name.as_str(), file.page)) {
            Some(&place) if found[place].digest == file.digest => numbers[place] = Some(file.frame),
            _ => by_content.entry(content(file)).or_default().push_back(file.frame),
        }
    }
    // Nothing is known of files that could not be read, and they are not each other.
    let unread = blake3::hash(&[]);
    by_content.retain(|(digest, _), _| !digest.is_empty() && *digest != unread.as_bytes());
    for (file, number) in found.iter().zip(&mut numbers).filter(|(_, number)| number.is_none()) {
        *number = by_content.get_mut(&content(file)).and_then(VecDeque::pop_front);
    }
    numbers
}

/// What a picture is known by when its name is another: its bytes, and the format that its results are written in.
fn content(file: &ImageFile) -> (&[u8], Option<&str>) {
    (&file.digest, Path::new(&file.name).extension().and_then(|extension| extension.to_str()))
}

fn all(batches: &[BatchInfo]) -> impl Iterator<Item = &ImageFile> {
    batches.iter().flat_map(|batch| &batch.files)
}

/// Cuts pictures into batches from frame `start` (a multiple of `batch_frames`): as many to each as the grid allows and as fit into the bytes
/// of a batch by their own sizes. Where fewer fit, the numbers up to the next batch are not used.
pub fn number(
    start: u64,
    batch_frames: u64,
    files: impl Iterator<Item = ImageFile>,
) -> impl Iterator<Item = BatchInfo> {
    let mut files = files.peekable();
    let mut next = start;
    std::iter::from_fn(move || {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(file) = files.next_if(|file| {
            let fits = bytes + full_bytes(file) <= BATCH_BYTES && (batch.len() as u64) < batch_frames;
            batch.is_empty() || fits
        }) {
            bytes += full_bytes(&file);
            batch.push(ImageFile { frame: next + batch.len() as u64, ..file });
        }
        (!batch.is_empty()).then(|| {
            let start = next;
            next += batch_frames;
            let mut digest = blake3::Hasher::new();
            batch.iter().for_each(|file| {
                digest.update(&file.digest);
            });
            BatchInfo {
                start,
                pts_ns: vec![0; batch.len()],
                digest: digest.finalize().as_bytes().to_vec().into(),
                seekable: true,
                files: batch,
                ..BatchInfo::default()
            }
        })
    })
}

/// Bytes of a picture's full frame; 0 when its header cannot be read.
fn full_bytes(file: &ImageFile) -> u64 {
    byte_length(item::file_format(file), file.width, file.height) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// A folder: name → content.
    type Folder = BTreeMap<String, u32>;

    fn listing(folder: &Folder) -> Vec<ImageFile> {
        let file = |(name, content): (&String, &u32)| ImageFile {
            name: name.clone(),
            digest: content.to_le_bytes().to_vec().into(),
            width: 8,
            height: 8,
            bit_depth: 8,
            ..ImageFile::default()
        };
        folder.iter().map(file).collect()
    }

    fn folder(text: &str) -> Folder {
        let file = |pair: &str| {
            let (name, content) = pair.split_once('=').unwrap();
            (name.to_owned(), content.parse().unwrap())
        };
        text.split_whitespace().map(file).collect()
    }

    /// The frames and names that are there.
    fn there(batches: &[BatchInfo]) -> Vec<(u64, &str)> {
        all(batches).map(|file| (file.frame, file.name.as_str())).collect()
    }

    #[test]
    fn each_change_changes_itself_alone() {
        let first = renumber(Vec::new(), listing(&folder("a.png=1 b.png=2 c.png=3 d.png=4")), 2);
        assert_eq!(there(&first), [(0, "a.png"), (1, "b.png"), (2, "c.png"), (3, "d.png")]);
        let then = |text: &str| renumber(first.clone(), listing(&folder(text)), 2);
        for (what, text, expected, happened) in [
            ("added in front", "0.png=9 a.png=1 b.png=2 c.png=3 d.png=4", "0a 1b 2c 3d 40", (1, 0, 0, 0)),
            ("deleted", "a.png=1 c.png=3 d.png=4", "0a 2c 3d", (0, 1, 0, 0)),
            ("renamed", "a.png=1 z.png=2 c.png=3 d.png=4", "0a 1z 2c 3d", (0, 0, 1, 0)),
            ("saved anew", "a.png=7 b.png=2 c.png=3 d.png=4", "1b 2c 3d 4a", (0, 0, 0, 1)),
            ("exchanged", "a.png=4 b.png=2 c.png=3 d.png=1", "0d 1b 2c 3a", (0, 0, 2, 0)),
            ("moved over another", "a.png=2 c.png=3 d.png=4", "1a 2c 3d", (0, 1, 1, 0)),
            ("copied", "a.png=1 b.png=2 c.png=3 d.png=4 e.png=1", "0a 1b 2c 3d 4e", (1, 0, 0, 0)),
            ("of another format by its name", "a.png=1 b.jpg=2 c.png=3 d.png=4", "0a 2c 3d 4b", (1, 1, 0, 0)),
            (
                "renamed, and another in its place",
                "a.png=1 b.png=8 bb.png=2 c.png=3 d.png=4",
                "0a 1bb 2c 3d 4b",
                (1, 0, 1, 0),
            ),
        ] {
            let now = then(text);
            let short: Vec<String> =
                there(&now).iter().map(|(frame, name)| format!("{frame}{}", name.split('.').next().unwrap())).collect();
            assert_eq!(short.join(" "), expected, "{what}");
            let (new, gone, renamed, replaced) = happened;
            assert_eq!(changes(&first, &now), Changes { new, gone, renamed, replaced }, "{what}");
        }
    }

    #[test]
    fn a_batch_holds_no_more_bytes_than_a_batch_may() {
        let file = |side: u32| ImageFile { width: side, height: side, bit_depth: 8, ..ImageFile::default() };
        // 3 bytes a pixel: four large ones are a little less than a batch.
        let (small, large) = (file(100), file(4700));
        let files = [&small, &large, &large, &small, &large, &large, &large, &large].map(Clone::clone);
        let batches: Vec<BatchInfo> = number(32, 16, files.into_iter()).collect();
        let frames: Vec<Vec<u64>> =
            batches.iter().map(|batch| batch.files.iter().map(|file| file.frame).collect()).collect();
        assert_eq!(frames, [(32..38).collect::<Vec<u64>>(), vec![48, 49]]);
        assert_eq!(number(0, 4, [file(20_000), small].into_iter()).count(), 2, "one that is too large alone is alone");
    }

    /// Something done to a folder; numbers choose among its files.
    #[derive(Clone, Debug)]
    enum Act {
        Add(u8, u32),
        Delete(usize),
        Replace(usize, u32),
        Rename(usize, u8),
        Swap(usize, usize),
        Copy(usize, u8),
    }

    fn act() -> impl Strategy<Value = Act> {
        let place = 0..64_usize;
        prop_oneof![
            (any::<u8>(), 0..1000_u32).prop_map(|(name, content)| Act::Add(name, content)),
            place.clone().prop_map(Act::Delete),
            (place.clone(), 0..1000_u32).prop_map(|(place, content)| Act::Replace(place, content)),
            (place.clone(), any::<u8>()).prop_map(|(place, name)| Act::Rename(place, name)),
            (place.clone(), place.clone()).prop_map(|(one, other)| Act::Swap(one, other)),
            (place, any::<u8>()).prop_map(|(place, name)| Act::Copy(place, name)),
        ]
    }

    fn apply(folder: &mut Folder, act: &Act) {
        let name = |number: u8| format!("{number:03}.png");
        let at = |folder: &Folder, place: usize| folder.keys().nth(place % folder.len().max(1)).cloned();
        match *act {
            Act::Add(number, content) => drop(folder.entry(name(number)).or_insert(content)),
            Act::Delete(place) => drop(at(folder, place).map(|name| folder.remove(&name))),
            Act::Replace(place, content) => drop(at(folder, place).map(|name| folder.insert(name, content))),
            Act::Rename(place, number) => {
                if let Some(content) = at(folder, place).and_then(|name| folder.remove(&name)) {
                    folder.insert(name(number), content);
                }
            }
            Act::Swap(one, other) => {
                if let (Some(one), Some(other)) = (at(folder, one), at(folder, other)) {
                    let (first, second) = (folder[&one], folder[&other]);
                    folder.extend([(one, second), (other, first)]);
                }
            }
            Act::Copy(place, number) => {
                if let Some(content) = at(folder, place).map(|name| folder[&name]) {
                    folder.insert(name(number), content);
                }
            }
        }
    }

    /// How often each content is there.
    fn contents<'a>(digests: impl Iterator<Item = &'a [u8]>) -> BTreeMap<Vec<u8>, usize> {
        let mut counts = BTreeMap::new();
        digests.for_each(|digest| *counts.entry(digest.to_vec()).or_default() += 1);
        counts
    }

    proptest! {
        #[test]
        fn a_picture_keeps_its_number_and_none_is_used_twice(
            runs in prop::collection::vec(prop::collection::vec(act(), 0..12), 1..8),
            batch_frames in 1..6_u64,
        ) {
            let mut folder = folder("a.png=1001 b.png=1002 c.png=1003 d.png=1003 e.png=1005");
            let mut known: Vec<BatchInfo> = Vec::new();
            let mut ever: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
            for acts in runs {
                acts.iter().for_each(|act| apply(&mut folder, act));
                let found = listing(&folder);
                let now = renumber(known.clone(), found.clone(), batch_frames);

                // Every picture is there once, under its name, and a number means one content for ever.
                let mut names: Vec<(&str, &[u8])> = all(&now).map(|file| (file.name.as_str(), &file.digest[..])).collect();
                names.sort_unstable();
                let expected: Vec<(&str, &[u8])> = found.iter().map(|file| (file.name.as_str(), &file.digest[..])).collect();
                prop_assert_eq!(names, expected);
                let frames: Vec<u64> = all(&now).map(|file| file.frame).collect();
                prop_assert!(frames.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", frames);
                for file in all(&now) {
                    prop_assert_eq!(&ever.entry(file.frame).or_insert_with(|| file.digest.to_vec())[..], &file.digest[..]);
                }

                // What was there and still is has kept its number; so often as it was and is there.
                let before: HashSet<u64> = all(&known).map(|file| file.frame).collect();
                let kept = contents(all(&now).filter(|file| before.contains(&file.frame)).map(|file| &file.digest[..]));
                let was = contents(all(&known).map(|file| &file.digest[..]));
                for (content, is) in contents(found.iter().map(|file| &file.digest[..])) {
                    let expected = is.min(was.get(&content).copied().unwrap_or(0));
                    prop_assert_eq!(kept.get(&content).copied().unwrap_or(0), expected);
                }

                // Batches are those they were, but for pictures that are gone; new ones lie on the grid.
                for (batch, start) in now.iter().zip((0..).step_by(batch_frames as usize)) {
                    prop_assert_eq!(batch.start, start);
                    prop_assert!(batch.pts_ns.len() as u64 <= batch_frames && !batch.pts_ns.is_empty());
                    let inside = |file: &ImageFile| (start..start + batch.pts_ns.len() as u64).contains(&file.frame);
                    prop_assert!(batch.files.iter().all(inside));
                }
                for (before, after) in known.iter().zip(&now) {
                    prop_assert_eq!((&before.digest, &before.pts_ns), (&after.digest, &after.pts_ns));
                }
                prop_assert_eq!(&renumber(now.clone(), found, batch_frames), &now, "once more changes nothing");
                known = now;
            }
        }
    }
}
