//! The user's corrections of an output: edits.jsonl, one JSON object a line, in the order they were made.
use crate::error::JobError;
use bytes::Bytes;
use framefleet_frames::{Edit, EditTarget};
use framefleet_ledger::Ledger;
use serde_json::Value;

/// Where they lie in the output.
const FILE: &str = "edits.jsonl";

/// All corrections; none when there is no file.
pub(crate) async fn read(ledger: &Ledger) -> Result<Vec<Edit>, JobError> {
    match ledger.read_file(FILE).await? {
        Some(bytes) => parse(&bytes),
        None => Ok(Vec::new()),
    }
}

/// Writes all corrections, whole or not at all.
pub(crate) async fn write(ledger: &Ledger, edits: &[Edit]) -> Result<(), JobError> {
    let mut text = String::new();
    for edit in edits {
        text += &line(edit)?;
        text.push('\n');
    }
    Ok(ledger.write_file(FILE, Bytes::from(text)).await?)
}

/// Notes where targets are now and what their pictures are called and contain, so that they are found the next time as well.
pub(crate) async fn follow(ledger: &Ledger, moved: &[(EditTarget, EditTarget)]) -> Result<(), JobError> {
    if moved.is_empty() {
        return Ok(());
    }
    // Others may have been noted meanwhile.
    let mut edits = read(ledger).await?;
    for target in edits.iter_mut().flat_map(|edit| edit.targets.iter_mut().chain(edit.from.as_mut())) {
        if let Some((_, now)) = moved.iter().find(|(noted, _)| noted == target) {
            target.clone_from(now);
        }
    }
    write(ledger, &edits).await
}

fn parse(bytes: &[u8]) -> Result<Vec<Edit>, JobError> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let edit = |(number, line): (usize, &[u8])| {
        let edit: Result<Edit, _> = serde_json::from_slice(line);
        let problem = match edit {
            Ok(edit) if !edit.step.is_empty() && !edit.verb.is_empty() => return Ok(edit),
            Ok(_) => "it names no step or no verb".to_owned(),
            Err(error) => error.to_string(),
        };
        let line = number + 1;
        Err(JobError::Configuration(format!(
            "{FILE} line {line} is no correction ({problem}): correct or remove the line"
        )))
    };
    lines.map(edit).collect()
}

/// A correction as a line, without fields that say nothing.
fn line(edit: &Edit) -> Result<String, JobError> {
    let mut value = serde_json::to_value(edit)?;
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
    }
    Ok(value.to_string())
}

/// [`line`] as people want to read it: with the names of pictures, and without what they are found by when that is not enough.
pub fn short_line(edit: &Edit) -> Result<String, JobError> {
    let mut edit = edit.clone();
    for target in edit.targets.iter_mut().chain(edit.from.as_mut()) {
        let EditTarget { digest, r#box, others, .. } = target;
        (*digest, *r#box, *others) = Default::default();
    }
    line(&edit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_back_and_wrong_ones_are_named() {
        let face = EditTarget { item: "a:b.mp4".to_owned(), frame: 7, instance: 1, ..EditTarget::default() };
        let edit = Edit {
            step: "face-clustering".to_owned(),
            verb: "name".to_owned(),
            targets: vec![face],
            name: "Anna".to_owned(),
            ..Edit::default()
        };
        let text = line(&edit).unwrap();
        assert_eq!(
            text,
            r#"{"step":"face-clustering","verb":"name","targets":[{"item":"a:b.mp4","frame":7,"instance":1}],"name":"Anna"}"#
        );
        assert_eq!(parse(format!("\n{text}\n\n").as_bytes()).unwrap(), [edit]);
        for wrong in ["{}", "nonsense"] {
            let error = parse(format!("{text}\n{wrong}\n").as_bytes()).unwrap_err().to_string();
            assert!(error.contains("line 2"), "{error}");
        }
    }
}
