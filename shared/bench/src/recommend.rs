//! The recommendation: which setting is fastest, by how much, and what limits it.
use crate::row::{Figures, Row};
use crate::size::Size;

/// A gain below this is no reason to change a setting.
const WORTHWHILE: f64 = 1.05;

/// In words, a paragraph for each size. What was not measured is counted, with its first reason.
pub fn recommendation(rows: &[Row]) -> String {
    let mut sizes: Vec<Option<Size>> = Vec::new();
    for row in rows {
        if !sizes.contains(&row.combination.size) {
            sizes.push(row.combination.size);
        }
    }
    let of_size = |size: &Option<Size>| {
        let of = rows.iter().filter(|row| row.combination.size == *size).collect::<Vec<_>>();
        paragraph(&of)
    };
    let mut paragraphs: Vec<String> = sizes.iter().filter_map(of_size).collect();
    let left_out: Vec<&Row> = rows.iter().filter(|row| row.not_run.is_some()).collect();
    if let Some(first) = left_out.first() {
        let reason = first.not_run.as_deref().unwrap_or_default();
        let (count, all) = (left_out.len(), rows.len());
        paragraphs.push(format!("{count} of {all} combinations did not run; the first ({}): {reason}.", first.name()));
    }
    paragraphs.join("\n\n")
}

fn paragraph(rows: &[&Row]) -> Option<String> {
    let mut measured: Vec<(&Row, &Figures)> =
        rows.iter().filter_map(|row| Some((*row, row.figures.as_ref()?))).collect();
    measured.sort_by(|a, b| b.1.frames_per_second.total_cmp(&a.1.frames_per_second));
    let (best, figures) = *measured.first()?;
    let name = best.name();
    let speed = figures.frames_per_second;
    let mut text = match measured.last().filter(|_| measured.len() > 1) {
        None => format!("{name}: {speed:.1} frames per second."),
        Some((slowest, of)) if speed > of.frames_per_second * WORTHWHILE => format!(
            "Fastest is {name}: {speed:.1} frames per second, {:.2} times the slowest ({}).",
            speed / of.frames_per_second,
            slowest.name(),
        ),
        Some(_) => {
            format!("All settings are within 5 % of {name}: {speed:.1} frames per second; leave them as they are.")
        }
    };
    if let Some(finding) = figures.bottlenecks.first() {
        text.push_str(&format!(" What limits it: {}.", finding.text));
        if let Some(remedy) = &finding.remedy {
            text.push_str(&format!(" What may help: {remedy}."));
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Combination;
    use framefleet_bottleneck::{Finding, Limit, Remedy};

    fn row(batch: u32, speed: f64) -> Row {
        let remedy = Remedy { setting: "--threads".into(), value: "8".into(), effect: "uses all cores".into() };
        let text = "pose took 80 % of all task time".to_owned();
        let finding = Finding { limit: Limit::Compute, step: None, share: 0.8, text, remedy: Some(remedy) };
        let figures = Figures { frames_per_second: speed, bottlenecks: vec![finding], ..Figures::default() };
        let combination = Combination { batch: Some(batch), ..Combination::default() };
        Row { combination, frame_size: None, not_run: None, figures: Some(figures) }
    }

    #[test]
    fn the_fastest_is_named_with_what_limits_it() {
        let text = recommendation(&[row(1, 10.0), row(8, 25.0), Row::not_run(Combination::default(), "no GPU")]);
        assert_eq!(
            text,
            "Fastest is batches of 8: 25.0 frames per second, 2.50 times the slowest (batches of 1). \
             What limits it: pose took 80 % of all task time. What may help: `--threads 8` uses all cores.\n\n\
             1 of 3 combinations did not run; the first (as it is): no GPU."
        );
    }

    #[test]
    fn noise_is_no_reason_to_change_anything() {
        assert!(recommendation(&[row(1, 10.0), row(8, 10.2)]).starts_with("All settings are within 5 %"));
        assert_eq!(recommendation(&[]), "");
        let none = recommendation(&[Row::not_run(Combination::default(), "no memory")]);
        assert_eq!(none, "1 of 1 combinations did not run; the first (as it is): no memory.");
    }
}
