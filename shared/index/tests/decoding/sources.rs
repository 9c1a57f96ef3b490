//! Which items a source has.
use framefleet_frames::{ItemKind, ReadError, passed_over};
use framefleet_probe::{ImageFolders, probe};
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
    assert!(matches!(probe(&at(""), ImageFolders::Auto), Err(ReadError::Empty { .. })));
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
    assert_eq!(kind(&sequence, ImageFolders::Auto), ItemKind::Sequence, "a gap is no end");
    std::fs::remove_file(&names[7]).unwrap();
    assert_eq!(kind(&sequence, ImageFolders::Auto), ItemKind::Stills, "many are");
}

#[test]
fn lists_of_any_editor_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["a.mp4", "b b.mp4", " c.mp4"] {
        video(&root.join(name));
    }
    let text = "a.mp4\r\n  b b.mp4 \r\n c.mp4\r\n";
    let wide = |unit: fn(u16) -> [u8; 2]| {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(unit).collect::<Vec<u8>>()
    };
    let lists = [format!("\u{feff}{text}").into_bytes(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)];
    for (number, list) in lists.into_iter().enumerate() {
        let path = root.join(format!("{number}.txt"));
        std::fs::write(&path, list).unwrap();
        let probed = probe(path.to_str().unwrap(), ImageFolders::Auto).unwrap();
        assert_eq!((probed.items.len(), probed.refused), (3, Vec::new()), "list {number}");
    }
}

#[test]
fn what_exists_under_a_name_comes_before_patterns() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    video(&root.join("show [1080p]/a [x].mp4"));
    video(&root.join("show [1080p]/b.mp4"));
    // Siblings in which nothing is looked for: a loop and a link to nowhere.
    std::fs::create_dir(root.join("show [1080p]/loop")).unwrap();
    std::os::unix::fs::symlink(root, root.join("show [1080p]/loop/back")).unwrap();
    std::os::unix::fs::symlink("nowhere", root.join("show [1080p]/broken.txt")).unwrap();
    let at = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let probed = probe(&at("show [1080p]/*.mp4"), ImageFolders::Auto).unwrap();
    assert_eq!(probed.items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["a [x].mp4", "b.mp4"]);
    assert_eq!(probed.refused, []);
    assert_eq!(names(&at("show [1080p]/a [x].mp4")), ["a [x].mp4"]);
    assert_eq!(names(&at("show*/[ab].mp4")), ["show [1080p]/b.mp4"]);
    assert!(probe(&at("show [1080p]"), ImageFolders::Auto).unwrap().refused.len() >= 2, "the whole folder has them");
}

#[test]
fn files_of_other_kinds_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    video(&root.join("a.mp4"));
    for name in ["b.insv", "c.360", "d.lrv", "e.dav", "f.m4s", "g.MJPG"] {
        std::fs::copy(root.join("a.mp4"), root.join(name)).unwrap();
    }
    let sound = root.join("voice.ogg");
    let tone = ["-v", "error", "-f", "lavfi", "-i", "sine=duration=0.2"];
    assert!(std::process::Command::new("ffmpeg").args(tone).arg(&sound).status().unwrap().success());
    for name in ["x.heic", "y.HEIC", "sub/z.xcf", "README", ".hidden"] {
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::write(root.join(name), b"?").unwrap();
    }
    let probed = probe(root.to_str().unwrap(), ImageFolders::Auto).unwrap();
    assert_eq!((probed.items.len(), &probed.refused[..]), (7, &[][..]));
    assert_eq!(
        passed_over(&probed.passed_over).unwrap(),
        "5 files of kinds not read: 1 without an extension, 2 .heic, 1 .xcf, 1 sound alone"
    );
    std::fs::create_dir(root.join("only")).unwrap();
    std::fs::write(root.join("only/x.heic"), b"?").unwrap();
    let error = probe(root.join("only").to_str().unwrap(), ImageFolders::Auto).unwrap_err().to_string();
    assert!(error.ends_with("1 file of a kind not read: 1 .heic"), "{error}");
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
