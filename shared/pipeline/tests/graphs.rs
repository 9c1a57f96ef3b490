//! Properties of plans of any graph of steps, and a simulation of admission with no more memory than a plan asks for.
#![cfg(test)]

mod fake;

use fake::{FakeStages, plan_within};
use framefleet_media::frame::batch_frames;
use framefleet_media::{ImageFile, Item, ItemKind, Kind, PixelFormat, Rendition};
use framefleet_pipeline::{Half, Pipeline, PixelSource, Plan, PlanError, Sampling, Step, batch_bytes};
use framefleet_stage::{HalfNeeds, Halo, Input, MadeFrames, Needs};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What is drawn for one step. Step s makes the kind `p<s>` in process and `f<s>` in finish.
#[derive(Clone, Debug)]
struct Drawn {
    required: Vec<(usize, bool)>,
    optional: Vec<(usize, bool)>,
    finish_required: Vec<usize>,
    halo: (u64, u64),
    group: u64,
    renditions: (bool, bool),
    latest: bool,
    maker: bool,
    every: Option<u64>,
}

fn drawn(steps: usize, halos: u64) -> impl Strategy<Value = Drawn> {
    let kinds = || vec((0..steps, prop::bool::weighted(0.25)), 0..3);
    let pixels =
        ((any::<bool>(), any::<bool>()), any::<bool>(), any::<bool>(), proptest::option::weighted(0.3, 1u64..9));
    (kinds(), kinds(), vec(0..steps, 0..2), (0..halos, 0..halos), 1u64..5, pixels).prop_map(
        |(required, optional, finish_required, halo, group, (renditions, latest, maker, every))| Drawn {
            required,
            optional,
            finish_required,
            halo,
            group,
            renditions,
            latest,
            maker,
            every,
        },
    )
}

/// Steps of a job and their order in the file. With `acyclic`, every step needs earlier ones only; the file may list them in
/// another order, but then nobody reads what was made above.
fn graph(steps: usize, acyclic: bool) -> impl Strategy<Value = (Vec<Drawn>, Vec<usize>)> {
    let sorted: Vec<usize> = (0..steps).collect();
    let order = prop_oneof![2 => Just(sorted.clone()), 1 => Just(sorted).prop_shuffle()];
    (vec(drawn(steps, 12), steps..=steps), order).prop_map(move |(mut drawn, order)| {
        for (step, one) in drawn.iter_mut().enumerate() {
            let allowed = |other: &usize| if acyclic { *other < step } else { *other != step };
            one.required.retain(|(other, _)| allowed(other));
            one.optional.retain(|(other, _)| allowed(other));
            one.finish_required.retain(allowed);
            one.latest &= !acyclic || order.is_sorted();
        }
        (drawn, order)
    })
}

fn kind((step, finish): &(usize, bool)) -> Kind {
    Kind::new(&format!("{}{step}", if *finish { "f" } else { "p" }))
}

fn needs(step: usize, drawn: &Drawn) -> Needs {
    let renditions = [(drawn.renditions.0, Rendition::Proxy), (drawn.renditions.1, Rendition::Full)];
    Needs {
        process: HalfNeeds {
            required: drawn.required.iter().map(kind).collect(),
            optional: drawn.optional.iter().map(kind).collect(),
            makes: vec![kind(&(step, false))],
            beside: Default::default(),
        },
        finish: HalfNeeds {
            required: drawn.finish_required.iter().map(|other| kind(&(*other, true))).collect(),
            optional: Vec::new(),
            makes: vec![kind(&(step, true))],
            beside: Default::default(),
        },
        renditions: renditions.into_iter().filter_map(|(wanted, rendition)| wanted.then_some(rendition)).collect(),
        input: if drawn.latest { Input::Latest } else { Input::Source },
        halo: Halo { before: drawn.halo.0, after: drawn.halo.1 },
        group: drawn.group,
        made: drawn.maker.then_some(MadeFrames { size: |item| (item.width * 2, item.height, PixelFormat::Rgb8) }),
        finish_only: false,
        models: Vec::new(),
        edits: &[],
    }
}

