//! Frames that steps make, of another size, depth and colour, through whole jobs.
use crate::fleet::TestJob;
use crate::footage::folder;
use crate::processes::Fleet;
use crate::program;
use crate::video::{run_with, stream};
use framefleet_frames::Outcome;
use framefleet_ledger::{Ledger, Output};
use framefleet_testkit::{
    Audio, Clip, MovingSquare, Picture, Texture, decode_errors, decode_rgb8, ffprobe, frame_times, write_image,
};
use futures::StreamExt as _;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FRAMES: u64 = 48;

/// ×1/2; ×2 of ×2; 16 bits in another colour; and of those, 8 bits in a third one.
const EVERY_MAKER: &str = r#"
name = "every-maker"

[steps.half]
stage = "resize"
input = "source"
settings = { scale = [1, 2] }
[steps.half-film]
stage = "assemble"
settings = { encoding = "h264", group = 1 }

[steps.double]
stage = "resize"
input = "source"
settings = { scale = [2, 1] }
[steps.quad]
stage = "resize"
settings = { scale = [2, 1] }
[steps.quad-film]
stage = "assemble"
settings = { encoding = "h264", group = 1 }

[steps.deep]
stage = "resize"
input = "source"
settings = { scale = [1, 1], bits = 16, colour = ["bt2020", "smpte2084", "bt2020nc", "tv"] }
[steps.deep-film]
stage = "assemble"
settings = { encoding = "h265", group = 1 }
[steps.deep-lossless]
stage = "assemble"
settings = { encoding = "ffv1", group = 1 }

[steps.shown]
stage = "resize"
input = "deep"
settings = { long_edge = 48, bits = 8, colour = ["smpte170m", "smpte170m", "smpte170m", "tv"] }
[steps.shown-film]
stage = "assemble"
settings = { encoding = "h264", group = 1 }
"#;

/// A film that a step makes: the step, the file, its size, pixel format and tags.
type MadeFilm = (&'static str, &'static str, (u32, u32), &'static str, [&'static str; 4]);

const FILMS: [MadeFilm; 5] = [
    ("half-film", "film.mp4", (48, 32), "yuv420p", ["bt709", "bt709", "bt709", "tv"]),
    ("quad-film", "film.mp4", (384, 256), "yuv420p", ["bt709", "bt709", "bt709", "tv"]),
    ("deep-film", "film.mp4", (96, 64), "yuv420p12le", ["bt2020", "smpte2084", "bt2020nc", "tv"]),
    ("deep-lossless", "film.mkv", (96, 64), "gbrp16le", ["bt2020", "smpte2084", "gbr", "pc"]),
    ("shown-film", "film.mp4", (48, 32), "yuv420p", ["smpte170m", "smpte170m", "smpte170m", "tv"]),
];

fn film(folder: &Path) -> PathBuf {
    let texture = Texture::noise(11).view(96, 64, &framefleet_testkit::Similarity::default());
    Clip::new(96, 64, FRAMES)
        .gop(24)
        .colour("bt709", "bt709", "bt709", "tv")
        .audio(Audio::Tone(440.0, FRAMES as f64 / 25.0))
        .write(&folder.join("film.mp4"), |_| texture.clone())
        .unwrap()
}

