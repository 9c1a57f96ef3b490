//! Log lines, through `tracing`.
use std::io;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error(
        "log filter \"{filter}\": {problem}; write a level (error, warn, info, debug, trace) or a list like \"info,framefleet_runner=debug\""
    )]
    Filter {
        /// The filter as given.
        filter: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The process logs already.
    #[error("logging is set up already")]
    Twice,
}

/// Sends log lines of the whole process to standard error: one JSON object per line, or text for people. `filter` is a
/// level, or a list of `target=level`.
pub fn init_tracing(json: bool, filter: &str) -> Result<(), LogError> {
    let subscriber = subscriber(json, filter, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Twice)
}

/// Formats what passes the filter. Colours are left out: standard error is a file or a pipe as often as a terminal.
fn subscriber<W>(json: bool, filter: &str, writer: W) -> Result<Box<dyn Subscriber + Send + Sync>, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let wrong = |error: tracing_subscriber::filter::ParseError| LogError::Filter {
        filter: filter.to_owned(),
        problem: error.to_string(),
    };
    let filter = EnvFilter::try_new(filter).map_err(wrong)?;
    // A line that cannot be written is lost; to complain of it on standard error, which is where it went, would end the process.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    let lines = lines.log_internal_errors(false);
    Ok(if json { Box::new(lines.json().finish()) } else { Box::new(lines.finish()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written when a task logs, under a filter.
    fn written(json: bool, filter: &str) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        tracing::subscriber::with_default(subscriber(json, filter, move || writer.clone()).unwrap(), || {
            tracing::info!(stage = "pose", frames = 32, "task done");
            tracing::debug!("looked again");
        });
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn json_lines_carry_level_message_and_fields() {
        let lines = written(true, "info");
        assert_eq!(lines.lines().count(), 1, "{lines}");
        let line: serde_json::Value = serde_json::from_str(&lines).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["fields"]["message"], "task done");
        assert_eq!(line["fields"]["stage"], "pose");
        assert_eq!(line["fields"]["frames"], 32);
    }

    #[test]
    fn the_filter_decides() {
        assert_eq!(written(false, "warn"), "");
        let lines = written(false, "warn,framefleet_telemetry=debug");
        assert!(
            lines.contains("task done") && lines.contains("stage=\"pose\"") && lines.contains("looked again"),
            "{lines}"
        );
    }

    #[test]
    fn a_wrong_filter_is_named() {
        let error = init_tracing(false, "runner=loud").unwrap_err().to_string();
        assert!(error.contains("runner=loud") && error.contains("debug"), "{error}");
    }
}
