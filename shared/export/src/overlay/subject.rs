//! Subjects: box and name, else identity or number; grey while nobody knows which one it is.
use super::canvas::{Canvas, colour};
use crate::ExportError;
use crate::writer::FrameRecord;
use framefleet_frames::Subject;

/// Draws the subjects of a frame.
pub(super) fn draw(record: &FrameRecord<'_>, canvas: &mut Canvas) -> Result<(), ExportError> {
    for subject in record.of::<Subject>("subject")? {
        if let [x0, y0, x1, y1] = subject.r#box[..] {
            canvas.boxed([x0, y0, x1, y1], &word(&subject), colour(subject.identity.or(subject.subject)))?;
        }
    }
    Ok(())
}

/// Who a subject is, as far as it is known. The font has ASCII alone: other names are shown as the identity's number.
fn word(subject: &Subject) -> String {
    let label = if subject.label.is_empty() { "subject" } else { &subject.label };
    match (subject.name.as_deref(), subject.identity, subject.subject) {
        (Some(name), _, _) if !name.is_empty() && name.is_ascii() => name.to_owned(),
        (_, Some(identity), _) => format!("identity {identity}"),
        (_, None, Some(number)) => format!("{label} {number}"),
        (_, None, None) => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_known_name_is_shown() {
        let subject = |name: Option<&str>, identity, number| Subject {
            label: "person".to_owned(),
            name: name.map(str::to_owned),
            identity,
            subject: number,
            ..Subject::default()
        };
        assert_eq!(word(&subject(Some("Ada"), Some(3), Some(1))), "Ada");
        assert_eq!(word(&subject(Some("Zoë"), Some(3), Some(1))), "identity 3");
        assert_eq!(word(&subject(None, Some(3), Some(1))), "identity 3");
        assert_eq!(
            (word(&subject(None, None, Some(1))), word(&subject(None, None, None))),
            ("person 1".into(), "person".into())
        );
    }
}
