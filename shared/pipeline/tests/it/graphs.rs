//! Properties of plans of any graph of steps, and a simulation of admission with no more memory than a plan asks for.

mod simulation;

use crate::fake::{FakeStages, plan_within};
use framefleet_formats::Encoding;
use framefleet_frames::frame::batch_frames;
use framefleet_frames::made::Size;
use framefleet_frames::{ImageFile, Item, ItemKind, Kind, MadeFrames, Rational, Rendition};
use framefleet_pipeline::{
    Half, Pipeline, PixelSource, Plan, PlanError, Sampling, Step, batch_bytes, encoder_bytes, slice_bytes,
};
use framefleet_stage::{HalfNeeds, Halo, Input, Needs};
use proptest::collection::vec;
use proptest::prelude::*;
use simulation::{Simulation, item};
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
        joins: false,
        process: HalfNeeds {
            required: drawn.required.iter().map(kind).collect(),
            optional: drawn.optional.iter().map(kind).collect(),
            makes: vec![kind(&(step, false))],
            side_inputs: Default::default(),
        },
        finish: HalfNeeds {
            required: drawn.finish_required.iter().map(|other| kind(&(*other, true))).collect(),
            optional: Vec::new(),
            makes: vec![kind(&(step, true))],
            side_inputs: Default::default(),
        },
        renditions: renditions.into_iter().filter_map(|(wanted, rendition)| wanted.then_some(rendition)).collect(),
        input: if drawn.latest { Input::Latest } else { Input::Source },
        halo: Halo { before: drawn.halo.0, after: drawn.halo.1 },
        group: drawn.group,
        made: drawn.maker.map(|factor| MadeFrames {
            size: Some(Size::Scale(Rational { num: factor, den: 1 })),
            ..MadeFrames::default()
        }),
        encodes: (drawn.maker.is_none() && drawn.renditions.1).then_some(Encoding::H264),
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

    /// With the memory that the plan asks for, and one batch or one encoder less, every pass comes to its end: the batch is for
    /// work to overlap.
    #[test]
    fn memory_is_enough(graph in (1usize..6).prop_flat_map(|steps| graph(steps, true)), items in items()) {
        let probed: Vec<Item> = items.iter().map(|(item, _)| item.clone()).collect();
        let Ok(plan) = planned(&graph, &probed) else { return Ok(()) };
        for pass in 0..plan.passes.len() {
            let one = |item| batch_bytes(&plan, pass, item) + slice_bytes(&plan, pass, item);
            let spare = probed.iter().map(one).max().unwrap_or(0);
            let encoders = probed.iter().flat_map(|item| {
                let plan = &plan;
                plan.passes[pass].process.iter().map(move |step| encoder_bytes(plan, *step, item))
            });
            let (needed, encoder) = (plan.memory.needed[pass], encoders.max().unwrap_or(0));
            let less = if items.len() == 1 { spare.max(encoder) } else { encoder };
            for credit in [needed, needed.saturating_sub(less)] {
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
