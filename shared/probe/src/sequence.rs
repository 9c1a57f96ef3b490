//! Whether the images of a folder are frames of one film: what their names, their neighbours' content, the times they were taken at and their
//! cameras say. Photographs carry a camera's numbers, too.
mod evidence;

use evidence::{Camera, Pair, seconds_between};
use std::collections::BTreeSet;
use std::path::Path;

/// Of so many numbers at most one may be missing, or the numbers are no film's.
const NUMBERS_PER_GAP: u64 = 10;
/// Pairs of neighbours that are examined, spread over the folder.
const PAIRS: usize = 6;
/// Neighbours of a film are as similar as this, most of them; unrelated photographs are not.
const SIMILAR: f64 = 0.5;
/// Seconds by which intervals of a film, or of pictures taken at intervals, may differ, and by what factor from the usual one.
const UNSTEADY_SECONDS: i64 = 3;
const UNSTEADY_FACTOR: i64 = 4;

/// What a folder of images is.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// One film. `missing`: names that its numbers lack, with the place in the list of frames where each belongs.
    Film { missing: Vec<(usize, String)>, why: String },
    /// Single pictures; the reason where names alone would have made them a film.
    Stills { why: Option<String> },
}

/// Decides over images by their names (in natural order) and, where names and sizes leave it open, by what they show.
pub(super) fn verdict(folder: &Path, names: &[&str], alike: bool) -> Verdict {
    let stills =
        |why: String| Verdict::Stills { why: Some(format!("read as single pictures although numbered: {why}")) };
    let Some(run) = Run::of(names) else { return Verdict::Stills { why: None } };
    if !alike {
        return stills("they are not of one size".to_owned());
    }
    if run.missing * NUMBERS_PER_GAP > run.span() {
        return stills(format!("{} of the numbers {} to {} are missing", run.missing, run.first, run.last));
    }
    let pairs: Vec<Pair> = places(names.len()).map(|at| Pair::of(folder, names[at], names[at + 1])).collect();
    let span = seconds_between(folder, names[0], names[names.len() - 1]);
    match objection(&pairs, span.map(|seconds| seconds as f64 / (names.len() - 1) as f64)) {
        Some(why) => stills(why),
        None => Verdict::Film { missing: run.gaps(names), why: run.film() },
    }
}

/// A film because its user says so; gaps in its numbers keep their place.
pub(super) fn forced(names: &[&str]) -> Verdict {
    match Run::of(names).filter(|run| run.missing <= names.len() as u64) {
        Some(run) => Verdict::Film { missing: run.gaps(names), why: run.film() },
        None => Verdict::Film {
            missing: Vec::new(),
            why: format!("read as a film of {} pictures in the order of their names", names.len()),
        },
    }
}

/// Numbered names with one stem and one extension.
struct Run<'a> {
    stem: &'a str,
    extension: &'a str,
    first: u64,
    last: u64,
    missing: u64,
}

