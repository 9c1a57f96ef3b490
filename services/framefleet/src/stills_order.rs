//! Frame numbers of stills must not move when a folder grows: the order in which the output first saw them is kept.
use crate::failure::Failure;
use bytes::Bytes;
use framefleet_ledger::Ledger;
use framefleet_media::{ImageFile, Item, ItemKind};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What the order is kept under in the output.
const NAME: &str = "stills.json";

/// Puts the stills of every item into the order that the output knows, new ones behind, and notes the new order.
pub async fn keep(items: &mut [Item], ledger: &Ledger) -> Result<(), Failure> {
    let before = order(ledger).await?;
    let known = merged(items, before.clone());
    if known != before {
        ledger.write_cache(NAME, Bytes::from(serde_json::to_vec(&known)?)).await?;
    }
    Ok(())
}

/// Like [`keep`], for an output that is only read.
pub async fn apply(items: &mut [Item], ledger: &Ledger) -> Result<(), Failure> {
    merged(items, order(ledger).await?);
    Ok(())
}

/// The order that an output knows, by item.
async fn order(ledger: &Ledger) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    match ledger.read_cache(NAME).await? {
        Some(bytes) => Ok(serde_json::from_slice(&bytes)?),
        None => Ok(BTreeMap::new()),
    }
}

/// Puts stills into the known order, new ones behind; the order then.
fn merged(items: &mut [Item], mut known: BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    for item in items.iter_mut().filter(|item| item.kind() == ItemKind::Stills) {
        let order = known.entry(item.name.clone()).or_default();
        let found: Vec<String> = item.files.iter().map(|file| file.name.clone()).collect();
        *order = merge(order, &found);
        let mut files: HashMap<String, ImageFile> =
            item.files.drain(..).map(|file| (file.name.clone(), file)).collect();
        let numbered = |(frame, name)| Some(ImageFile { frame, ..files.remove(name)? });
        item.files = (0..).zip(order.iter()).filter_map(numbered).collect();
    }
    known
}

/// `order` without what is gone, then what is new.
fn merge(order: &[String], found: &[String]) -> Vec<String> {
    let there: HashSet<&String> = found.iter().collect();
    let kept: Vec<String> = order.iter().filter(|file| there.contains(file)).cloned().collect();
    let known: HashSet<&String> = kept.iter().collect();
    let new: Vec<String> = found.iter().filter(|file| !known.contains(file)).cloned().collect();
    kept.into_iter().chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::merge;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn new_files_go_behind_those_that_are_known() {
        assert_eq!(merge(&names("b c"), &names("a b c d")), names("b c a d"));
        assert_eq!(merge(&[], &names("a b")), names("a b"));
        assert_eq!(merge(&names("a b c"), &names("a c")), names("a c"));
    }
}
