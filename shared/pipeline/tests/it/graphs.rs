//! Properties of plans of any graph of steps, and a simulation of admission with no more memory than a plan asks for.

use crate::fake::{FakeStages, plan_within};
use framefleet_media::frame::batch_frames;
use framefleet_media::made::Size;
use framefleet_media::{ImageFile, Item, ItemKind, Kind, MadeFrames, Rational, Rendition};
use framefleet_pipeline::{Half, Pipeline, PixelSource, Plan, PlanError, Sampling, Step, batch_bytes, slice_bytes};
use framefleet_stage::{HalfNeeds, Halo, Input, Needs};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::Range;

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
    /// How many times larger the frames are that it makes.
    maker: Option<i64>,
    every: Option<u64>,
}

fn drawn(steps: usize, halos: u64) -> impl Strategy<Value = Drawn> {
    let kinds = || vec((0..steps, prop::bool::weighted(0.25)), 0..3);
    let maker = proptest::option::of(prop_oneof![2 => Just(1i64), 1 => Just(2), 1 => Just(4)]);
    let pixels = ((any::<bool>(), any::<bool>()), any::<bool>(), maker, proptest::option::weighted(0.3, 1u64..9));
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
        made: drawn.maker.map(|factor| MadeFrames {
            size: Some(Size::Scale(Rational { num: factor, den: 1 })),
            ..MadeFrames::default()
        }),
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
            .filter(|other| drawn[**other].maker.is_some())
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
    let mut item = crate::fake::video(width, 4000);
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
    batches: BTreeSet<(usize, u64)>,
    /// (item, slice) for whose made frames there is memory.
    slices: BTreeSet<(usize, u64)>,
    /// (step, item, task) done.
    done: BTreeSet<(usize, usize, u64)>,
}

/// Runs of `length` frames that a range touches.
fn runs(range: &Range<u64>, length: u64) -> Range<u64> {
    range.start / length..range.end.div_ceil(length)
}

impl<'a> Simulation<'a> {
    fn new(plan: &'a Plan, pass: usize, items: &'a [(Item, u64)]) -> Self {
        Self { plan, pass, items, batches: BTreeSet::new(), slices: BTreeSet::new(), done: BTreeSet::new() }
    }

    /// Frames of a task, before they are cut.
    fn length(&self, step: usize, item: usize) -> u64 {
        self.plan.task_frames(step, &self.items[item].0)
    }

    fn slice(&self, item: usize) -> u64 {
        self.plan.slice_frames(self.pass, &self.items[item].0)
    }

    fn is_maker_of_parts(&self, step: usize, item: usize) -> bool {
        let of = &self.items[item].0;
        self.plan.steps[step].made.is_some() && self.plan.part_frames(step, of) < batch_frames(of)
    }

    fn range(&self, (step, item, task): (usize, usize, u64)) -> Range<u64> {
        let length = self.length(step, item);
        task * length..((task + 1) * length).min(self.items[item].1)
    }

    /// Frames that a task may look at.
    fn window(&self, task: (usize, usize, u64)) -> Range<u64> {
        let (of, frames) = &self.items[task.1];
        let (range, halo) = (self.range(task), self.plan.steps[task.0].halo_for(of));
        range.start.saturating_sub(halo.before)..range.end.saturating_add(halo.after).min(*frames)
    }

    /// Steps whose frames a step looks at.
    fn makers(&self, step: usize) -> impl Iterator<Item = usize> {
        self.plan.steps[step].pixels.iter().filter_map(|input| match input.source {
            PixelSource::Step(maker) => Some(maker),
            PixelSource::Ingest => None,
        })
    }

    /// Batches that a task keeps while it is open: those of its window, and those that its makers' tasks span.
    fn keeps_batches(&self, task: (usize, usize, u64)) -> impl Iterator<Item = (usize, u64)> {
        let (step, item, _) = task;
        let (window, batch) = (self.window(task), batch_frames(&self.items[item].0));
        let made = self.makers(step).flat_map(move |maker| {
            let length = self.length(maker, item);
            let tasks = runs(&self.window(task), length);
            runs(&(tasks.start * length..tasks.end * length), batch)
        });
        runs(&window, batch).chain(made).map(move |batch| (item, batch))
    }

    /// Slices that a task keeps while it is open: for what it makes, and for what was made that it looks at.
    fn keeps_slices(&self, task: (usize, usize, u64)) -> impl Iterator<Item = (usize, u64)> {
        let (step, item, _) = task;
        let slice = self.slice(item);
        let own = self.is_maker_of_parts(step, item).then(|| runs(&self.range(task), slice));
        let made = self.makers(step).filter(move |maker| self.is_maker_of_parts(*maker, item)).flat_map(move |maker| {
            let length = self.length(maker, item);
            let tasks = runs(&self.window(task), length);
            runs(&(tasks.start * length..(tasks.end * length).min(self.items[item].1)), slice)
        });
        own.into_iter().flatten().chain(made).map(move |slice| (item, slice))
    }

