//! Damaged footage: what can be read is read, the rest is reported.
use crate::film::{Film, decoders};
use framefleet_decode::Deinterlace;
use framefleet_frames::Rendition;
use framefleet_probe::{ImageFolders, probe};
use framefleet_testkit::{Clip, corrupt_jpeg, corrupt_middle, image_folder, numbered, read_number, truncate};

#[test]
fn a_cut_file_gives_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(160, 120, 100);
    let whole = clip.write(&folder.path().join("a.mkv"), |frame| numbered(160, 120, frame)).unwrap();
    let cut = truncate(&whole, &folder.path().join("cut.mkv"), 0.5).unwrap();
    let film = Film::open(&cut);
    let frames = film.item.estimated_frames;
    assert!((20..80).contains(&frames), "{frames} frames");
    assert!(film.damage.as_deref().is_some_and(|damage| damage.contains("cut")), "{:?}", film.damage);
    let decoders = decoders();
    let mut seen = 0;
    for batch in &film.batches {
        let (shown, failures) = film.batch(&decoders, batch, Rendition::Full);
        assert_eq!(shown.len() + failures.len(), batch.pts_ns.len());
        for shown in shown {
            // The picture that the cut went through is left out.
            let number = (shown.slot.pts_ns as f64 / 40e6).round() as u64;
            assert_eq!(read_number(&shown.pixels, 160, 120), Some(number));
            seen += 1;
        }
    }
    assert!(seen + 2 >= frames, "{seen} of {frames}");
}

/// The table of durations of an MP4 claims four billion frames of the first duration: the length that is promised before the file is read
/// stays within what it can hold, and indexing counts what is there.
#[test]
fn a_header_that_claims_billions_of_frames_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = Clip::new(160, 120, 50).write(&folder.path().join("a.mp4"), |frame| numbered(160, 120, frame)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let table = bytes.windows(4).position(|window| window == b"stts").unwrap();
    // Kind, version and flags, number of entries, then the count of the first.
    bytes[table + 12..table + 16].copy_from_slice(&u32::MAX.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let probed = probe(path.to_str().unwrap(), ImageFolders::Auto).unwrap();
    let promised = probed.items[0].estimated_frames;
    assert!((1..=bytes.len() as u64 / 8).contains(&promised), "{promised} frames in {} bytes", bytes.len());
    assert_eq!(Film::open(&path).item.estimated_frames, 50);
}

#[test]
fn damage_in_the_middle_fails_frames_and_spares_others() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(160, 120, 80).b_frames(0);
    let whole = clip.write(&folder.path().join("a.mkv"), |frame| numbered(160, 120, frame)).unwrap();
    let damaged = corrupt_middle(&whole, &folder.path().join("damaged.mkv"), 3000).unwrap();
    let film = Film::open(&damaged);
    let decoders = decoders();
    let (mut good, mut failed) = (0, 0);
    for batch in &film.batches {
        let (shown, failures) = film.batch(&decoders, batch, Rendition::Full);
        assert_eq!(shown.len() + failures.len(), batch.pts_ns.len());
        assert!(failures.iter().all(|failure| failure.code == "decode" && !failure.reason.is_empty()));
        failed += failures.len();
        good += shown.iter().filter(|shown| read_number(&shown.pixels, 160, 120).is_some()).count();
    }
    assert!(good >= 40, "{good} good, {failed} failed");
}

#[test]
fn files_that_are_no_videos_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.mp4"), b"").unwrap();
    std::fs::write(folder.path().join("text.mp4"), "no video at all\n".repeat(200)).unwrap();
    std::fs::write(folder.path().join("list.mkv"), "ffconcat version 1.0\nfile 'secret.mp4'\n").unwrap();
    std::fs::write(
        folder.path().join("play.mov"),
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://example.com/a.ts\n",
    )
    .unwrap();
    let good = Clip::new(64, 48, 5).write(&folder.path().join("good.mp4"), |frame| numbered(64, 48, frame)).unwrap();
    let probed = probe(folder.path().to_str().unwrap(), ImageFolders::Auto).unwrap();
    assert_eq!(probed.items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["good.mp4"]);
    assert!(good.exists());
    let names: Vec<&str> = probed.refused.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["empty.mp4", "list.mkv", "play.mov", "text.mp4"]);
    assert!(probed.refused[0].1.contains("empty"), "{}", probed.refused[0].1);
    assert!(probed.refused[3].1.contains("not readable as a video"), "{}", probed.refused[3].1);
}

#[test]
fn a_corrupt_image_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    image_folder(folder.path(), "jpg", 6, |frame| numbered(160, 120, frame)).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    corrupt_jpeg(&names[2]).unwrap();
    let bytes = std::fs::read(&names[4]).unwrap();
    std::fs::write(&names[4], &bytes[..bytes.len() * 2 / 3]).unwrap();
    let film = Film::open_with(folder.path(), Deinterlace::Auto, 4);
    assert_eq!(film.item.files.len(), 6);
    let decoders = decoders();
    let mut failed = Vec::new();
    for batch in &film.batches {
        let (shown, failures) = film.batch(&decoders, batch, Rendition::Full);
        assert_eq!(shown.len() + failures.len(), batch.pts_ns.len());
        failed.extend(failures.iter().map(|failure| failure.frame));
        for shown in shown {
            assert_eq!(read_number(&shown.pixels, 160, 120), Some(shown.slot.frame));
        }
    }
    assert_eq!(failed, [2, 4]);
}

