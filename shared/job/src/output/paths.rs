//! Whether what a job makes of an item can have a path in the output.
use framefleet_frames::{Item, naming};
use framefleet_ledger::{Output, layout};
use std::collections::BTreeMap;

/// Bytes that a path has beyond its item's folder and the name of a file in there: a folder of the step's (`masks`), what steps add to the names of
/// frames, and the longer name that a file has while it is written.
const BESIDE: usize = 64;
/// Bytes of a name that file systems take.
const MAX_NAME: usize = 255;

/// Takes out the items of whose results some could have no path in the output, since it would be too long: (name, why). `steps`: names of the steps.
pub(crate) fn refuse_long<'s>(
    items: &mut Vec<Item>,
    steps: impl Iterator<Item = &'s str>,
    output: &Output,
) -> Vec<(String, String)> {
    let folders = naming::item_folders(items.iter());
    let below = steps.map(|step| layout::artifact(step, "").len()).max().unwrap_or_default();
    let room = output.room();
    let mut refused = Vec::new();
    items.retain(|item| {
        let needed = below + length(item, &folders) + BESIDE;
        if needed > room {
            let reason = format!(
                "paths of what is made of it would be too long: up to {needed} bytes, and {room} are possible below {output}: give a shorter \
                 --output, or a source further down"
            );
            refused.push((item.name.clone(), reason));
        }
        needed <= room
    });
    refused
}

/// Bytes that the folder of an item and the longest name in there have, or the item's film, if that is longer.
fn length(item: &Item, folders: &BTreeMap<String, String>) -> usize {
    let folder = folders.get(&item.name).map_or(item.name.as_str(), String::as_str);
    let longest = item.files.iter().map(|file| file.name.len()).max().unwrap_or_default();
    let film = naming::fitting(&item.name).len();
    film.max(naming::fitting(folder).len() + 1 + longest.min(MAX_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_with_too_long_paths_are_refused_and_the_others_stay() {
        let deep = vec!["d".repeat(200); 19].join("/");
        let named = |name: String| Item { name, ..Item::default() };
        let items = [named("a.mp4".to_owned()), named(format!("{deep}/b.mp4"))];
        let refuse = |output: &str| {
            let mut left = items.to_vec();
            let refused = refuse_long(&mut left, ["segmentation"].into_iter(), &Output::parse(output).unwrap());
            (left.len(), refused)
        };
        assert_eq!(refuse("/o").0, 2);
        let (left, refused) = refuse(&format!("/{}", "o".repeat(250)));
        assert_eq!((left, refused.len()), (1, 1));
        assert!(refused[0].0.ends_with("/b.mp4") && refused[0].1.contains("give a shorter --output"), "{refused:?}");
        assert_eq!(refuse("memory:///").0, 1, "keys of object stores are shorter");
    }
}
