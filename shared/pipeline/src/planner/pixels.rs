//! Where the frames come from that a step looks at.
use crate::planner::needs::Draft;
use crate::stages::makes_frames;
use crate::{PixelInput, PixelSource, PlanError};
use framefleet_frames::Rendition;
use framefleet_stage::Input;

/// The pipeline's word for the source's own frames.
const SOURCE: &str = "source";

/// The renditions of a step with their sources. Proxies are always the source's; full frames come from where the pipeline's
/// `input` says, else the stage: the source, or the last step above in the file that makes frames.
pub(crate) fn inputs(drafts: &[Draft], user: usize) -> Result<Vec<PixelInput>, PlanError> {
    let needs = &drafts[user].resolved.needs;
    let mut renditions = if needs.finish_only { Vec::new() } else { needs.renditions.clone() };
    renditions.sort_by_key(|rendition| *rendition as i32);
    renditions.dedup();
    let full = match &drafts[user].step.input {
        Some(input) => named(drafts, user, input, &renditions)?,
        None => by_default(drafts, user),
    };
    let source = |rendition| if rendition == Rendition::Full { full } else { PixelSource::Ingest };
    Ok(renditions.into_iter().map(|rendition| PixelInput { rendition, source: source(rendition) }).collect())
}

fn by_default(drafts: &[Draft], user: usize) -> PixelSource {
    let latest = || drafts[..user].iter().rposition(|draft| makes_frames(&draft.resolved.needs));
    match drafts[user].resolved.needs.input {
        Input::Source => PixelSource::Ingest,
        Input::Latest => latest().map_or(PixelSource::Ingest, PixelSource::Step),
    }
}

fn named(drafts: &[Draft], user: usize, input: &str, renditions: &[Rendition]) -> Result<PixelSource, PlanError> {
    let step = &drafts[user].step.name;
    let refuse = |problem: String| PlanError::Input { step: step.clone(), input: input.to_owned(), problem };
    if !renditions.contains(&Rendition::Full) {
        return Err(refuse("the step looks at no full frames, so it has no input to choose".to_owned()));
    }
    if input == SOURCE {
        return Ok(PixelSource::Ingest);
    }
    let makers = || (0..drafts.len()).filter(|other| *other != user && makes_frames(&drafts[*other].resolved.needs));
    makers().find(|other| drafts[*other].step.name == input).map(PixelSource::Step).ok_or_else(|| {
        let known: Vec<_> =
            std::iter::once(SOURCE).chain(makers().map(|other| drafts[other].step.name.as_str())).collect();
        refuse(format!("no other step of this name makes frames; possible: {}", known.join(", ")))
    })
}
