//! What streams, consumers and buckets are called on the server. All of it is derived from subjects and names, so that
//! every process finds the same without asking.
use framefleet_bus::{BusError, Subject};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is escaped in keys: all but letters, digits and `-`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-');

/// What is escaped in message ids: what a header cannot hold, and the mark itself.
const ESCAPED_IN_HEADER: &AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'%');

/// Stands between namespace and name where a dot may not; no escaped name has it.
const IN_NAMES: &str = "__";

/// The names of one fleet.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    namespace: String,
}

impl Names {
    /// Names with a namespace of letters and digits, or none.
    pub(crate) fn new(namespace: &str) -> Result<Self, BusError> {
        if namespace.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(Self { namespace: namespace.to_owned() });
        }
        Err(BusError::Refused(format!("{namespace:?} is no namespace: use letters and digits only")))
    }

    /// The stream of all tasks.
    pub(crate) fn task_stream(&self) -> String {
        self.prefixed("FF_TASKS", IN_NAMES)
    }

    /// The stream of all events.
    pub(crate) fn event_stream(&self) -> String {
        self.prefixed("FF_EVENTS", IN_NAMES)
    }

    /// The subjects of all tasks, as the server sees them.
    pub(crate) fn all_tasks(&self) -> String {
        self.prefixed(Subject::ALL_TASKS, ".")
    }

    /// The subjects of all events, as the server sees them.
    pub(crate) fn all_events(&self) -> String {
        self.prefixed(Subject::ALL_EVENTS, ".")
    }

    /// A subject as the server sees it.
    pub(crate) fn wire(&self, subject: &Subject) -> String {
        self.prefixed(subject.as_str(), ".")
    }

    /// The durable consumer of a queue. A subject has no `=`, so that no two share one.
    pub(crate) fn consumer(&self, subject: &Subject) -> String {
        subject.as_str().replace('.', "=")
    }

    /// The bucket on the server: a name of letters, digits, `-` and `_`, of which `_` marks an escape.
    pub(crate) fn bucket(&self, name: &str) -> String {
        self.prefixed(&escaped(name, "_"), IN_NAMES)
    }

    fn prefixed(&self, name: &str, separator: &str) -> String {
        match self.namespace.as_str() {
            "" => name.to_owned(),
            namespace => format!("{namespace}{separator}{name}"),
        }
    }
}

/// A string as a key of a bucket: one token in which `=` marks an escape.
pub(crate) fn key(name: &str) -> String {
    escaped(name, "=")
}

/// The string that became a key; `None` for a key that nobody of ours wrote.
pub(crate) fn unkey(key: &str) -> Option<String> {
    match key {
        "=" => Some(String::new()),
        key => percent_decode_str(&key.replace('=', "%")).decode_utf8().ok().map(|name| name.into_owned()),
    }
}

/// Escapes a name with a mark that no escaped name has otherwise; the empty name is the mark alone.
fn escaped(name: &str, mark: &str) -> String {
    match name {
        "" => mark.to_owned(),
        name => utf8_percent_encode(name, ESCAPED).to_string().replace('%', mark),
    }
}

/// The id that the server compares: ids are per queue, hence it begins with the subject, or with something unique where
/// ids do not count.
pub(crate) fn message_id(scope: &str, id: &str) -> String {
    match id {
        "" => scope.to_owned(),
        id => format!("{scope} {}", utf8_percent_encode(id, ESCAPED_IN_HEADER)),
    }
}

/// The id that a message was sent with, from what the server compared; empty for a message that had none.
pub(crate) fn sent_id(message_id: &str) -> String {
    let escaped = message_id.split_once(' ').map_or("", |(_, id)| id);
    percent_decode_str(escaped).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_namespace_is_one_token() {
        assert!(Names::new("").is_ok() && Names::new("test1").is_ok());
        for wrong in ["a.b", "a b", ">", "ä", "a_b"] {
            assert!(matches!(Names::new(wrong), Err(BusError::Refused(_))), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn keys_come_back(one in ".*", other in ".*") {
            let made = key(&one);
            prop_assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-=".contains(&byte)));
            prop_assert_eq!(unkey(&made), Some(one.clone()));
            prop_assert_eq!(one == other, made == key(&other));
        }

        #[test]
        fn buckets_differ(one in ".*", other in ".*") {
            let (ours, theirs) = (Names::new("a").unwrap(), Names::new("").unwrap());
            let made = ours.bucket(&one);
            prop_assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert_eq!(one == other, made == ours.bucket(&other));
            prop_assert_ne!(made, theirs.bucket(&other));
        }

        #[test]
        fn ids_come_back(id in ".*") {
            let made = message_id("a.b", &id);
            prop_assert!(made.starts_with("a.b") && made.trim() == made);
            prop_assert!(!made.contains(['\r', '\n']));
            prop_assert_eq!(sent_id(&made), id);
        }
    }
}