#[test]
fn an_absurd_image_is_refused_before_it_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    // A PNG header of 60,000 × 60,000 pixels with hardly any data behind it.
    let mut png = vec![0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13];
    let mut header = b"IHDR".to_vec();
    header.extend(60_000u32.to_be_bytes());
    header.extend(60_000u32.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    png.extend(&header);
    png.extend(crc32(&header).to_be_bytes());
    png.extend([0, 0, 0, 1, b'I', b'D', b'A', b'T', 0, 0, 0, 0, 0]);
    std::fs::write(folder.path().join("bomb.png"), png).unwrap();
    let probed = probe(folder.path().to_str().unwrap(), ImageFolders::Auto).unwrap();
    assert!(probed.items.is_empty());
    assert!(probed.refused[0].1.contains("60000×60000"), "{}", probed.refused[0].1);
}

/// CRC-32 as PNG has it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

/// Noise in the middle of a Matroska file: the demuxer goes on behind it, and what is missing is reported with its times.
#[test]
fn frames_that_a_container_lost_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(160, 120, 100).b_frames(0).gop(25);
    let whole = clip.write(&folder.path().join("a.mkv"), |frame| numbered(160, 120, frame)).unwrap();
    let damaged = corrupt_middle(&whole, &folder.path().join("damaged.mkv"), 4000).unwrap();
    let film = Film::open(&damaged);
    assert!(film.item.estimated_frames < 100);
    let damage = film.damage.clone().unwrap_or_default();
    assert!(damage.contains("are missing") && damage.contains(" s and "), "{damage:?}");
    for batch in &film.batches {
        let (shown, _) = film.batch(&decoders(), batch, Rendition::Full);
        for shown in shown {
            let expected = (shown.slot.pts_ns as f64 / 40e6).round() as u64;
            assert_eq!(read_number(&shown.pixels, 160, 120), Some(expected), "a picture that is shown is right");
        }
    }
}

/// Motion JPEG: the decoder pads what is missing of a picture; that frame has failed, and only that.
#[test]
fn a_damaged_picture_of_motion_jpeg_fails() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.avi", "a.mov", "a.mkv"] {
        let clip = Clip::new(160, 120, 40).codec("mjpeg", "yuvj420p").quality(3).b_frames(0);
        let whole = clip.write(&folder.path().join(name), |frame| numbered(160, 120, frame)).unwrap();
        let damaged = corrupt_middle(&whole, &folder.path().join(format!("damaged-{name}")), 60).unwrap();
        let film = Film::open(&damaged);
        assert_eq!(film.item.estimated_frames, 40);
        let mut failed = Vec::new();
        for batch in &film.batches {
            let (shown, failures) = film.batch(&decoders(), batch, Rendition::Full);
            failed.extend(failures.iter().map(|failure| failure.frame));
            for shown in shown {
                assert_eq!(read_number(&shown.pixels, 160, 120), Some(shown.slot.frame));
            }
        }
        assert_eq!(failed.len(), 1, "{name}: {failed:?}");
    }
}

/// A transport stream that lost packets: the frames that they belong to have failed, with those that are predicted from them.
#[test]
fn lost_packets_of_a_transport_stream_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(160, 120, 100).b_frames(0).gop(25);
    let whole = clip.write(&folder.path().join("a.ts"), |frame| numbered(160, 120, frame)).unwrap();
    let bytes = std::fs::read(&whole).unwrap();
    let packets = bytes.len() / 188;
    let kept = [&bytes[..packets / 2 * 188], &bytes[(packets / 2 + 30) * 188..]].concat();
    let damaged = folder.path().join("damaged.ts");
    std::fs::write(&damaged, kept).unwrap();
    let film = Film::open(&damaged);
    let mut failed = 0;
    for batch in &film.batches {
        let (shown, failures) = film.batch(&decoders(), batch, Rendition::Full);
        failed += failures.len();
        for shown in shown {
            let expected = (shown.slot.pts_ns as f64 / 40e6).round() as u64;
            assert_eq!(read_number(&shown.pixels, 160, 120), Some(expected), "a picture that is shown is right");
        }
    }
    let reported = film.damage.is_some_and(|damage| damage.contains("are missing"));
    assert!(failed > 0 && (reported || film.item.estimated_frames == 100), "{failed} failed");
}

#[test]
fn reasons_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Clip::new(64, 48, 50).write(&folder.path().join("a.mp4"), |frame| numbered(64, 48, frame)).unwrap();
    let cut = truncate(&whole, &folder.path().join("cut.mp4"), 0.6).unwrap();
    let probed = probe(cut.to_str().unwrap(), ImageFolders::Auto).unwrap();
    assert!(probed.refused[0].1.contains("moov atom not found"), "{}", probed.refused[0].1);
    let noise: Vec<u8> = (0..20_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let path = folder.path().join("noise.mkv");
    std::fs::write(&path, noise).unwrap();
    let probed = probe(path.to_str().unwrap(), ImageFolders::Auto).unwrap();
    assert!(probed.refused[0].1.contains("Invalid data found"), "{}", probed.refused[0].1);
}