impl<'a> Run<'a> {
    /// The run that names are, if they are one: at least two, ascending.
    fn of(names: &[&'a str]) -> Option<Self> {
        let mut numbers = names.iter().map(|name| numbered(name));
        let (stem, extension, first) = numbers.next()??;
        let mut last = first;
        for number in numbers {
            let (other_stem, other_extension, number) = number?;
            if (other_stem, other_extension) != (stem, extension) || number <= last {
                return None;
            }
            last = number;
        }
        let count = names.len() as u64;
        (count > 1).then(|| Self { stem, extension, first, last, missing: (last - first).saturating_sub(count - 1) })
    }

    fn span(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// The names that are missing, with their places in the list of all.
    fn gaps(&self, names: &[&str]) -> Vec<(usize, String)> {
        let there: BTreeSet<u64> =
            names.iter().filter_map(|name| numbered(name)).map(|(_, _, number)| number).collect();
        let digits = names.first().map_or(0, |name| name.len() - self.stem.len() - self.extension.len() - 1);
        let name = |number: u64| format!("{}{number:0digits$}.{}", self.stem, self.extension);
        let absent = (self.first..=self.last).enumerate().filter(|(_, number)| !there.contains(number));
        absent.map(|(place, number)| (place, name(number))).collect()
    }

    fn film(&self) -> String {
        let gaps = match self.missing {
            0 => String::new(),
            missing => format!("; {missing} missing, a failed frame each"),
        };
        format!("read as a film: pictures {} to {} of one size{gaps}", self.first, self.last)
    }
}

/// Stem, extension and trailing number of a name.
fn numbered(name: &str) -> Option<(&str, &str, u64)> {
    let (base, extension) = name.rsplit_once('.')?;
    let stem = base.trim_end_matches(|letter: char| letter.is_ascii_digit());
    base[stem.len()..].parse().ok().map(|number| (stem, extension, number))
}

/// Places of neighbours to look at, spread evenly; each is followed by another picture.
fn places(count: usize) -> impl Iterator<Item = usize> {
    let last = count.saturating_sub(2);
    (0..PAIRS.min(last + 1)).map(move |pair| if PAIRS > last { pair } else { pair * last / (PAIRS - 1) })
}

/// What speaks against one film. `average`: seconds from one picture to the next, over the whole folder.
fn objection(pairs: &[Pair], average: Option<f64>) -> Option<String> {
    let cameras: BTreeSet<&Camera> = pairs.iter().flat_map(|pair| &pair.cameras).collect();
    if cameras.len() > 1 {
        let names: Vec<&str> = cameras.iter().map(|camera| camera.as_str()).collect();
        return Some(format!("they were taken with {}", names.join(" and ")));
    }
    let mut intervals: Vec<i64> = pairs.iter().filter_map(|pair| pair.seconds).collect();
    intervals.sort_unstable();
    if let (Some(&least), Some(&most)) = (intervals.first(), intervals.last()) {
        let usual = intervals[intervals.len() / 2];
        let steady = |less: i64, more: i64| more <= (less * UNSTEADY_FACTOR).max(less + UNSTEADY_SECONDS);
        if least < 0 || !steady(least, usual) || !steady(usual, most) {
            return Some(format!("they were taken {least} to {most} seconds after one another"));
        }
        // Bursts: most neighbours are close together, and the pauses between the bursts are seldom among those that are examined.
        if let Some(average) = average.filter(|average| *average > (usual * 2).max(usual + 1) as f64) {
            return Some(format!("they were taken {usual} seconds after one another, on the average {average:.0}"));
        }
    }
    let mut similarities: Vec<f64> = pairs.iter().filter_map(|pair| pair.similarity).collect();
    similarities.sort_by(f64::total_cmp);
    let median = similarities.get(similarities.len().checked_sub(1)? / 2).copied()?;
    (median < SIMILAR).then(|| format!("neighbours show different things (correlation {median:.2})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(camera: &str, seconds: Option<i64>, similarity: Option<f64>) -> Pair {
        let cameras = if camera.is_empty() { Vec::new() } else { vec![camera.to_owned()] };
        Pair { cameras, seconds, similarity }
    }

    #[test]
    fn gaps_keep_their_place() {
        let names = ["f_009.png", "f_010.png", "f_012.png", "f_013.png"];
        let run = Run::of(&names).unwrap();
        assert_eq!((run.missing, run.span()), (1, 5));
        assert_eq!(run.gaps(&names), [(2, "f_011.png".to_owned())]);
        assert_eq!(Run::of(&["a1.png", "b2.png"]).map(|run| run.span()), None, "two stems");
        assert_eq!(Run::of(&["a1.png", "a01.png"]).map(|run| run.span()), None, "one number twice");
        assert_eq!(Run::of(&["a1.png"]).map(|run| run.span()), None);
    }

    #[test]
    fn pairs_are_spread_over_the_folder() {
        assert_eq!(places(2).collect::<Vec<_>>(), [0]);
        assert_eq!(places(4).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(places(1002).collect::<Vec<_>>(), [0, 200, 400, 600, 800, 1000]);
    }

    #[test]
    fn photographs_are_no_film() {
        let film = [pair("", None, Some(0.97)), pair("", None, Some(0.1)), pair("", None, Some(0.99))];
        let objection = |pairs: &[Pair]| super::objection(pairs, None);
        assert_eq!(objection(&film), None, "a cut is no objection");
        assert_eq!(objection(&[pair("", None, None)]), None, "nothing is known");
        let three = [pair("", None, Some(0.9)), pair("", None, Some(0.1))];
        assert!(objection(&three).is_some(), "of three pictures two show the same");
        let timed = |seconds: &[i64]| seconds.iter().map(|s| pair("Nikon", Some(*s), Some(0.9))).collect::<Vec<_>>();
        assert_eq!(objection(&timed(&[0, 1, 0, 1])), None, "a burst");
        assert_eq!(objection(&timed(&[10, 10, 11])), None, "taken at intervals");
        assert!(objection(&timed(&[2, 40, 3600])).unwrap().contains("2 to 3600 seconds"));
        assert!(objection(&timed(&[1, -50])).unwrap().contains("-50"));
        assert_eq!(super::objection(&timed(&[10, 10, 11]), Some(10.2)), None);
        assert_eq!(super::objection(&timed(&[0, 0, 1]), Some(0.4)), None, "one burst");
        let bursts = super::objection(&timed(&[0, 0, 1]), Some(4.1)).unwrap();
        assert!(bursts.contains("0 seconds after one another, on the average 4"), "{bursts}");
        let two = [pair("Nikon", None, Some(0.9)), pair("Canon", None, Some(0.9))];
        assert_eq!(objection(&two).unwrap(), "they were taken with Canon and Nikon");
        let unlike = [pair("", None, Some(0.1)), pair("", None, Some(-0.2)), pair("", None, Some(0.8))];
        assert!(objection(&unlike).unwrap().contains("correlation 0.10"));
    }
}