fn pipeline(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("made.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// In one process and over a real bus, by workers of everything and by workers of each stage.
#[test]
fn films_have_the_size_depth_and_tags_of_their_makers() {
    let work = folder();
    let (source, pipeline) = (film(work.path()), pipeline(work.path(), EVERY_MAKER));
    let output = work.path().join("out");
    run_with(&source, &pipeline, &output, &[]);
    for (step, name, (width, height), pixels, tags) in FILMS {
        let film = output.join("artifacts").join(step).join(name);
        let probe = ffprobe(&film).unwrap();
        let video = stream(&probe, "video");
        assert_eq!((&video["width"], &video["height"]), (&Value::from(width), &Value::from(height)), "{step}");
        assert_eq!(video["pix_fmt"], pixels, "{step}");
        let found = ["color_primaries", "color_transfer", "color_space", "color_range"].map(|tag| &video[tag]);
        assert_eq!(found.map(|tag| tag.as_str().unwrap_or_default()), tags, "{step}");
        assert_eq!(frame_times(&film).unwrap().len() as u64, FRAMES, "{step}");
        assert_eq!(decode_errors(&film).unwrap(), "", "{step}");
        assert_eq!(stream(&probe, "audio")["codec_type"], "audio", "{step}");
    }
    let mut fleet = Fleet::start(1);
    for stage in ["ingest", "resize", "assemble"] {
        fleet.start_worker(&["--stage", stage, "--slots", "1"]);
    }
    let over_the_bus = work.path().join("fleet");
    fleet.wait_done(&fleet.submit(&source, &over_the_bus, &["--pipeline", pipeline.to_str().unwrap()]));
    assert_eq!(program::digest(&over_the_bus), program::digest(&output));
}

/// Frames that are too many for the memory of whole batches go through in parts, and make the film that they make anyway.
#[test]
fn a_batch_of_made_frames_need_not_fit_into_memory() {
    let work = folder();
    let source = Clip::new(160, 90, 10)
        .write(&work.path().join("film.mp4"), |n| framefleet_testkit::numbered(160, 90, n))
        .unwrap();
    // ×32: 44 MB a frame, of which six make a part at most; of 32 frames in a batch, four.
    let text = "[steps.resize.settings]\nscale = [32, 1]\n[steps.again]\nstage = \"resize\"\n\
                settings = { scale = [1, 32] }\n[steps.assemble.settings]\nencoding = \"ffv1\"\n";
    let (pipeline, output) = (pipeline(work.path(), text), work.path().join("out"));
    run_with(&source, &pipeline, &output, &["--memory", "1GiB"]);
    let found = decode_rgb8(&output.join("artifacts/assemble/film.mkv")).unwrap();
    let numbers = found.iter().map(|picture| framefleet_testkit::read_number(&picture.rgb, 160, 90));
    assert_eq!(numbers.collect::<Vec<_>>(), (0..10).map(Some).collect::<Vec<_>>());
    let other = work.path().join("other");
    run_with(&source, &pipeline, &other, &["--memory", "4GiB", "--threads", "1"]);
    assert_eq!(program::digest(&other), program::digest(&output), "memory is no part of the answer");
}

/// Masks are found on the source, holes and backgrounds are made at twice the size: at the same places.
#[test]
fn coordinates_fit_frames_that_were_enlarged() {
    let work = folder();
    let size = (96, 64);
    let mut scene = MovingSquare::new(size.0, size.1, 5);
    (scene.square, scene.velocity) = ((20.0, 16.0, 24.0), (0.5, 0.0));
    let source = Clip::new(size.0, size.1, 8)
        .codec("ffv1", "gbrp")
        .write(&work.path().join("film.mkv"), |n| scene.paint(n))
        .unwrap();
    let text = "[steps.cover.settings]\nsquare = [20.0, 16.0, 24.0]\nvelocity = [0.5, 0.0]\n\
                [steps.resize]\n[steps.plain]\nstage = \"assemble\"\nsettings = { encoding = \"ffv1\" }\n\
                [steps.composite]\ninput = \"resize\"\nsettings = { edge_percent = 0.0, feather_percent = 0.0 }\n\
                [steps.cut]\nstage = \"assemble\"\nsettings = { encoding = \"ffv1\" }\n\
                [steps.inpainting]\ninput = \"resize\"\nsettings = { rest = \"telea\", window = 0, grow_percent = 0.5 }\n\
                [steps.filled]\nstage = \"assemble\"\nsettings = { encoding = \"ffv1\" }\n";
    let (pipeline, output) = (pipeline(work.path(), text), work.path().join("out"));
    run_with(&source, &pipeline, &output, &[]);
    let of = |step: &str| decode_rgb8(&output.join(format!("artifacts/{step}/film.mkv"))).unwrap();
    let (plain, cut, filled) = (of("plain"), of("cut"), of("filled"));
    for (n, ((plain, cut), filled)) in plain.iter().zip(&cut).zip(&filled).enumerate() {
        assert_eq!((plain.width, plain.height), (2 * size.0, 2 * size.1));
        let [left, top, right, bottom] = scene.square_at(n as u64).map(|side| 2.0 * side);
        let (mut inside, mut changed) = (0, 0);
        for (x, y) in (0..plain.height).flat_map(|y| (0..plain.width).map(move |x| (x, y))) {
            let (px, py) = (f64::from(x), f64::from(y));
            // Masks have whole pixels of the source.
            let within = |by: f64| px >= left - by && px < right + by && py >= top - by && py < bottom + by;
            if within(-2.0) {
                assert_eq!(cut.get(x, y), plain.get(x, y), "frame {n}: {x}, {y} is kept");
                inside += 1;
                changed += u32::from(filled.get(x, y) != plain.get(x, y));
            } else if !within(2.0) {
                assert_eq!(cut.get(x, y), [0, 0xb1, 0x40], "frame {n}: {x}, {y} is background");
                assert!(within(6.0) || filled.get(x, y) == plain.get(x, y), "frame {n}: {x}, {y} is no hole");
            }
        }
        assert!(inside > 1800 && changed > inside / 2, "frame {n}: {changed} of {inside} pixels were filled");
    }
}

/// Cut-outs before nothing keep their alpha: films in a codec that has it, photographs as PNG where theirs has none.
#[test]
fn cut_outs_without_a_background_are_written_with_alpha() {
    let work = folder();
    let source = work.path().join("source");
    std::fs::create_dir_all(source.join("photos")).unwrap();
    film(&source);
    for name in ["a.jpg", "b.png"] {
        let picture = Picture::from_fn(160, 90, |x, y| [(3 * x % 250) as u8, (2 * y % 250) as u8, 90]);
        write_image(&source.join("photos").join(name), &picture).unwrap();
    }
    let text = "[steps.cover.settings]\nsquare = [10.0, 10.0, 24.0]\n\
                [steps.composite.settings]\nbackground = \"transparent\"\n[steps.assemble]\n";
    let (pipeline, output) = (pipeline(work.path(), text), work.path().join("out"));
    run_with(&source, &pipeline, &output, &[]);
    let artifacts = output.join("artifacts/assemble");
    let format = |file: &str| {
        let probe = ffprobe(&artifacts.join(file)).unwrap();
        stream(&probe, "video")["pix_fmt"].as_str().unwrap().to_owned()
    };
    assert!(format("film.mov").starts_with("yuva444p"), "{}", format("film.mov"));
    assert_eq!((format("photos/a.png"), format("photos/b.png")), ("rgba".to_owned(), "rgba".to_owned()));
    let cut = decode_rgb8(&artifacts.join("photos/a.png")).unwrap().swap_remove(0);
    assert_eq!(cut.get(100, 60), [0, 0, 0], "nothing of the background is left below alpha");
    assert_ne!(cut.get(20, 20), [0, 0, 0]);
}

/// A folder of photographs of four sizes: each is worked on at its own.
#[test]
fn every_still_has_its_own_size() {
    let work = folder();
    let pictures = work.path().join("pictures");
    std::fs::create_dir_all(&pictures).unwrap();
    let sizes = [("a.png", (160, 90)), ("b.jpg", (90, 160)), ("c.png", (64, 48)), ("d.jpg", (200, 120))];
    for (name, (width, height)) in sizes {
        let picture = Picture::from_fn(width, height, |x, y| [(3 * x % 250) as u8, (2 * y % 250) as u8, 90]);
        write_image(&pictures.join(name), &picture).unwrap();
    }
    let text = "[steps.cover.settings]\nsquare = [10.0, 10.0, 24.0]\n[steps.composite]\n\
                [steps.cut]\nstage = \"assemble\"\n\
                [steps.inpainting]\ninput = \"source\"\nsettings = { rest = \"telea\" }\n[steps.filled]\nstage = \"assemble\"\n\
                [steps.resize]\ninput = \"source\"\nsettings = { long_edge = 80 }\n[steps.small]\nstage = \"assemble\"\n";
    let (pipeline, output) = (pipeline(work.path(), text), work.path().join("out"));
    run_with(&pictures, &pipeline, &output, &[]);
    let long_edge = |(width, height): (u32, u32)| {
        let scaled = |side: u32| (2 * side * 80 + width.max(height)) / (2 * width.max(height));
        (scaled(width), scaled(height))
    };
    for step in ["cut", "filled", "small"] {
        let found = sizes_below(&output.join("artifacts").join(step));
        let expected =
            sizes.map(|(name, size)| (name.to_owned(), if step == "small" { long_edge(size) } else { size }));
        assert_eq!(found, BTreeMap::from(expected), "{step}");
    }
}

/// A larger picture that is added to a folder is worked on alone, and its size makes no other tasks of the others.
#[test]
fn a_larger_still_redoes_no_other() {
    let work = folder();
    let pictures = work.path().join("pictures");
    std::fs::create_dir_all(&pictures).unwrap();
    let write = |name: &str, side: u32| {
        let picture = Picture::from_fn(side, side, |x, y| [(3 * x % 250) as u8, (2 * y % 250) as u8, 90]);
        write_image(&pictures.join(name), &picture).unwrap();
    };
    // Letters: with numbers for names they would be a sequence.
    let name = |number: u8| format!("{}{}.png", char::from(b'a' + number / 26), char::from(b'a' + number % 26));
    (0..40).for_each(|number| write(&name(number), 64));
    let (pipeline, output) = (pipeline(work.path(), "[steps.resize]\n[steps.assemble]\n"), work.path().join("out"));
    let worked = || {
        run_with(&pictures, &pipeline, &output, &[]);
        ["resize", "assemble"].map(|step| program::worked(&output, step))
    };
    assert_eq!(worked(), [40, 40]);
    write("zz.png", 2500);
    assert_eq!(worked(), [1, 1]);
    assert_eq!(sizes_below(&output.join("artifacts/assemble"))["zz.png"], (5000, 5000));
}

/// Sizes of the images below a folder, by name.
fn sizes_below(folder: &Path) -> BTreeMap<String, (u32, u32)> {
    let mut sizes = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sizes.append(&mut sizes_below(&path));
            continue;
        }
        let probe = ffprobe(&path).unwrap();
        let video = stream(&probe, "video");
        let side = |key: &str| video[key].as_u64().unwrap() as u32;
        sizes.insert(path.file_name().unwrap().to_string_lossy().into_owned(), (side("width"), side("height")));
    }
    sizes
}

