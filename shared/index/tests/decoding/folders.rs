//! Folders of images that were indexed before.
use framefleet_decode::Deinterlace;
use framefleet_folders::{Changes, KnownFolder, changes};
use framefleet_frames::{BatchInfo, IndexRequest, Item, ItemKind, KnownBatch};
use framefleet_index::index;
use framefleet_probe::{ImageFolders, probe};
use framefleet_testkit::{Picture, write_image};
use std::path::Path;

/// A folder on disk and what an output keeps of it.
struct Folder {
    path: tempfile::TempDir,
    known: Vec<KnownBatch>,
}

impl Folder {
    fn new(names: &[&str]) -> Self {
        let folder = Self { path: tempfile::tempdir().unwrap(), known: Vec::new() };
        (0..).zip(names).for_each(|(shade, name)| folder.write(name, shade));
        folder
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.path.path().join(name)
    }

    fn write(&self, name: &str, shade: u8) {
        write_image(&self.at(name), &Picture::filled(16, 12, [shade; 3])).unwrap();
    }

    fn item(&self) -> Item {
        probe(self.path.path().to_str().unwrap(), ImageFolders::Auto).unwrap().items.remove(0)
    }

    /// The batches, of three frames each, that another run finds; what happened since the last one.
    fn index(&mut self) -> (Vec<BatchInfo>, Changes) {
        let mut item = self.item();
        let known = KnownFolder::new(self.known.clone());
        let stamps = known.recognise(&mut item);
        let before = known.into_batches();
        let mut batches = Vec::new();
        let request = IndexRequest { batch_frames: 3, known: before.clone() };
        index(&item, request, Deinterlace::Off, &mut |more| {
            batches.extend(more);
            true
        })
        .unwrap();
        self.known = batches.iter().map(|batch| stamps.keep(batch.clone(), 3)).collect();
        let happened = changes(&before, &batches);
        (batches, happened)
    }
}

/// Frames with their files.
fn frames(batches: &[BatchInfo]) -> Vec<(u64, &str)> {
    batches.iter().flat_map(|batch| &batch.files).map(|file| (file.frame, file.name.as_str())).collect()
}

#[test]
fn stills_keep_their_numbers_and_what_is_new_comes_behind() {
    let mut folder = Folder::new(&["b.png", "d.png", "f.png", "h.png"]);
    let (first, happened) = folder.index();
    assert_eq!(frames(&first), [(0, "b.png"), (1, "d.png"), (2, "f.png"), (3, "h.png")]);
    assert_eq!(happened, Changes { new: 4, ..Changes::default() });

    folder.write("a.png", 100);
    folder.write("h.png", 101);
    std::fs::remove_file(folder.at("d.png")).unwrap();
    std::fs::rename(folder.at("b.png"), folder.at("z.png")).unwrap();
    let (then, happened) = folder.index();
    assert_eq!(frames(&then), [(0, "z.png"), (2, "f.png"), (6, "a.png"), (7, "h.png")]);
    assert_eq!(happened, Changes { new: 1, gone: 1, renamed: 1, replaced: 1 });
    let lengths: Vec<(u64, usize)> = then.iter().map(|batch| (batch.start, batch.pts_ns.len())).collect();
    assert_eq!(lengths, [(0, 3), (3, 1), (6, 2)], "a batch of which no picture is left keeps its place");
    for (before, after) in first.iter().zip(&then) {
        assert_eq!(before.digest, after.digest);
    }
    assert_eq!(folder.index(), (then, Changes::default()));
}

#[test]
fn files_that_have_not_changed_are_not_read_again() {
    let mut folder = Folder::new(&["a.png", "c.png"]);
    let (first, _) = folder.index();
    // Other bytes under the same size, time and inode: what nobody reads nobody sees.
    let path = folder.at("a.png");
    let time = std::fs::metadata(&path).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    write_as_is(&path, &bytes, time);
    assert_eq!(folder.index().0, first);
    write_as_is(&path, &bytes, std::time::SystemTime::now());
    assert_eq!(folder.index().1, Changes { replaced: 1, ..Changes::default() });
}

fn write_as_is(path: &Path, bytes: &[u8], time: std::time::SystemTime) {
    use std::io::Write as _;
    let mut file = std::fs::File::options().write(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
    file.set_modified(time).unwrap();
}

#[test]
fn a_sequence_that_has_become_a_folder_of_stills_keeps_its_numbers() {
    let mut folder = Folder::new(&["s_01.png", "s_02.png", "s_03.png", "s_04.png"]);
    assert_eq!(folder.item().kind(), ItemKind::Sequence);
    let (film, _) = folder.index();
    assert_eq!(film[1].pts_ns, [120_000_000]);
    std::fs::remove_file(folder.at("s_02.png")).unwrap();
    assert_eq!(folder.item().kind(), ItemKind::Stills);
    let (stills, happened) = folder.index();
    assert_eq!(frames(&stills), [(0, "s_01.png"), (2, "s_03.png"), (3, "s_04.png")]);
    assert_eq!((happened.gone, happened.new), (1, 0));
    assert_eq!((stills[0].digest.clone(), stills[0].pts_ns.clone()), (film[0].digest.clone(), vec![0; 3]));

    // The frames of a film are its files as they follow one another, whatever was known of them.
    folder.write("s_02.png", 7);
    let (film, _) = folder.index();
    assert_eq!(frames(&film), [(0, "s_01.png"), (1, "s_02.png"), (2, "s_03.png"), (3, "s_04.png")]);
}

#[test]
fn a_folder_is_another_one_when_neither_a_name_nor_a_content_is_left() {
    let mut folder = Folder::new(&["a.png", "c.png"]);
    folder.index();
    let known = KnownFolder::new(folder.known.clone());
    assert!(!KnownFolder::default().has_nothing_of(&folder.item()), "nothing is known");
    assert!(!known.has_nothing_of(&folder.item()));
    folder.write("a.png", 50);
    folder.write("c.png", 51);
    assert!(!known.has_nothing_of(&folder.item()), "the names are the same");
    let other = Folder::new(&["x.png"]);
    assert!(!known.has_nothing_of(&other.item()), "the content of a.png");
    other.write("x.png", 60);
    assert!(known.has_nothing_of(&other.item()));
}
