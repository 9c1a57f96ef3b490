//! What two neighbouring images of a folder say of each other.
use exif::{DateTime, Exif, In, Tag, Value};
use framefleet_frames::PixelFormat;
use framefleet_stills::{self as still, Place, Target};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Side of the small pictures that are compared, pixels.
const SIDE: u32 = 16;
/// Standard deviation of luma below which a picture shows nothing that could correlate, and the mean's difference that two such may have.
const FLAT: f64 = 2.0;
const FLAT_DIFFERENCE: f64 = 32.0;
/// Luma by which a place may differ and still be unchanged, and the share of such places that makes two pictures drawn on one background.
const UNCHANGED: f64 = 1.5;
const ONE_BACKGROUND: f64 = 0.75;

/// Make and model.
pub(super) type Camera = String;

/// Two neighbours.
#[derive(Debug)]
pub(super) struct Pair {
    /// Of those that say it.
    pub(super) cameras: Vec<Camera>,
    /// From the first to the second, where both say when they were taken.
    pub(super) seconds: Option<i64>,
    /// How far they show the same, −1 to 1; `None` where nothing can be said.
    pub(super) similarity: Option<f64>,
}

impl Pair {
    pub(super) fn of(folder: &Path, first: &str, second: &str) -> Self {
        let paths = [folder.join(first), folder.join(second)];
        let exif = paths.each_ref().map(|path| exif(path));
        let times = exif.each_ref().map(|exif| exif.as_ref().and_then(taken));
        let seconds = times[0].zip(times[1]).map(|(first, second)| second - first);
        let cameras = exif.iter().flatten().filter_map(camera).collect();
        let [first, second] = paths.each_ref().map(|path| small(path));
        Self { cameras, seconds, similarity: first.zip(second).and_then(|(a, b)| similarity(&a, &b)) }
    }
}

/// Seconds from one image to another, where both say when they were taken.
pub(super) fn seconds_between(folder: &Path, first: &str, second: &str) -> Option<i64> {
    let [first, second] = [first, second].map(|name| exif(&folder.join(name)).as_ref().and_then(taken));
    first.zip(second).map(|(first, second)| second - first)
}

fn exif(path: &Path) -> Option<Exif> {
    exif::Reader::new().read_from_container(&mut BufReader::new(File::open(path).ok()?)).ok()
}

fn text(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(text) => text.first().map(Vec::as_slice),
        _ => None,
    }
}

fn camera(exif: &Exif) -> Option<Camera> {
    let text = |tag| text(exif, tag).map(|text| String::from_utf8_lossy(text).trim().to_owned());
    let name = [text(Tag::Make), text(Tag::Model)].into_iter().flatten().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

/// Seconds of the moment that a picture was taken at, on a clock of its own.
fn taken(exif: &Exif) -> Option<i64> {
    let time = DateTime::from_ascii(text(exif, Tag::DateTimeOriginal)?).ok()?;
    let day = days(i64::from(time.year), i64::from(time.month), i64::from(time.day));
    Some(((day * 24 + i64::from(time.hour)) * 60 + i64::from(time.minute)) * 60 + i64::from(time.second))
}

/// Days of the Gregorian calendar, counted from 1 March of year 0: months before March belong to the year before, so that the leap day is the
/// last of a year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1
}

/// Luma of an image made small; `None` when it cannot be decoded.
fn small(path: &Path) -> Option<Vec<f64>> {
    let place = Place { path, page: 0 };
    let picture = still::picture(place, &still::header(place).ok()?).ok()?;
    let mut rgb = vec![0; (SIDE * SIDE * 3) as usize];
    let target = Target { format: PixelFormat::Rgb8, width: SIDE, height: SIDE };
    still::write(&picture, target, path, &mut rgb).ok()?;
    let luma = |[r, g, b]: &[u8; 3]| 0.299 * f64::from(*r) + 0.587 * f64::from(*g) + 0.114 * f64::from(*b);
    Some(rgb.as_chunks::<3>().0.iter().map(luma).collect())
}

/// How far two small pictures show the same. Drawings of which most does not change are one film, however far a figure moves. Else it is the correlation
/// along the rows, if there is something to see along them: the sky is above in all photographs.
fn similarity(a: &[f64], b: &[f64]) -> Option<f64> {
    let unchanged = a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() < UNCHANGED).count();
    if unchanged as f64 >= a.len() as f64 * ONE_BACKGROUND {
        return Some(1.0);
    }
    let [along_a, along_b] = [a, b].map(without_rows);
    match [&along_a, &along_b].iter().all(|values| spread(values) >= FLAT) {
        true => correlation(&along_a, &along_b),
        false => correlation(a, b),
    }
}

/// A small picture less the mean of each row.
fn without_rows(values: &[f64]) -> Vec<f64> {
    let row = |row: &[f64]| {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        row.iter().map(|value| value - mean).collect::<Vec<_>>()
    };
    values.chunks(SIDE as usize).flat_map(row).collect()
}

/// Standard deviation.
fn spread(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// Correlation of two small pictures. Two that show nothing are similar when they are about as bright; one that does is not comparable with
/// one that does not.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let count = a.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |a: &[f64], mean_a: f64, b: &[f64], mean_b: f64| {
        a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>() / count
    };
    let spread_a = product(a, mean_a, a, mean_a).sqrt();
    let spread_b = product(b, mean_b, b, mean_b).sqrt();
    match (spread_a < FLAT, spread_b < FLAT) {
        (true, true) => Some(if (mean_a - mean_b).abs() < FLAT_DIFFERENCE { 1.0 } else { 0.0 }),
        (false, false) => Some(product(a, mean_a, b, mean_b) / (spread_a * spread_b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_one_another() {
        assert_eq!(days(2024, 3, 1) - days(2024, 2, 28), 2, "a leap year");
        assert_eq!(days(2023, 3, 1) - days(2023, 2, 28), 1);
        assert_eq!(days(2025, 1, 1) - days(2024, 12, 31), 1);
        assert_eq!(days(2024, 1, 1) - days(1970, 1, 1), 19_723);
    }

    #[test]
    fn similarity_is_correlation_where_there_is_something_to_see() {
        let ramp: Vec<f64> = (0..256).map(|n| f64::from(n % 16) * 14.0 + f64::from(n / 16)).collect();
        let brighter: Vec<f64> = ramp.iter().map(|value| value * 0.5 + 90.0).collect();
        let reversed: Vec<f64> = ramp.iter().rev().copied().collect();
        assert!((similarity(&ramp, &brighter).unwrap() - 1.0).abs() < 1e-9);
        assert!((similarity(&ramp, &reversed).unwrap() + 1.0).abs() < 1e-9);
        // Bright above and dark below is not what makes a film; where there is nothing else, it has to do.
        let below = |texture: fn(i32) -> i32| (0..256).map(|n| f64::from(230 - n / 2 + texture(n))).collect::<Vec<_>>();
        let (one, other) = (below(|n| n % 16 * 3), below(|n| (n * 7 + n / 16) % 13 * 4));
        assert!(correlation(&one, &other).unwrap() > 0.5 && similarity(&one, &other).unwrap() < 0.3);
        assert!(similarity(&below(|_| 0), &below(|n| n / 64)).unwrap() > 0.9);
        assert_eq!(similarity(&ramp, &[5.0; 256]), None);
        assert_eq!(similarity(&[5.0; 256], &[9.0; 256]), Some(1.0));
        assert_eq!(similarity(&[5.0; 256], &[90.0; 256]), Some(0.0));
    }
}
