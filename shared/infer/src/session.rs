//! A model as its users see it: typed tensors in, typed tensors out, from any thread.
use crate::InferError;
use crate::engine::{Entry, Shared};
use crate::network::Network;
use crate::pool::Pool;
use crate::report::SessionReport;
use crate::spec::TensorSpec;
use crate::tensor::{Element, Tensor, TensorView};
use ndarray::{ArrayD, ArrayViewD};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An open model. Clones share it; any number of threads may run it, as many at a time as its pool has sessions.
#[derive(Clone)]
pub struct Session {
    pub(crate) engine: Arc<Shared>,
    pub(crate) entry: Arc<Entry>,
}

impl Session {
    /// Runs the model. Inputs come by name and in any order; they are read where they lie if they are contiguous.
    pub fn run(&self, inputs: &[(&str, TensorView<'_>)]) -> Result<Outputs, InferError> {
        self.run_with(inputs, |outputs| outputs.to_owned())
    }

    /// Runs the model and lends the outputs to `look` without copying them.
    pub fn run_with<R>(
        &self,
        inputs: &[(&str, TensorView<'_>)],
        look: impl FnOnce(&OutputViews<'_, '_>) -> R,
    ) -> Result<R, InferError> {
        let pool = self.pool()?;
        let ordered = self.ordered(&pool, inputs)?;
        let mut look = Some(look);
        let mut seen = None;
        pool.lend(&self.entry.loader, |network| {
            network.run(&ordered, &mut |views| {
                let outputs = OutputViews { model: self.name(), specs: &pool.outputs, views };
                seen = look.take().map(|look| look(&outputs));
                Ok(())
            })
        })??;
        seen.ok_or_else(|| InferError::Poisoned(self.name().to_owned()))
    }

    /// What goes in.
    pub fn inputs(&self) -> Result<Vec<TensorSpec>, InferError> {
        Ok(self.pool()?.inputs.clone())
    }

    /// What comes out.
    pub fn outputs(&self) -> Result<Vec<TensorSpec>, InferError> {
        Ok(self.pool()?.outputs.clone())
    }

    /// Items per run: what was asked for, unless the model fixes it.
    pub fn micro_batch(&self) -> Result<usize, InferError> {
        Ok(self.pool()?.batch)
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        &self.entry.loader.model.name
    }

    /// What really ran so far. Loads the model if it was evicted.
    pub fn report(&self) -> Result<SessionReport, InferError> {
        let pool = self.pool()?;
        Ok(self.report_of(&pool))
    }

    /// What a loaded model ran so far.
    pub(crate) fn report_of(&self, pool: &Pool) -> SessionReport {
        let (loader, facts) = (&self.entry.loader, pool.facts());
        let profile = facts.profile.unwrap_or_default();
        let ran = |name: &str| profile.nodes.get(name).is_some_and(|count| *count > 0);
        let provider = loader.resolved.providers.iter().copied().find(|provider| ran(provider.runtime_name()));
        let offered = loader.resolved.offered();
        let mut notes = loader.resolved.notes.clone();
        notes.extend(facts.notes);
        if provider.is_some_and(|provider| provider != offered) {
            notes.push(format!("provider {offered} was offered the graph and ran none of it"));
        }
        SessionReport {
            model: loader.model.name.clone(),
            sha256: loader.model.sha256.clone(),
            device: loader.resolved.device,
            class: loader.class(pool.batch),
            provider,
            nodes: profile.nodes,
            arithmetic: profile.arithmetic,
            precision: loader.options.precision,
            optimisation: loader.options.optimisation,
            micro_batch: pool.batch,
            threads: loader.options.threads,
            sessions: facts.sessions,
            load_ms: milliseconds(facts.load),
            compile_ms: milliseconds(facts.compile),
            warm_up_ms: facts.warm_up.map(milliseconds),
            cache_hit: facts.cache_hit,
            speed_up: self.entry.speed_up(),
            memory: pool.memory(loader.options.pool),
            notes,
        }
    }

    /// Measures this session against the plain one (same model, device, threads and micro-batch; no graph rewriting, no compiled engine),
    /// run by run in turn for about `time`, and keeps the ratio of the fastest runs for the report. Above 1 is faster.
    pub fn measure_speed_up(&self, time: Duration) -> Result<f64, InferError> {
        let pool = self.pool()?;
        let mut plain = self.entry.loader.open_plain()?;
        plain.buffers()?;
        let (mut own_best, mut plain_best) = (f64::INFINITY, f64::INFINITY);
        pool.lend(&self.entry.loader, |own| -> Result<(), InferError> {
            own.buffers()?;
            timed(own)?;
            timed(&mut *plain)?;
            let began = Instant::now();
            loop {
                own_best = own_best.min(timed(own)?);
                plain_best = plain_best.min(timed(&mut *plain)?);
                if began.elapsed() >= time {
                    return Ok(());
                }
            }
        })??;
        let ratio = plain_best / own_best;
        self.entry.set_speed_up(ratio);
        Ok(ratio)
    }

    pub(crate) fn pool(&self) -> Result<Arc<Pool>, InferError> {
        self.engine.pool(&self.entry)
    }

    /// The inputs in the model's order, checked against it.
    fn ordered<'v>(&self, pool: &Pool, given: &[(&str, TensorView<'v>)]) -> Result<Vec<TensorView<'v>>, InferError> {
        if let Some((name, _)) = given.iter().find(|(name, _)| !pool.inputs.iter().any(|spec| spec.name == *name)) {
            return Err(self.unknown_input(pool, name));
        }
        let find = |spec: &TensorSpec| {
            let view = given.iter().find(|(name, _)| spec.name == *name).map(|(_, view)| view.clone());
            let view = view
                .ok_or_else(|| InferError::MissingInput { model: self.name().to_owned(), input: spec.to_string() })?;
            self.check(spec, &view)?;
            Ok(view)
        };
        pool.inputs.iter().map(find).collect()
    }

