//! Every frame is the frame that its number says, at the time the file says.
use crate::film::{Film, Shown, decoders};
use framefleet_decode::{Decoders, Deinterlace};
use framefleet_frames::frame::channel_bytes;
use framefleet_frames::{IndexRequest, Rendition};
use framefleet_index::index;
use framefleet_testkit::{Clip, Timing, numbered, read_number, read_number16, repeat};
use std::path::PathBuf;

const FRAMES: u64 = 45;

fn write(clip: &Clip, size: (u32, u32), name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = clip.write(&folder.path().join(name), |frame| numbered(size.0, size.1, frame)).unwrap();
    (folder, path)
}

fn number(shown: &Shown) -> Option<u64> {
    let (width, height) = (shown.slot.width, shown.slot.height);
    if channel_bytes(shown.slot.format) == 1 {
        return read_number(&shown.pixels, width, height);
    }
    let samples: Vec<u16> = shown.pixels.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    read_number16(&samples, width, height)
}

/// Frames are numbered 0, 1, … and carry the times of the clip, read in order and then backwards, by fresh decoders.
fn check(clip: &Clip, name: &str) {
    let (_folder, path) = write(clip, (160, 120), name);
    let film = Film::open(&path);
    assert_eq!(film.damage, None);
    assert_eq!(film.item.estimated_frames, FRAMES);
    for (time, expected) in film.pts_ns().iter().zip(clip.pts_ns()) {
        assert!((time - expected).abs() <= 1_000_000, "{name}: {time} is not {expected}");
    }
    let in_order = film.all(&decoders());
    let numbers: Vec<Option<u64>> = in_order.iter().map(number).collect();
    assert_eq!(numbers, (0..FRAMES).map(Some).collect::<Vec<_>>(), "{name}");
    let decoders = decoders();
    for batch in film.batches.iter().rev() {
        let (shown, failures) = film.batch(&decoders, batch, Rendition::Full);
        assert_eq!(failures, [], "{name}");
        assert_eq!(shown[..], in_order[batch.start as usize..][..shown.len()], "{name}: batch {} differs", batch.start);
    }
}

fn clip() -> Clip {
    Clip::new(160, 120, FRAMES)
}

#[test]
fn h264_with_b_frames() {
    check(&clip().b_frames(3), "a.mp4");
    check(&clip().b_frames(3), "a.mkv");
}

#[test]
fn h264_with_open_gops() {
    check(&clip().b_frames(3).arguments(["-x264-params", "open-gop=1:b-pyramid=normal"]), "a.mkv");
}

#[test]
fn h264_without_timestamps() {
    check(&clip().b_frames(3), "a.h264");
    check(&clip().b_frames(2), "a.avi");
}

#[test]
fn h265() {
    check(&clip().codec("libx265", "yuv420p").b_frames(3).quality(20), "a.mp4");
}

#[test]
fn transport_stream() {
    check(&clip().b_frames(2), "a.ts");
}

#[test]
fn mpeg4_in_avi() {
    check(&clip().codec("mpeg4", "yuv420p").quality(2).b_frames(0), "a.avi");
    check(&clip().codec("mpeg4", "yuv420p").quality(2).b_frames(2), "a.avi");
}

#[test]
fn mpeg2_program_stream() {
    check(&clip().codec("mpeg2video", "yuv420p").quality(2).b_frames(2), "a.mpg");
}

#[test]
fn mjpeg() {
    check(&clip().codec("mjpeg", "yuvj420p").quality(2).b_frames(0), "a.avi");
    check(&clip().codec("mjpeg", "yuvj420p").quality(2).b_frames(0), "a.mov");
}

#[test]
fn vp8_and_vp9() {
    check(
        &clip().codec("libvpx", "yuv420p").arguments(["-b:v", "2M", "-auto-alt-ref", "1", "-lag-in-frames", "16"]),
        "a.webm",
    );
    check(&clip().codec("libvpx-vp9", "yuv420p").arguments(["-b:v", "2M", "-cpu-used", "8"]), "a.webm");
}

