//! Subjects: where messages go. This is the only place that knows how a subject is spelled.
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;
use std::sync::Arc;

/// Root and version of all subjects.
const ROOT: &str = "ff.v1";

/// The lane of work that may wait; a live lane is reserved.
const LANE: &str = "batch";

/// The place of work that may run anywhere; places on one node are reserved.
const PLACE: &str = "any";

/// What a token may not hold as it is: dots separate tokens, `*` and `>` are wildcards, and white space ends a subject on
/// the wire.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Where a message goes. Made by the typed constructors only, so that every part of the program spells it alike; names
/// given to them are escaped, so that none can reach another subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(Arc<str>);

impl Subject {
    /// What every task's subject matches, and no other's.
    pub const ALL_TASKS: &str = "ff.v1.task.>";

    /// What every event's subject matches, and no other's.
    pub const ALL_EVENTS: &str = "ff.v1.event.>";

    /// The work queue of a stage and execution class: `ff.v1.task.<lane>.<stage>.<class>.<place>`.
    pub fn task(stage: &str, class: &str) -> Self {
        let (stage, class) = (token(stage), token(class));
        Self(format!("{ROOT}.task.{LANE}.{stage}.{class}.{PLACE}").into())
    }

    /// The events of a job: `ff.v1.event.<job>`.
    pub fn events(job: &str) -> Self {
        Self(format!("{ROOT}.event.{}", token(job)).into())
    }

    /// The stage of a work queue; empty for other subjects.
    pub fn stage(&self) -> String {
        let token = self.0.strip_prefix(&format!("{ROOT}.task.{LANE}.")).and_then(|rest| rest.split('.').next());
        percent_decode_str(token.unwrap_or_default()).decode_utf8_lossy().into_owned()
    }

    /// The subject as it is spelled on the wire: dot-separated tokens of ASCII letters, digits, `-`, `_` and `%`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A name as one token. Different names make different tokens; the empty name is a lone `%`, since a token has to hold
/// something and no other name makes that.
fn token(name: &str) -> String {
    match name {
        "" => "%".to_owned(),
        name => utf8_percent_encode(name, ESCAPED).to_string(),
    }
}

#[cfg(test)]
mod tests;
