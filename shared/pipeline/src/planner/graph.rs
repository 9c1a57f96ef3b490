//! The graph of halves: who waits for whom.
use crate::{Half, HalfPlan, PixelInput, PixelSource, PlanError};

/// One half of one step.
pub(crate) type Node = (usize, Half);

/// What a step reads, before steps are put in order.
pub(crate) struct Wires {
    pub process: Option<HalfPlan>,
    pub finish: HalfPlan,
    pub pixels: Vec<PixelInput>,
}

impl Wires {
    /// Halves that process follows: makers of its kinds and of its frames.
    fn process_follows(&self) -> Vec<Node> {
        let kinds = self.process.iter().flat_map(|half| &half.providers).map(|provider| (provider.step, provider.half));
        kinds.chain(self.frame_makers().map(|step| (step, Half::Process))).collect()
    }

    /// Halves that finish follows: its own process and makers of its kinds.
    fn finish_follows(&self, step: usize) -> Vec<Node> {
        let own = self.process.is_some().then_some((step, Half::Process));
        own.into_iter().chain(self.finish.providers.iter().map(|provider| (provider.step, provider.half))).collect()
    }

    /// Steps whose frames process reads.
    pub(crate) fn frame_makers(&self) -> impl Iterator<Item = usize> + '_ {
        self.pixels.iter().filter_map(|input| match input.source {
            PixelSource::Step(step) => Some(step),
            PixelSource::Ingest => None,
        })
    }
}

/// Halves that a half follows, in the order of the pipeline.
fn follows(wires: &[Wires], (step, half): Node) -> Vec<Node> {
    let mut nodes = match half {
        Half::Process => wires[step].process_follows(),
        Half::Finish => wires[step].finish_follows(step),
    };
    nodes.sort();
    nodes
}

/// All halves, each after those that it follows, otherwise in the order of the pipeline. Refuses cycles, naming the way round.
pub(crate) fn order(wires: &[Wires], names: &[&str]) -> Result<Vec<Node>, PlanError> {
    let mut walk = Walk { wires, names, path: Vec::new(), done: Vec::new() };
    for half in [Half::Process, Half::Finish] {
        for (step, of_step) in wires.iter().enumerate() {
            if half == Half::Finish || of_step.process.is_some() {
                walk.visit((step, half))?;
            }
        }
    }
    Ok(walk.done)
}

/// A depth-first walk against the arrows; as deep as twice the number of steps, which is bounded.
struct Walk<'a> {
    wires: &'a [Wires],
    names: &'a [&'a str],
    path: Vec<Node>,
    done: Vec<Node>,
}

impl Walk<'_> {
    fn visit(&mut self, node: Node) -> Result<(), PlanError> {
        if self.done.contains(&node) {
            return Ok(());
        }
        if let Some(start) = self.path.iter().position(|earlier| *earlier == node) {
            return Err(self.cycle(start));
        }
        self.path.push(node);
        for earlier in follows(self.wires, node) {
            self.visit(earlier)?;
        }
        self.path.pop();
        self.done.push(node);
        Ok(())
    }

    /// The walk goes from users to providers; people read it the other way.
    fn cycle(&self, start: usize) -> PlanError {
        let mut nodes: Vec<Node> = self.path[start..].to_vec();
        nodes.push(self.path[start]);
        let path = nodes
            .iter()
            .rev()
            .map(|(step, half)| format!("{}.{half}", self.names[*step]))
            .collect::<Vec<_>>()
            .join(" → ");
        PlanError::Cycle { path }
    }
}