fn planned((drawn, order): &(Vec<Drawn>, Vec<usize>), items: &[Item]) -> Result<Plan, PlanError> {
    let name = |step: usize| format!("s{step}");
    let stages = drawn
        .iter()
        .enumerate()
        .fold(FakeStages::default(), |all, (step, one)| all.with(&name(step), needs(step, one)));
    let step = |index: &usize| Step {
        frames: drawn[*index].every.map_or(Sampling::All, Sampling::Every),
        ..Step::of_stage(&name(*index))
    };
    let pipeline =
        Pipeline { name: "drawn".to_owned(), steps: order.iter().map(step).collect(), ..Pipeline::default() };
    plan_within(&pipeline, items, &stages, u64::MAX)
}

/// Halves that a half waits for.
fn waits_for(plan: &Plan, step: usize, half: Half) -> Vec<(usize, Half)> {
    let one = &plan.steps[step];
    let frames = one.pixels.iter().filter_map(|input| match input.source {
        PixelSource::Step(maker) => Some((maker, Half::Process)),
        PixelSource::Ingest => None,
    });
    match half {
        Half::Process => {
            let kinds =
                one.process.iter().flat_map(|half| &half.providers).map(|provider| (provider.step, provider.half));
            kinds.chain(frames).collect()
        }
        Half::Finish => {
            let kinds = one.finish.providers.iter().map(|provider| (provider.step, provider.half));
            std::iter::once((step, Half::Process)).chain(kinds).collect()
        }
    }
}

fn check_order(plan: &Plan) -> Result<(), TestCaseError> {
    let mut done = BTreeSet::new();
    for (number, pass) in plan.passes.iter().enumerate() {
        prop_assert_eq!(
            number > 0,
            !pass.reason.is_empty(),
            "every pass but the first has a reason: {:?}",
            pass.reason
        );
        let halves = pass
            .process
            .iter()
            .map(|step| (*step, Half::Process))
            .chain(pass.finish.iter().map(|step| (*step, Half::Finish)));
        for (step, half) in halves {
            for waited in waits_for(plan, step, half) {
                prop_assert!(done.contains(&waited), "{step}.{half} runs before {waited:?}");
                let (provider, made_in) = (&plan.steps[waited.0], waited.1);
                let provided = if made_in == Half::Process { provider.pass } else { provider.finish_pass };
                let used = if half == Half::Process { plan.steps[step].pass } else { plan.steps[step].finish_pass };
                prop_assert!(provided <= used);
                prop_assert!(
                    provided < used || half == Half::Finish || made_in == Half::Process,
                    "over all frames means a pass earlier"
                );
            }
            for input in &plan.steps[step].pixels {
                if let PixelSource::Step(maker) = input.source {
                    prop_assert_eq!(plan.steps[maker].pass, plan.steps[step].pass, "frames do not outlive their pass");
                }
            }
            prop_assert!(done.insert((step, half)), "a half runs once");
        }
    }
    prop_assert_eq!(done.len(), 2 * plan.steps.len());
    Ok(())
}

/// Whether the needs of the steps form a cycle, found by following every need again and again.
fn is_cyclic((drawn, order): &(Vec<Drawn>, Vec<usize>)) -> bool {
    let latest_maker = |step: usize| {
        let above = order.iter().take_while(|other| **other != step);
        above
            .filter(|other| drawn[**other].maker)
            .last()
            .copied()
            .filter(|_| drawn[step].latest && drawn[step].renditions.1)
    };
    let mut reaches: BTreeSet<((usize, bool), (usize, bool))> = BTreeSet::new();
    for (step, one) in drawn.iter().enumerate() {
        reaches.insert(((step, true), (step, false)));
        reaches.extend(one.required.iter().chain(&one.optional).map(|other| ((step, false), *other)));
        reaches.extend(one.finish_required.iter().map(|other| ((step, true), (*other, true))));
        reaches.extend(latest_maker(step).map(|maker| ((step, false), (maker, false))));
    }
    loop {
        let further: Vec<_> = reaches
            .iter()
            .flat_map(|(a, b)| {
                reaches.range((*b, (0, false))..).take_while(move |(c, _)| c == b).map(move |(_, d)| (*a, *d))
            })
            .collect();
        let before = reaches.len();
        reaches.extend(further);
        if reaches.len() == before {
            return reaches.iter().any(|(a, b)| a == b);
        }
    }
}

/// An item of `frames` frames whose batches have 1 to 32.
fn item(width: u32, kind: ItemKind, frames: u64) -> Item {
    let mut item = fake::video(width, 4000);
    item.set_kind(kind);
    if kind != ItemKind::Video {
        item.files =
            (0..frames).map(|frame| ImageFile { frame, name: frame.to_string(), ..ImageFile::default() }).collect();
    }
    item
}

