//! Sound lies where the pictures say.
use framefleet_decode::audio::audio;
use framefleet_frames::Item;
use framefleet_probe::probe;
use framefleet_testkit::{Audio, Clip, numbered};

const RATE: u32 = 16_000;

/// A clip of three seconds with a click at each of some times (seconds).
fn clicks(folder: &std::path::Path, name: &str, encoder: &str, arguments: &[&str]) -> Item {
    let mut samples = vec![0.0f32; 3 * 48_000];
    for second in [0.5, 1.25, 2.5] {
        for (number, sample) in samples[(second * 48_000.0) as usize..][..240].iter_mut().enumerate() {
            *sample = 0.8 * (number as f32 * 0.4).sin();
        }
    }
    let clip = Clip::new(64, 48, 75).audio_codec(Audio::Samples(48_000, samples), encoder);
    let path =
        clip.arguments(arguments.iter().copied()).write(&folder.join(name), |frame| numbered(64, 48, frame)).unwrap();
    probe(path.to_str().unwrap(), Default::default()).unwrap().items.remove(0)
}

/// Where the first loud sample of a range is, in seconds of the film.
fn first_click(item: &Item, from: f64, to: f64) -> f64 {
    let range = (from * 1e9) as i64..(to * 1e9) as i64;
    let samples = audio(item, None, range, RATE).unwrap().unwrap();
    assert_eq!(samples.len(), ((to - from) * f64::from(RATE)).round() as usize);
    let place = samples.iter().position(|sample| sample.abs() > 0.2).expect("there is a click");
    from + place as f64 / f64::from(RATE)
}

#[test]
fn clicks_are_where_they_were_put() {
    let folder = tempfile::tempdir().unwrap();
    for (name, encoder, slack) in
        [("pcm.mov", "pcm_s16le", 0.002), ("flac.mkv", "flac", 0.002), ("aac.mp4", "aac", 0.005)]
    {
        let item = clicks(folder.path(), name, encoder, &[]);
        for (from, to, click) in [(0.0, 3.0, 0.5), (1.0, 2.0, 1.25), (2.3, 2.8, 2.5)] {
            let found = first_click(&item, from, to);
            assert!((found - click).abs() < slack, "{name}: click of {click} s at {found} s");
        }
    }
}

#[test]
fn time_begins_with_the_first_picture() {
    let folder = tempfile::tempdir().unwrap();
    let item = clicks(folder.path(), "late.mkv", "flac", &["-output_ts_offset", "5"]);
    assert!((first_click(&item, 1.0, 2.0) - 1.25).abs() < 0.002);
}

#[test]
fn silence_outside_and_none_without_sound() {
    let folder = tempfile::tempdir().unwrap();
    let item = clicks(folder.path(), "a.mkv", "flac", &[]);
    let outside = audio(&item, None, -1_000_000_000..500_000_000, RATE).unwrap().unwrap();
    assert_eq!(outside.len(), 24_000);
    assert!(outside[..23_900].iter().all(|sample| sample.abs() < 0.01));
    let silent =
        Clip::new(64, 48, 3).write(&folder.path().join("silent.mp4"), |frame| numbered(64, 48, frame)).unwrap();
    let item = probe(silent.to_str().unwrap(), Default::default()).unwrap().items.remove(0);
    assert_eq!(audio(&item, None, 0..1_000_000, RATE).unwrap(), None);
    assert!(audio(&item, None, 0..1_000_000, 0).is_err());
}

/// One side of a stereo track is the other turned round: their sum is silence, and so is not what is heard.
#[test]
fn opposite_phases_do_not_cancel() {
    let folder = tempfile::tempdir().unwrap();
    let item = clicks(folder.path(), "a.mkv", "flac", &["-filter:a", "pan=stereo|c0=c0|c1=-1*c0"]);
    for (from, to, click) in [(0.0, 3.0, 0.5), (1.0, 2.0, 1.25), (2.3, 2.8, 2.5)] {
        let found = first_click(&item, from, to);
        assert!((found - click).abs() < 0.002, "click of {click} s at {found} s");
    }
    // What does not cancel is mixed as ever: one side alone is less loud.
    let item = clicks(folder.path(), "b.mkv", "flac", &["-filter:a", "pan=stereo|c0=c0|c1=0*c0"]);
    let samples = audio(&item, None, 0..3_000_000_000, RATE).unwrap().unwrap();
    let loudest = samples.iter().fold(0.0f32, |loudest, sample| loudest.max(sample.abs()));
    assert!((0.3..0.6).contains(&loudest), "{loudest}");
}
