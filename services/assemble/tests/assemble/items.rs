//! What befalls one item of a job, and what films keep of their source beside pictures and sound.
use super::*;
use framefleet_frames::ItemFailure;
use framefleet_testkit::remux;

/// The films of several sources, by name, and the items that failed.
fn films(
    sources: &[&Source],
    folder: &Path,
    spoil: &dyn Fn(&str, &Path),
) -> (Vec<(String, PathBuf)>, Vec<ItemFailure>) {
    let stage = AssembleStage::load(&Host::default(), &AssembleSettings::default()).unwrap();
    let mut kept = Kept::new(Vec::new());
    for source in sources {
        let run = Run::whole(source, Encoding::Auto);
        kept.records.extend(run.records(source));
        let pieces = run.attachments(&stage, source, &scratch(folder, &format!("pieces of {}", source.item.name)));
        pieces.iter().for_each(|(item, _, path)| spoil(item, path));
        kept.attachments.extend(pieces);
    }
    let mut out = Outputs::new(&scratch(folder, "finish"));
    let items = sources.iter().map(|source| source.item.clone()).collect();
    stage.finish(&job("assemble", items, folder), &kept, &mut out).unwrap();
    let made = out.into_output();
    let films = made.artifacts.iter().map(|film| (film.name().to_owned(), film.path().to_owned())).collect();
    (films, made.annotations.failed_items)
}

#[test]
fn a_film_that_cannot_be_joined_takes_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let sources = ["a.mp4", "b.mp4", "c.mp4"].map(|name| source(folder.path(), name));
    let spoil = |item: &str, piece: &Path| {
        if item == "b.mp4" {
            std::fs::write(piece, "no piece").unwrap();
        }
    };
    let (films, failed) = films(&sources.each_ref(), folder.path(), &spoil);
    assert_eq!(films.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a.mp4", "c.mp4"]);
    assert!(films.iter().all(|(_, path)| numbers(path) == (0..60).collect::<Vec<_>>()));
    let [failure] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!((failure.item.as_str(), failure.code.as_str()), ("b.mp4", "bad-input"));
    assert!(failure.reason.contains("Invalid data found"), "{}", failure.reason);
}

/// Sound whose times step back once: it comes along, in step behind that.
#[test]
fn sound_that_steps_back_comes_along() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), "a.mp4");
    for name in ["b.flv", "b.mkv", "b.mov"] {
        // Ten packets come 200 ms early.
        let early = "between(N,40,49)*0.2/TB";
        let expression = format!("setts=pts='PTS-{early}':dts='DTS-{early}'");
        let path = folder.path().join(name);
        if remux(Path::new(&source.item.location), &path, &["-bsf:a", &expression]).is_err() {
            continue;
        }
        let other = Source::open(&path);
        let (films, failed) = films(&[&source, &other], &scratch(folder.path(), &format!("run {name}")), &|_, _| ());
        assert_eq!((films.len(), &failed[..]), (2, &[][..]), "{name}");
        let probe = ffprobe(&films[1].1).unwrap();
        let packets = |probe: &Value| stream(probe, "audio")["nb_read_packets"].clone();
        assert_eq!(packets(&probe), packets(&ffprobe(&path).unwrap()), "{name}");
        assert_eq!(numbers(&films[1].1), (0..60).collect::<Vec<_>>());
    }
}

/// No container carries a sound that nobody knows: the film is there, silent, and its item has failed.
#[test]
fn a_film_is_never_silent_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), "a.mkv");
    // The codec's name in the track becomes another of the same length.
    let path = Path::new(&source.item.location);
    let mut bytes = std::fs::read(path).unwrap();
    let names: &[(&[u8], &[u8])] = &[(b"A_AAC", b"A_XYZ"), (b"A_VORBIS", b"A_XORBIS")];
    for (name, other) in names {
        while let Some(at) = bytes.windows(name.len()).position(|window| window == *name) {
            bytes[at..at + name.len()].copy_from_slice(other);
        }
    }
    std::fs::write(path, bytes).unwrap();
    let (films, failed) = films(&[&source], folder.path(), &|_, _| ());
    assert_eq!(films.len(), 1);
    assert_eq!(failed.iter().map(|failure| failure.code.as_str()).collect::<Vec<_>>(), ["sound"]);
    assert!(failed[0].reason.contains("silent"), "{}", failed[0].reason);
}

#[test]
fn what_a_telephone_says_of_a_film_is_kept_or_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let plain = source(folder.path(), "a.mov");
    let tags = [
        "-metadata",
        "title=a title",
        "-metadata",
        "com.apple.quicktime.make=ACME",
        "-metadata",
        "com.apple.quicktime.location.ISO6709=+10.0000+020.0000/",
    ];
    for (name, flags) in [("b.mov", "use_metadata_tags"), ("b.mp4", "use_metadata_tags"), ("b.mkv", "faststart")] {
        let path = folder.path().join(name);
        remux(Path::new(&plain.item.location), &path, &[&tags[..], &["-movflags", flags]].concat()).unwrap();
        let source = Source::open(&path);
        let (film, _, statistics) =
            Run::whole(&source, Encoding::Auto).film(&source, &scratch(folder.path(), &format!("run {name}")));
        let (mine, theirs) = (ffprobe(&film).unwrap(), ffprobe(&path).unwrap());
        for key in ["title", "com.apple.quicktime.make", "com.apple.quicktime.location.ISO6709"] {
            let find = |probe: &Value| {
                let tags = probe["format"]["tags"].as_object().cloned().unwrap_or_default();
                tags.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(key)).map(|(_, value)| value)
            };
            assert_eq!(find(&mine), find(&theirs), "{name}: {key}");
        }
        assert_eq!(statistics["films"][name]["left_out"], serde_json::json!([]), "{name}");
    }
}