/// A pass over some items, with its memory.
struct Simulation<'a> {
    plan: &'a Plan,
    pass: usize,
    items: &'a [(Item, u64)],
    /// (item, batch) in flight.
    held: BTreeSet<(usize, u64)>,
    /// (step, item, group) done.
    done: BTreeSet<(usize, usize, u64)>,
}

impl Simulation<'_> {
    fn batches(&self, item: usize) -> u64 {
        self.items[item].1.div_ceil(batch_frames(&self.items[item].0))
    }

    fn group(&self, step: usize, item: usize) -> u64 {
        self.plan.steps[step].group_for(&self.items[item].0)
    }

    fn groups(&self, step: usize, item: usize) -> u64 {
        self.batches(item).div_ceil(self.group(step, item))
    }

    /// Frames that a task may look at.
    fn window(&self, step: usize, item: usize, group: u64) -> std::ops::Range<u64> {
        let (of, frames) = &self.items[item];
        let size = self.group(step, item) * batch_frames(of);
        let halo = self.plan.steps[step].halo_for(of);
        (group * size).saturating_sub(halo.before)
            ..((group + 1) * size).min(*frames).saturating_add(halo.after).min(*frames)
    }

    fn batches_of(&self, item: usize, window: &std::ops::Range<u64>) -> std::ops::Range<u64> {
        let length = batch_frames(&self.items[item].0);
        window.start / length..window.end.div_ceil(length)
    }

    /// Whether everything is there that a task reads. Frames of batches that are no longer held are gone.
    fn is_ready(&self, step: usize, item: usize, group: u64) -> bool {
        let window = self.window(step, item, group);
        let batches = self.batches_of(item, &window);
        let in_pass =
            |(provider, half): &(usize, Half)| *half == Half::Process && self.plan.steps[*provider].pass == self.pass;
        let reads_frames = !self.plan.steps[step].pixels.is_empty();
        (!reads_frames || batches.clone().all(|batch| self.held.contains(&(item, batch))))
            && waits_for(self.plan, step, Half::Process).iter().filter(|half| in_pass(half)).all(|(provider, _)| {
                let size = self.group(*provider, item);
                batches.clone().all(|batch| self.done.contains(&(*provider, item, batch / size)))
            })
    }

    fn tasks(&self) -> Vec<(usize, usize, u64)> {
        let steps = &self.plan.passes[self.pass].process;
        let of_item = |item: usize| {
            steps.iter().flat_map(move |step| (0..self.groups(*step, item)).map(move |group| (*step, item, group)))
        };
        (0..self.items.len()).flat_map(of_item).collect()
    }

    /// Runs the pass with `credit` bytes, batches admitted in item order; true when all tasks came to run.
    fn completes(&mut self, credit: u64) -> bool {
        let bytes: Vec<u64> = self.items.iter().map(|(item, _)| batch_bytes(self.plan, self.pass, item)).collect();
        let all: Vec<(usize, u64)> =
            (0..self.items.len()).flat_map(|item| (0..self.batches(item)).map(move |batch| (item, batch))).collect();
        let mut coming = all.into_iter().peekable();
        loop {
            let mut moved = false;
            while let Some(next) = coming
                .next_if(|(item, _)| self.held.iter().map(|held| bytes[held.0]).sum::<u64>() + bytes[*item] <= credit)
            {
                moved |= self.held.insert(next);
            }
            let open: Vec<_> = self.tasks().into_iter().filter(|task| !self.done.contains(task)).collect();
            for (step, item, group) in open
                .iter()
                .copied()
                .filter(|(step, item, group)| self.is_ready(*step, *item, *group))
                .collect::<Vec<_>>()
            {
                moved |= self.done.insert((step, item, group));
            }
            // A batch is held until every task is done whose window holds it, also by the frames that a task made of its group.
            let open: Vec<_> = open.into_iter().filter(|task| !self.done.contains(task)).collect();
            let needed: BTreeSet<(usize, u64)> = open.iter().flat_map(|task| self.keeps(*task)).collect();
            self.held.retain(|batch| needed.contains(batch));
            if open.is_empty() {
                return true;
            }
            if !moved {
                return false;
            }
        }
    }

    /// Batches that an open task keeps: those of its window, and those that its makers' tasks span.
    fn keeps(&self, (step, item, group): (usize, usize, u64)) -> BTreeSet<(usize, u64)> {
        let near = self.batches_of(item, &self.window(step, item, group));
        let mut kept: BTreeSet<u64> = near.clone().collect();
        for input in &self.plan.steps[step].pixels {
            if let PixelSource::Step(maker) = input.source {
                let size = self.group(maker, item);
                kept.extend(near.clone().flat_map(|batch| batch / size * size..(batch / size + 1) * size));
            }
        }
        kept.into_iter().map(|batch| (item, batch)).collect()
    }
}