    pub(crate) fn unknown_input(&self, pool: &Pool, name: &str) -> InferError {
        InferError::UnknownInput {
            model: self.name().to_owned(),
            given: name.to_owned(),
            known: TensorSpec::list(&pool.inputs),
        }
    }

    /// Type and shape of an input.
    pub(crate) fn check(&self, spec: &TensorSpec, view: &TensorView<'_>) -> Result<(), InferError> {
        if spec.element != view.element_type() {
            return Err(InferError::Type {
                model: self.name().to_owned(),
                tensor: format!("input {}", spec.name),
                wanted: spec.element,
                got: view.element_type(),
            });
        }
        if !spec.takes(view.shape()) {
            return Err(InferError::Shape {
                model: self.name().to_owned(),
                input: spec.name.clone(),
                wanted: spec.shape_text(),
                got: view.shape().to_vec(),
            });
        }
        Ok(())
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "session of {} on {}", self.name(), self.entry.loader.resolved.device)
    }
}

/// Seconds of a run on the buffers.
fn timed(network: &mut dyn Network) -> Result<f64, InferError> {
    let began = Instant::now();
    network.run_buffers(&mut |_| Ok(()))?;
    Ok(began.elapsed().as_secs_f64())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Outputs of a run that are still the runtime's.
pub struct OutputViews<'v, 't> {
    pub(crate) model: &'v str,
    pub(crate) specs: &'v [TensorSpec],
    pub(crate) views: &'v [TensorView<'t>],
}

impl OutputViews<'_, '_> {
    /// An output by name.
    pub fn get<T: Element>(&self, name: &str) -> Result<ArrayViewD<'_, T>, InferError> {
        let at = position(self.model, self.specs, name)?;
        T::array(&self.views[at]).ok_or_else(|| wrong_type::<T>(self.model, &self.specs[at]))
    }

    /// Copies.
    pub fn to_owned(&self) -> Outputs {
        Outputs {
            model: self.model.to_owned(),
            specs: self.specs.to_vec(),
            tensors: self.views.iter().map(TensorView::to_tensor).collect(),
        }
    }
}

/// Outputs of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    model: String,
    specs: Vec<TensorSpec>,
    tensors: Vec<Tensor>,
}

impl Outputs {
    /// An output by name.
    pub fn get<T: Element>(&self, name: &str) -> Result<ArrayD<T>, InferError> {
        let at = position(&self.model, &self.specs, name)?;
        let view = self.tensors[at].view();
        T::array(&view).map(|array| array.to_owned()).ok_or_else(|| wrong_type::<T>(&self.model, &self.specs[at]))
    }

    /// All outputs by name, in the model's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.specs.iter().map(|spec| spec.name.as_str()).zip(&self.tensors)
    }
}

pub(crate) fn position(model: &str, specs: &[TensorSpec], name: &str) -> Result<usize, InferError> {
    specs.iter().position(|spec| spec.name == name).ok_or_else(|| InferError::UnknownOutput {
        model: model.to_owned(),
        asked: name.to_owned(),
        known: TensorSpec::list(specs),
    })
}

pub(crate) fn wrong_type<T: Element>(model: &str, spec: &TensorSpec) -> InferError {
    InferError::Type { model: model.to_owned(), tensor: spec.name.clone(), wanted: spec.element, got: T::TYPE }
}
