//! What an entry says of its task.
use crate::layout;
use framefleet_proto::v1::{Entry, Part, PartKind};

/// The part that holds a task's annotations; absent when it made none.
pub(crate) fn annotations_part(entry: &Entry) -> Option<&Part> {
    entry.parts.iter().find(|part| layout::kind(part) == PartKind::Annotations)
}

/// The frames that an entry speaks of.
pub(crate) fn frames(entry: &Entry) -> u64 {
    let range = entry.id.as_ref().and_then(|id| id.range);
    range.map_or(0, |range| range.end.saturating_sub(range.start))
}

/// A task in words, for messages.
pub fn describe(entry: &Entry) -> String {
    let Some(id) = &entry.id else { return format!("a task of stage {}", entry.stage) };
    match id.range {
        Some(range) => format!("step {}, {} frames {}–{}", id.step, id.item, range.start, range.end),
        None => format!("step {} {}", id.step, id.kind().as_str_name()),
    }
}
