//! Ingest as the runner drives it.
#![cfg(test)]

use framefleet_frames::{Rendition, frame::batch_frames};
use framefleet_stage::{HeapSink, IndexRequest, IngestRequest, PixelSink, SourceStage};
use framefleet_testkit::{Clip, Picture, image_folder, numbered, read_number, write_image};
use framefleet_testkit_stage::golden;
use ingest::{DeinterlaceSetting, Ingest, Settings};
use serde_json::{Map, json};

#[test]
fn a_video_goes_from_source_to_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::new(800, 480, 40);
    let path = clip.write(&folder.path().join("a.mp4"), |frame| numbered(800, 480, frame)).unwrap();
    let ingest = Ingest::new(Settings::default());
    let item = ingest.probe(path.to_str().unwrap()).unwrap().items.remove(0);
    let mut batches = Vec::new();
    let (item, damage) = ingest
        .index(&item, IndexRequest::fresh(batch_frames(&item)), &mut |more| {
            batches.extend(more);
            true
        })
        .unwrap();
    assert_eq!((damage, item.scan.as_str(), batches.len()), (None, "progressive", 2));
    let mut sink = HeapSink::default();
    let request = IngestRequest { batch: batches[1].clone(), proxy: vec![32, 35], full: vec![33, 35, 39] };
    let (ingested, failures) = ingest.ingest(&item, &request, &mut sink).unwrap();
    assert_eq!(failures, []);
    let places: Vec<_> =
        ingested.iter().map(|place| (place.rendition, place.frame, place.width, place.offset)).collect();
    let (proxy, full) = (640 * 384 * 3, 800 * 480 * 3);
    assert_eq!(
        places,
        [
            (Rendition::Proxy, 32, 640, 0),
            (Rendition::Proxy, 35, 640, proxy),
            (Rendition::Full, 33, 800, 0),
            (Rendition::Full, 35, 800, full),
            (Rendition::Full, 39, 800, 2 * full),
        ]
    );
    for place in ingested {
        let pixels = &sink.memory(place.rendition)[place.offset..];
        assert_eq!(read_number(pixels, place.width, place.height), Some(place.frame));
        assert_eq!(place.pts_ns, place.frame as i64 * 40_000_000);
    }
}

#[test]
fn stills_keep_their_sizes_and_bad_ones_fail() {
    let folder = tempfile::tempdir().unwrap();
    image_folder(folder.path(), "png", 3, |frame| numbered(128, 96, frame)).unwrap();
    write_image(&folder.path().join("large.png"), &numbered(700, 500, 3)).unwrap();
    let ingest = Ingest::new(Settings::default());
    let item = ingest.probe(folder.path().to_str().unwrap()).unwrap().items.remove(0);
    let mut batches = Vec::new();
    ingest
        .index(&item, IndexRequest::fresh(32), &mut |more| {
            batches.extend(more);
            true
        })
        .unwrap();
    std::fs::write(folder.path().join("frame_000001.png"), "gone bad").unwrap();
    let mut sink = HeapSink::default();
    let request = IngestRequest { batch: batches[0].clone(), proxy: vec![3], full: vec![0, 1, 2, 3] };
    let (ingested, failures) = ingest.ingest(&item, &request, &mut sink).unwrap();
    let sizes: Vec<_> = ingested.iter().map(|place| (place.frame, place.width, place.height)).collect();
    assert_eq!(sizes, [(3, 640, 457), (0, 128, 96), (2, 128, 96), (3, 700, 500)]);
    assert_eq!(
        failures.iter().map(|failure| (failure.frame, failure.code.as_str())).collect::<Vec<_>>(),
        [(1, "decode")]
    );
}

#[test]
fn settings_are_documented_and_checked() {
    let description = ingest::describe();
    assert_eq!(description.name, "ingest");
    let documented = |key: &str| description.schema["properties"][key]["description"].is_string();
    assert!(documented("deinterlace") && documented("images"));
    let given = |value: serde_json::Value| value.as_object().cloned().unwrap_or_else(Map::new);
    assert_eq!(ingest::resolve(&given(json!({"deinterlace": "off"}))).unwrap().deinterlace, DeinterlaceSetting::Off);
    assert!(ingest::resolve(&given(json!({"deinterlace": "sometimes"}))).is_err());
    assert!(ingest::resolve(&given(json!({"speed": 2}))).is_err());
}

#[test]
fn a_missing_source_says_so() {
    let error = Ingest::new(Settings::default()).probe("/nowhere/film.mp4").unwrap_err().to_string();
    assert!(error.contains("/nowhere/film.mp4"), "{error}");
}

/// Times and places of a video's frames, and pixels of a still: in steps that no scaler is off by.
#[test]
fn golden_digest() {
    let folder = tempfile::tempdir().unwrap();
    let (film, stills) = (folder.path().join("a.mp4"), folder.path().join("stills"));
    let durations = [40, 40, 200, 17, 33, 90, 41, 500, 20, 20, 77];
    Clip::new(800, 480, 40).durations_ms(&durations).write(&film, |frame| numbered(800, 480, frame)).unwrap();
    std::fs::create_dir(&stills).unwrap();
    let still = Picture::from_fn(1000, 700, |x, y| [(x / 4) as u8, (y / 3) as u8, ((x + y) / 7) as u8]);
    write_image(&stills.join("still.png"), &still).unwrap();
    let ingest = Ingest::new(Settings::default());
    let mut text = String::new();
    for source in [film, stills] {
        let item = ingest.probe(source.to_str().unwrap()).unwrap().items.remove(0);
        let mut batches = Vec::new();
        let (item, _) = ingest
            .index(&item, IndexRequest::fresh(32), &mut |more| {
                batches.extend(more);
                true
            })
            .unwrap();
        text += &format!("{} {}x{} {}\n", item.name, item.width, item.height, item.bit_depth);
        batches.iter().for_each(|of| text += &format!("{} {:?} {}\n", of.start, of.pts_ns, of.seekable));
        let frames: Vec<u64> = (0..batches[0].pts_ns.len() as u64).collect();
        let mut sink = HeapSink::default();
        let request = IngestRequest { batch: batches[0].clone(), proxy: frames.clone(), full: frames };
        let (places, failures) = ingest.ingest(&item, &request, &mut sink).unwrap();
        text += &format!("{places:?} {failures:?}\n");
        if item.name == "stills" {
            let frames = sink.into_frames(Rendition::Proxy, &places).unwrap();
            let levels = frames[0].image.data().iter().step_by(30_011).map(|level| level.saturating_add(4) / 16);
            text += &format!("{:?}\n", levels.collect::<Vec<_>>());
        }
    }
    golden(&text, ingest::VERSION, (3, "882e0cc551344326"));
}