    /// Whether everything is there that a task reads, and memory for what it makes. Frames of batches that are no longer held
    /// are gone.
    fn is_ready(&self, task: (usize, usize, u64)) -> bool {
        let (step, item, _) = task;
        let window = self.window(task);
        let in_pass =
            |(provider, half): &(usize, Half)| *half == Half::Process && self.plan.steps[*provider].pass == self.pass;
        let is_done = |provider: usize| {
            runs(&window, self.length(provider, item)).all(|task| self.done.contains(&(provider, item, task)))
        };
        let reads_frames = !self.plan.steps[step].pixels.is_empty();
        let mut batches = runs(&window, batch_frames(&self.items[item].0));
        (!reads_frames || batches.all(|batch| self.batches.contains(&(item, batch))))
            && self.keeps_slices(task).all(|slice| self.slices.contains(&slice))
            && waits_for(self.plan, step, Half::Process).iter().filter(|half| in_pass(half)).all(|(of, _)| is_done(*of))
    }

    fn tasks(&self) -> Vec<(usize, usize, u64)> {
        let steps = &self.plan.passes[self.pass].process;
        let of_item = |item: usize| {
            let frames = 0..self.items[item].1;
            steps
                .iter()
                .flat_map(move |step| runs(&frames, self.length(*step, item)).map(move |task| (*step, item, task)))
        };
        (0..self.items.len()).flat_map(of_item).collect()
    }

    /// Runs the pass with `credit` bytes, slices admitted in item order, batches with the first of theirs; true when all tasks
    /// came to run.
    fn completes(&mut self, credit: u64) -> bool {
        let bytes = |of: fn(&Plan, usize, &Item) -> u64| -> Vec<u64> {
            self.items.iter().map(|(item, _)| of(self.plan, self.pass, item)).collect()
        };
        let (batch_bytes, slice_bytes) = (bytes(batch_bytes), bytes(slice_bytes));
        let slices = |item: usize| runs(&(0..self.items[item].1), self.slice(item)).map(move |slice| (item, slice));
        let mut coming = (0..self.items.len()).flat_map(slices).collect::<Vec<_>>().into_iter().peekable();
        loop {
            let mut moved = false;
            while let Some(&(item, slice)) = coming.peek() {
                let frame = slice * self.slice(item);
                let (batch, length) = (frame / batch_frames(&self.items[item].0), batch_frames(&self.items[item].0));
                let begins = frame.is_multiple_of(length);
                let more = slice_bytes[item] + if begins { batch_bytes[item] } else { 0 };
                let held = self.batches.iter().map(|held| batch_bytes[held.0]).sum::<u64>()
                    + self.slices.iter().map(|held| slice_bytes[held.0]).sum::<u64>();
                if held + more > credit {
                    break;
                }
                moved |= self.slices.insert((item, slice));
                moved |= begins && self.batches.insert((item, batch));
                coming.next();
            }
            let open: Vec<_> = self.tasks().into_iter().filter(|task| !self.done.contains(task)).collect();
            for task in open.iter().copied().filter(|task| self.is_ready(*task)).collect::<Vec<_>>() {
                moved |= self.done.insert(task);
            }
            let open: Vec<_> = open.into_iter().filter(|task| !self.done.contains(task)).collect();
            let batches: BTreeSet<_> = open.iter().flat_map(|task| self.keeps_batches(*task)).collect();
            let slices: BTreeSet<_> = open.iter().flat_map(|task| self.keeps_slices(*task)).collect();
            self.batches.retain(|batch| batches.contains(batch));
            self.slices.retain(|slice| slices.contains(slice));
            if open.is_empty() {
                return true;
            }
            if !moved {
                return false;
            }
        }
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
        match planned(&graph, &[crate::fake::video(640, 360)]) {
            Ok(plan) => check_order(&plan)?,
            Err(PlanError::LaterPass { .. } | PlanError::Made { .. }) => {}
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    /// Cycles are refused, all of them and nothing else.
    #[test]
    fn cycles_are_refused(graph in (2usize..7).prop_flat_map(|steps| graph(steps, false))) {
        match planned(&graph, &[crate::fake::video(640, 360)]) {
            Ok(plan) => {
                prop_assert!(!is_cyclic(&graph));
                check_order(&plan)?;
            }
            Err(PlanError::Cycle { path }) => prop_assert!(is_cyclic(&graph), "{path}"),
            Err(PlanError::LaterPass { .. } | PlanError::Made { .. }) => prop_assert!(!is_cyclic(&graph)),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    /// With the memory that the plan asks for, and one batch less, every pass comes to its end: the one is for work to overlap.
    #[test]
    fn memory_is_enough(graph in (1usize..6).prop_flat_map(|steps| graph(steps, true)), items in items()) {
        let probed: Vec<Item> = items.iter().map(|(item, _)| item.clone()).collect();
        let Ok(plan) = planned(&graph, &probed) else { return Ok(()) };
        for pass in 0..plan.passes.len() {
            let one = |item| batch_bytes(&plan, pass, item) + slice_bytes(&plan, pass, item);
            let spare = probed.iter().map(one).max().unwrap_or(0);
            let needed = plan.memory.needed[pass];
            let same = items.len() == 1;
            for credit in if same { vec![needed, needed.saturating_sub(spare)] } else { vec![needed] } {
                let mut run = Simulation::new(&plan, pass, &items);
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
        maker: None,
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
    let completes = |batches: u64| Simulation::new(&plan, 0, &items).completes(batches * batch);
    let needed = plan.memory.needed[0] / batch;
    let least = (1..=needed).find(|batches| completes(*batches)).unwrap();
    assert!(least > 3, "a group alone is not enough");
    assert!(needed - least <= 4, "{needed} batches are asked for where {least} do");
}