/// A frame that is not as its maker's rule says has failed, and says how; the others are there.
#[tokio::test(flavor = "multi_thread")]
async fn every_made_frame_is_checked() {
    let text = "[steps.resize.settings]\nscale = [2, 1]\nwrong = [5, 40]\n[steps.level]\n[steps.surround]\n";
    let job = TestJob::new(text, &[50]);
    let output = Output::in_memory();
    job.run(&output).await;
    let ledger = Ledger::read(output.clone()).await.unwrap();
    let manifests = ledger.manifests().await.unwrap();
    let of = |step: &str| manifests.iter().find(|manifest| manifest.step == step).unwrap();
    let rows: Vec<_> = ledger.rows(of("resize")).map(|row| row.unwrap()).collect().await;
    assert_eq!(rows.len(), 50);
    for row in &rows {
        let expected = match row.frame {
            5 | 40 => Outcome::Failed {
                code: "made-frame".to_owned(),
                reason: format!(
                    "step resize made frame {} with 33×16 RGB of 8 bits; of 16×8 RGB of 8 bits its plan says 32×16 RGB of 8 bits",
                    row.frame
                ),
            },
            _ => Outcome::Result,
        };
        assert_eq!(row.outcome, expected, "frame {}", row.frame);
    }
    let readers: Vec<_> = ledger.rows(of("surround")).map(|row| row.unwrap()).collect().await;
    let skipped = readers.iter().filter(|row| row.outcome != Outcome::Result).map(|row| row.frame);
    assert_eq!(skipped.collect::<Vec<_>>(), [5, 40]);
}

/// Makers of makers, in halves and doubles, by one thread and by many.
#[tokio::test(flavor = "multi_thread")]
async fn makers_of_makers_give_one_digest() {
    let text = "[steps.level]\n[steps.double]\nstage = \"resize\"\nsettings = { scale = [2, 1], bits = 16, radius = 2 }\n\
                [steps.third]\nstage = \"resize\"\nsettings = { scale = [1, 3], radius = 1 }\n[steps.surround]\n";
    let job = TestJob::new(text, &[70, 3]);
    let one = TestJob { threads: 1, ..job.clone() }.digest().await;
    assert_eq!(TestJob { threads: 8, ..job }.digest().await, one);
}
