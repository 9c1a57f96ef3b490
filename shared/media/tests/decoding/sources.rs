//! Which items a source has.
use framefleet_media::{ImageFolders, ItemKind, ReadError, probe};
use framefleet_testkit::{Audio, Clip, Picture, image_folder, numbered, write_image};
use std::path::Path;

fn names(source: &str) -> Vec<String> {
    probe(source, ImageFolders::Auto).unwrap().items.into_iter().map(|item| item.name).collect()
}

fn video(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    Clip::new(64, 48, 3).write(path, |frame| numbered(64, 48, frame)).unwrap();
}

#[test]
fn folders_patterns_lists_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["take10.mp4", "take2.mp4", "day/b.mkv", ".hidden/c.mp4"] {
        video(&root.join(name));
    }
    std::fs::create_dir_all(root.join("stills")).unwrap();
    write_image(&root.join("stills/one.png"), &Picture::filled(64, 48, [9; 3])).unwrap();
    std::fs::write(root.join("notes.md"), "no footage").unwrap();
    let at = |name: &str| root.join(name).to_str().unwrap().to_owned();
    assert_eq!(names(root.to_str().unwrap()), ["day/b.mkv", "stills", "take2.mp4", "take10.mp4"]);
    assert_eq!(names(&at("*.mp4")), ["take2.mp4", "take10.mp4"]);
    assert_eq!(names(&at("**/*.{mkv,png}")), ["day/b.mkv", "stills"]);
    assert_eq!(names(&at("take2.mp4")), ["take2.mp4"]);
    std::fs::write(root.join("films.txt"), "# ours\nday/b.mkv\ntake2.mp4\nmissing.mp4\n").unwrap();
    let probed = probe(&at("films.txt"), ImageFolders::Auto).unwrap();
    assert_eq!(probed.items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["day/b.mkv", "take2.mp4"]);
    assert_eq!(probed.refused, [("missing.mp4".to_owned(), "no such file".to_owned())]);
}

#[test]
fn nothing_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    assert!(matches!(probe(&at("none.mp4"), ImageFolders::Auto), Err(ReadError::NotFound(_))));
    assert!(matches!(probe(&at("*.mp4"), ImageFolders::Auto), Err(ReadError::NotFound(_))));
    assert!(matches!(probe(&at(""), ImageFolders::Auto), Err(ReadError::Empty(_))));
    assert!(matches!(probe(&at("[z-a].mp4"), ImageFolders::Auto), Err(ReadError::Pattern { .. })));
}

#[test]
fn numbered_images_are_a_sequence_and_others_stills() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |path: &Path, folders| probe(path.to_str().unwrap(), folders).unwrap().items[0].kind();
    let sequence = folder.path().join("sequence");
    image_folder(&sequence, "png", 11, |frame| numbered(64, 48, frame)).unwrap();
    assert_eq!(kind(&sequence, ImageFolders::Auto), ItemKind::Sequence);
    assert_eq!(kind(&sequence, ImageFolders::Stills), ItemKind::Stills);
    let mut names: Vec<_> = std::fs::read_dir(&sequence).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    write_image(&names[3], &Picture::filled(32, 48, [1; 3])).unwrap();
    assert_eq!(kind(&sequence, ImageFolders::Auto), ItemKind::Stills);
    let forced = probe(sequence.to_str().unwrap(), ImageFolders::Sequence).unwrap();
    assert!(forced.items.is_empty() && forced.refused[0].1.contains("one size"));
    write_image(&names[3], &Picture::filled(64, 48, [1; 3])).unwrap();
    std::fs::remove_file(&names[5]).unwrap();
    assert_eq!(kind(&sequence, ImageFolders::Auto), ItemKind::Stills);
}

#[test]
fn headers_fill_the_item() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(160, 120, 50)
        .rate(30_000, 1001)
        .colour("bt709", "bt709", "bt709", "tv")
        .audio(Audio::Tone(440.0, 1.0))
        .sample_aspect(3, 2)
        .rotation(90);
    let path = clip.write(&folder.path().join("a.mp4"), |frame| numbered(160, 120, frame)).unwrap();
    let item = probe(path.to_str().unwrap(), ImageFolders::Auto).unwrap().items.remove(0);
    assert_eq!((item.width, item.height, item.rotation), (120, 240, 90));
    assert_eq!(item.frame_rate.map(|rate| (rate.num, rate.den)), Some((30_000, 1001)));
    assert_eq!(item.pixel_aspect.map(|aspect| (aspect.num, aspect.den)), Some((3, 2)));
    assert_eq!((item.estimated_frames, item.bit_depth), (50, 8));
    assert_eq!((item.alpha, item.grey, item.has_audio), (false, false, true));
    assert_eq!(item.codec, "h264");
    let colour = item.colour.unwrap();
    assert_eq!([colour.primaries, colour.transfer, colour.matrix, colour.range], ["bt709", "bt709", "bt709", "tv"]);
    assert_eq!(item.bytes, std::fs::metadata(&path).unwrap().len());
}
