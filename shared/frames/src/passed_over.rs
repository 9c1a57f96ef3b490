//! Files of a source that are of no kind that is read.
use std::collections::BTreeMap;

/// Files of no kind that is read, for people: "3 files of kinds that are not read: 2 .md, 1 without an extension"; `None` when there are none.
pub fn passed_over(files: &BTreeMap<String, u64>) -> Option<String> {
    let kind = |(extension, count): (&String, &u64)| match extension.as_str() {
        "" => format!("{count} without an extension"),
        extension => format!("{count} {extension}"),
    };
    let kinds: Vec<String> = files.iter().map(kind).collect();
    let (count, noun) = match files.values().sum::<u64>() {
        0 => return None,
        1 => (1, "file of a kind"),
        count => (count, "files of kinds"),
    };
    Some(format!("{count} {noun} not read: {}", kinds.join(", ")))
}