fn items() -> impl Strategy<Value = Vec<(Item, u64)>> {
    let kind = prop_oneof![4 => Just(ItemKind::Video), 1 => Just(ItemKind::Sequence), 1 => Just(ItemKind::Stills)];
    let width = prop_oneof![Just(500u32), Just(2500), Just(5000), Just(9000), Just(20000)];
    vec((width, kind, 1u64..120).prop_map(|(width, kind, frames)| (item(width, kind, frames), frames)), 1..3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// Providers come first, and what is made over all frames is there a pass earlier.
    #[test]
    fn acyclic_graphs_have_plans(graph in (1usize..8).prop_flat_map(|steps| graph(steps, true))) {
        match planned(&graph, &[fake::video(640, 360)]) {
            Ok(plan) => check_order(&plan)?,
            Err(PlanError::LaterPass { .. }) => {}
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    /// Cycles are refused, all of them and nothing else.
    #[test]
    fn cycles_are_refused(graph in (2usize..7).prop_flat_map(|steps| graph(steps, false))) {
        match planned(&graph, &[fake::video(640, 360)]) {
            Ok(plan) => {
                prop_assert!(!is_cyclic(&graph));
                check_order(&plan)?;
            }
            Err(PlanError::Cycle { path }) => prop_assert!(is_cyclic(&graph), "{path}"),
            Err(PlanError::LaterPass { .. }) => prop_assert!(!is_cyclic(&graph)),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    /// With the memory that the plan asks for, and one batch less, every pass comes to its end: the one is for work to overlap.
    #[test]
    fn memory_is_enough(graph in (1usize..6).prop_flat_map(|steps| graph(steps, true)), items in items()) {
        let probed: Vec<Item> = items.iter().map(|(item, _)| item.clone()).collect();
        let Ok(plan) = planned(&graph, &probed) else { return Ok(()) };
        for pass in 0..plan.passes.len() {
            let spare = probed.iter().map(|item| batch_bytes(&plan, pass, item)).max().unwrap_or(0);
            let needed = plan.memory.needed[pass];
            let same = items.len() == 1;
            for credit in if same { vec![needed, needed.saturating_sub(spare)] } else { vec![needed] } {
                let mut run = Simulation { plan: &plan, pass, items: &items, held: BTreeSet::new(), done: BTreeSet::new() };
                prop_assert!(run.completes(credit), "pass {pass} stands still with {credit} bytes; undone: {:?}",
                    run.tasks().into_iter().filter(|task| !run.done.contains(task)).collect::<Vec<_>>());
            }
        }
    }
}

/// The simulation can fail, and the plan asks for no more than it takes.
#[test]
fn less_memory_is_not_enough() {
    let quiet = Drawn {
        required: Vec::new(),
        optional: Vec::new(),
        finish_required: Vec::new(),
        halo: (0, 0),
        group: 1,
        renditions: (true, false),
        latest: false,
        maker: false,
        every: None,
    };
    let chain = vec![
        Drawn { halo: (3, 2), ..quiet.clone() },
        Drawn { halo: (1, 40), required: vec![(0, false)], group: 2, ..quiet.clone() },
        Drawn { halo: (0, 1), required: vec![(1, false)], group: 3, ..quiet },
    ];
    let items = [(item(5000, ItemKind::Video, 400), 400)];
    let plan = planned(&(chain, vec![0, 1, 2]), &[items[0].0.clone()]).unwrap();
    let batch = batch_bytes(&plan, 0, &items[0].0);
    let completes = |batches: u64| {
        let (held, done) = (BTreeSet::new(), BTreeSet::new());
        Simulation { plan: &plan, pass: 0, items: &items, held, done }.completes(batches * batch)
    };
    let needed = plan.memory.needed[0] / batch;
    let least = (1..=needed).find(|batches| completes(*batches)).unwrap();
    assert!(least > 3, "a group alone is not enough");
    assert!(needed - least <= 4, "{needed} batches are asked for where {least} do");
}
