//! Runs over the footage: which half belongs to which, and why there is more than one.
use crate::planner::graph::{Node, Wires};
use crate::{Half, PassPlan, PlanError, Sampling};

/// The passes of one step's halves.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StepPasses {
    pub process: usize,
    pub finish: usize,
}

/// The plan's halves in order, with what they read.
pub(crate) struct Schedule<'a> {
    pub wires: &'a [Wires],
    pub order: &'a [Node],
    pub names: &'a [&'a str],
    pub samplings: &'a [Sampling],
}

impl Schedule<'_> {
    /// The pass of every half: the earliest, except that a step whose frames are read runs in the pass of its readers, since
    /// frames do not outlive their pass. Refused when a reader waits for something that its maker has to finish first.
    pub(crate) fn passes(&self) -> Result<Vec<StepPasses>, PlanError> {
        let mut earliest = vec![0; self.wires.len()];
        loop {
            let passes = self.assign(&earliest);
            let Some((reader, maker)) = self.apart(&passes) else { return Ok(passes) };
            let pass = passes[reader].process;
            earliest[maker] = pass;
            // A reader that moves on with its maker waits for it; chains of such pairs would move on for ever.
            if self.assign(&earliest)[reader].process > pass || pass > self.wires.len() {
                return Err(self.later_pass(reader, maker, &passes));
            }
        }
    }

    /// The passes with their steps and reasons, the steps in the order of their halves.
    pub(crate) fn plans(&self, passes: &[StepPasses]) -> Vec<PassPlan> {
        let count = passes.iter().map(|pass| pass.process.max(pass.finish) + 1).max().unwrap_or(1);
        let of = |half: Half, wanted: usize| {
            let pass_of =
                move |step: usize| if half == Half::Process { passes[step].process } else { passes[step].finish };
            self.order
                .iter()
                .filter(move |node| node.1 == half && pass_of(node.0) == wanted)
                .map(|node| node.0)
                .collect()
        };
        (0..count)
            .map(|pass| {
                let process: Vec<usize> = of(Half::Process, pass);
                let reason = if pass == 0 { String::new() } else { self.reason(pass, &process, passes) };
                PassPlan { process, finish: of(Half::Finish, pass), reason }
            })
            .collect()
    }

    /// The earliest passes: what process needs over all frames is there one pass later.
    fn assign(&self, earliest: &[usize]) -> Vec<StepPasses> {
        let mut passes = vec![StepPasses::default(); self.wires.len()];
        for &(step, half) in self.order {
            let wires = &self.wires[step];
            match half {
                Half::Process => {
                    let kinds =
                        wires.process.iter().flat_map(|half| &half.providers).map(|provider| match provider.half {
                            Half::Process => passes[provider.step].process,
                            Half::Finish => passes[provider.step].finish + 1,
                        });
                    let frames = wires.frame_makers().map(|maker| passes[maker].process);
                    passes[step].process = kinds.chain(frames).fold(earliest[step], usize::max);
                }
                Half::Finish => {
                    let kinds = wires.finish.providers.iter().map(|provider| passes[provider.step].finish);
                    passes[step].finish = kinds.fold(passes[step].process, usize::max);
                    if wires.process.is_none() {
                        passes[step].process = passes[step].finish;
                    }
                }
            }
        }
        passes
    }

    /// A step that reads frames made in an earlier pass, and their maker.
    fn apart(&self, passes: &[StepPasses]) -> Option<(usize, usize)> {
        let pairs = self
            .wires
            .iter()
            .enumerate()
            .flat_map(|(reader, wires)| wires.frame_makers().map(move |maker| (reader, maker)));
        pairs.into_iter().find(|(reader, maker)| passes[*reader].process > passes[*maker].process)
    }

    fn later_pass(&self, reader: usize, maker: usize, passes: &[StepPasses]) -> PlanError {
        let pass = passes[reader].process;
        let in_pass: Vec<usize> = (0..self.wires.len()).filter(|step| passes[*step].process == pass).collect();
        let own = self.causes(pass, &[reader], passes);
        let why = if own.is_empty() { self.causes(pass, &in_pass, passes) } else { own }.join("; ");
        PlanError::LaterPass { reader: self.names[reader].to_owned(), maker: self.names[maker].to_owned(), why }
    }

    fn reason(&self, pass: usize, process: &[usize], passes: &[StepPasses]) -> String {
        self.causes(pass, process, passes).join("; ")
    }

    /// "inpainting needs identity, which face-clustering makes over all frames", for the steps that make a pass necessary.
    fn causes(&self, pass: usize, steps: &[usize], passes: &[StepPasses]) -> Vec<String> {
        let providers = steps.iter().flat_map(|step| {
            let half = self.wires[*step].process.iter().flat_map(|half| &half.providers);
            half.map(move |provider| (*step, provider))
        });
        providers
            .filter(|(_, provider)| provider.half == Half::Finish && passes[provider.step].finish + 1 == pass)
            .map(|(step, provider)| {
                let by_shot = matches!(self.samplings[step], Sampling::PerShot(_)) && provider.kind.as_str() == "shot";
                let needs = if by_shot { "samples its frames by" } else { "needs" };
                let (user, maker) = (self.names[step], self.names[provider.step]);
                format!("{user} {needs} {}, which {maker} makes over all frames", provider.kind)
            })
            .collect()
    }
}