#[test]
fn prores_and_ffv1() {
    check(&clip().codec("prores_ks", "yuv422p10le"), "a.mov");
    check(&clip().codec("ffv1", "yuv420p"), "a.mkv");
    check(&clip().codec("ffv1", "gbrp16le"), "a.mkv");
}

#[test]
fn variable_frame_rate() {
    let ticks: Vec<u32> = (0..FRAMES as u32).map(|frame| 10 + frame * 7 % 50).collect();
    let clip = clip().timing(Timing::Durations { ticks_per_second: 1000, ticks });
    check(&clip, "a.mp4");
    check(&clip, "a.mkv");
}

#[test]
fn batches_are_the_same_in_any_order_and_in_parallel() {
    let (_folder, path) = write(&clip().gop(10).b_frames(2), (160, 120), "a.mp4");
    let film = Film::open(&path);
    let expected = film.all(&decoders());
    let shared = Decoders::new(Deinterlace::Off, 2);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (film, shared, expected) = (&film, &shared, &expected);
            scope.spawn(move || {
                for step in 0..12 {
                    let batch = &film.batches[(step * 5 + thread * 3) % film.batches.len()];
                    let (shown, _) = film.batch(shared, batch, Rendition::Full);
                    assert_eq!(shown[..], expected[batch.start as usize..][..shown.len()]);
                }
            });
        }
    });
}

#[test]
fn sampled_frames_are_those_of_the_whole() {
    let (_folder, path) = write(&clip(), (160, 120), "a.mp4");
    let film = Film::open(&path);
    let expected = film.all(&decoders());
    let decoders = decoders();
    for batch in &film.batches {
        let wanted: Vec<u64> =
            (batch.start..batch.start + batch.pts_ns.len() as u64).filter(|frame| frame % 5 == 3).collect();
        let (shown, failures) = film.frames(&decoders, batch, &wanted, Rendition::Full);
        assert_eq!(failures, []);
        let expected: Vec<Shown> = wanted.iter().map(|&frame| expected[frame as usize].clone()).collect();
        assert_eq!(shown, expected);
    }
}

#[test]
fn digests_name_what_a_batch_is_made_of() {
    let (folder, path) = write(&clip().gop(8), (160, 120), "a.mkv");
    let film = Film::open(&path);
    let digests = |film: &Film| film.batches.iter().map(|batch| batch.digest.clone()).collect::<Vec<_>>();
    // Another container, the same packets and times.
    let remuxed = folder.path().join("b.mkv");
    repeat(&path, &remuxed, 2).unwrap();
    let longer = Film::open(&remuxed);
    assert_eq!(longer.item.estimated_frames, 2 * FRAMES);
    let whole = FRAMES as usize / 8;
    assert_eq!(digests(&film)[..whole], digests(&longer)[..whole], "what comes after changed a digest");
    let distinct: std::collections::BTreeSet<_> = digests(&film).into_iter().collect();
    assert_eq!(distinct.len(), film.batches.len());
    let (_other, changed) = write(&clip().gop(8).quality(20), (160, 120), "a.mkv");
    assert_ne!(digests(&film)[0], digests(&Film::open(&changed))[0]);
}

#[test]
fn decode_ranges_begin_where_key_frames_are() {
    let (_folder, path) = write(&clip().gop(16), (160, 120), "a.mp4");
    let film = Film::open(&path);
    let seekable: Vec<u64> = film.batches.iter().filter(|batch| batch.seekable).map(|batch| batch.start).collect();
    assert_eq!(seekable, [0, 16, 32]);
}

#[test]
fn indexing_stops_when_asked() {
    let (_folder, path) = write(&Clip::new(64, 48, 300).gop(5), (64, 48), "a.mp4");
    let probed = framefleet_probe::probe(path.to_str().unwrap(), Default::default()).unwrap();
    let mut calls = 0;
    index(&probed.items[0], IndexRequest::fresh(4), Deinterlace::Off, &mut |batches| {
        assert!(!batches.is_empty());
        calls += 1;
        calls < 2
    })
    .unwrap();
    assert_eq!(calls, 2);
}
