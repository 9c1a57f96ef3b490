//! Recordings of every container, codec and oddity of times that the testkit makes: counts, order, times, and where sound is heard, as they
//! were made. `FRAMEFLEET_RECORDINGS` says how many are tried, twice as many as there are kinds where it says nothing.
use crate::film::{Film, Shown, decoders};
use framefleet_decode::audio::audio;
use framefleet_frames::Rendition;
use framefleet_frames::frame::channel_bytes;
use framefleet_testkit::{Oddity, Recording, Truth, read_number, read_number16};

/// Parts that run beside each other.
const PARTS: u64 = 4;

/// How far a frame may be from its time: ticks of a millisecond, rounded twice.
const SLACK_NS: i64 = 1_600_000;

/// How far a beep may be from its time: blocks of sound, and what encoders put before the first.
const SOUND_SLACK_NS: i64 = 60_000_000;

/// What is wrong with what is read of a recording.
fn problem(recording: &Recording, truth: &Truth) -> Result<(), String> {
    let film = Film::open(&truth.path);
    let cut_end = recording.oddity == Oddity::CutEnd;
    match (&film.damage, cut_end) {
        (Some(damage), false) => return Err(format!("called damaged: {damage}")),
        (None, true) => return Err("nothing is said of its end".to_owned()),
        _ => {}
    }
    let mut numbers = Vec::new();
    for batch in &film.batches {
        let (shown, failures) = film.batch(&decoders(), batch, Rendition::Full);
        // The last pictures before a cut may be lost in part.
        if let Some(failure) = failures.first().filter(|_| !cut_end) {
            return Err(format!("frame {} failed: {}", failure.frame, failure.reason));
        }
        numbers.extend(shown.iter().map(|shown| (shown.slot.frame, number(shown))));
    }
    let first = match recording.oddity {
        Oddity::CutBeginning => numbers.first().and_then(|(_, number)| *number).unwrap_or(0),
        _ => 0,
    };
    for (place, (frame, number)) in numbers.iter().enumerate() {
        // Pictures before a cut may be missing, and so is that which it went through.
        let wanted = if cut_end { number.filter(|number| *number >= place as u64) } else { Some(frame + first) };
        if *number != wanted || number.is_none() {
            return Err(format!("frame {frame} shows number {number:?}, not {}", frame + first));
        }
    }
    let expected = truth.numbers.len() as u64 - first;
    let (least, most) = if cut_end { (1, expected) } else { (expected, expected) };
    if !(least..=most).contains(&(film.item.estimated_frames)) {
        return Err(format!("{} frames, not {expected}", film.item.estimated_frames));
    }
    let begin = truth.pts_ns[first as usize];
    let shown = film.pts_ns();
    let of_number = |(_, number): &(u64, Option<u64>)| truth.pts_ns[number.unwrap_or(0) as usize];
    for (time, wanted) in numbers.iter().map(|(frame, _)| shown[*frame as usize]).zip(numbers.iter().map(of_number)) {
        let slack = match (recording.container, recording.oddity) {
            // Few packets of program streams have times; those that libavformat makes up may be a frame off.
            ("mpg", _) => 45_000_000,
            (_, Oddity::Repeated) => 20_000_000,
            _ => SLACK_NS,
        };
        if (time - (wanted - begin)).abs() > slack {
            return Err(format!("a frame at {time} ns, not {}", wanted - begin));
        }
    }
    hears(&film, truth.beep_ns.map(|beep| beep - begin).filter(|_| !cut_end))
}

/// The number that was stamped on a frame.
fn number(shown: &Shown) -> Option<u64> {
    if channel_bytes(shown.slot.format) == 1 {
        return read_number(&shown.pixels, 64, 48);
    }
    let samples: Vec<u16> = shown.pixels.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    read_number16(&samples, 64, 48)
}

/// What is wrong with where a beep is heard.
fn hears(film: &Film, beep_ns: Option<i64>) -> Result<(), String> {
    let Some(beep_ns) = beep_ns.filter(|beep| *beep > 0) else { return Ok(()) };
    let heard = audio(&film.item, None, 0..beep_ns + 1_000_000_000, 16_000).map_err(|error| error.to_string())?;
    let samples = heard.ok_or("it has no sound")?;
    let onset = samples.iter().position(|sample| sample.abs() > 0.1).ok_or("the beep is not heard")?;
    let onset_ns = onset as i64 * 62_500;
    match (onset_ns - beep_ns).abs() > SOUND_SLACK_NS {
        true => Err(format!("the beep is heard at {onset_ns} ns, not {beep_ns}")),
        false => Ok(()),
    }
}

/// Tries every fourth recording.
fn part(part: u64) {
    let wanted = std::env::var("FRAMEFLEET_RECORDINGS").ok().and_then(|count| count.parse().ok());
    let count: u64 = wanted.unwrap_or(2 * Recording::kinds());
    let mut problems = Vec::new();
    for number in (part..count).step_by(PARTS as usize) {
        let folder = tempfile::tempdir().unwrap();
        let recording = Recording::of_number(number);
        let truth = recording.write(folder.path()).unwrap_or_else(|error| panic!("{number}: {recording:?}: {error}"));
        if let Err(problem) = problem(&recording, &truth) {
            problems.push(format!("{number}: {recording:?}: {problem}"));
        }
    }
    assert!(problems.is_empty(), "{} recordings are read wrong:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn recordings_are_read_as_they_were_made_1() {
    part(0);
}

#[test]
fn recordings_are_read_as_they_were_made_2() {
    part(1);
}

#[test]
fn recordings_are_read_as_they_were_made_3() {
    part(2);
}

#[test]
fn recordings_are_read_as_they_were_made_4() {
    part(3);
}
