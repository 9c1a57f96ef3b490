//! A model as its users see it: typed tensors in, typed tensors out, from any thread.
use crate::InferError;
use crate::loaded_model::LoadedModel;
use crate::loader::Loader;
use crate::pool::Pool;
use crate::report::SessionReport;
use crate::resident::{Resident, Residents};
use crate::spec::TensorSpec;
use crate::tensor::{Element, Tensor, TensorView};
use ndarray::{ArrayD, ArrayViewD};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An open model. Clones share it; any number of threads may run it, as many at a time as its pool has sessions.
#[derive(Clone)]
pub struct Session {
    residents: Arc<Residents>,
    resident: Arc<Resident>,
}

impl Session {
    /// Opens a model: its file is checked and loaded now.
    pub(crate) fn open(residents: Arc<Residents>, resident: Arc<Resident>) -> Result<Self, InferError> {
        let session = Self { residents, resident };
        session.pool()?;
        Ok(session)
    }

    /// Runs the model. Inputs come by name and in any order; they are read where they lie if they are contiguous.
    pub fn run(&self, inputs: &[(&str, TensorView<'_>)]) -> Result<Outputs, InferError> {
        self.run_with(inputs, |outputs| outputs.to_owned())
    }

    /// Runs the model and shows the outputs to `look` without copying them.
    pub fn run_with<R>(
        &self,
        inputs: &[(&str, TensorView<'_>)],
        look: impl FnOnce(&OutputViews<'_, '_>) -> R,
    ) -> Result<R, InferError> {
        let pool = self.pool()?;
        let ordered = self.ordered(&pool, inputs)?;
        let mut look = Some(look);
        let mut seen = None;
        pool.with_model(|loaded| {
            loaded.run(&ordered, &mut |views| {
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
        &self.loader().model.name
    }

    /// What really ran so far. Loads the model if it was evicted.
    pub fn report(&self) -> Result<SessionReport, InferError> {
        Ok(self.resident.report(&*self.pool()?))
    }

    /// Measures this session against the plain one (same model, device, threads and micro-batch; no graph optimisation, no compiled engine),
    /// run by run in turn for about `time`, and keeps the ratio of the fastest runs for the report. Above 1 is faster.
    pub fn measure_speed_up(&self, time: Duration) -> Result<f64, InferError> {
        let pool = self.pool()?;
        let mut plain = self.loader().open_plain()?;
        plain.buffers()?;
        let (mut own_best, mut plain_best) = (f64::INFINITY, f64::INFINITY);
        pool.with_model(|own| -> Result<(), InferError> {
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
        self.resident.set_speed_up(ratio);
        Ok(ratio)
    }

    /// How the model is loaded.
    pub(crate) fn loader(&self) -> &Loader {
        self.resident.loader()
    }

    /// Its sessions; loads the model if it was evicted.
    pub(crate) fn pool(&self) -> Result<Arc<Pool>, InferError> {
        self.residents.pool(&self.resident)
    }

    /// Goes on with half the micro-batch after a run of `pool` was out of memory; gives that error back if there is no smaller one.
    pub(crate) fn shrink(&self, pool: Arc<Pool>, error: InferError) -> Result<(), InferError> {
        match self.residents.shrink(&self.resident, pool)? {
            true => Ok(()),
            false => Err(error),
        }
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
        write!(out, "session of {} on {}", self.name(), self.loader().resolved.device)
    }
}

/// Seconds of a run on the buffers.
fn timed(loaded: &mut dyn LoadedModel) -> Result<f64, InferError> {
    let began = Instant::now();
    loaded.run_buffers(&mut |_| Ok(()))?;
    Ok(began.elapsed().as_secs_f64())
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
