//! Micro-batches: any number of items through a model of a fixed batch size. The last, smaller batch is filled up, so that nothing is
//! compiled or shaped anew for it.
use crate::InferError;
use crate::pool::Pool;
use crate::session::{OutputViews, Session, position, wrong_type};
use crate::spec::TensorSpec;
use crate::tensor::{Element, TensorView, TensorViewMut};
use ndarray::{ArrayViewD, ArrayViewMutD, Axis};

impl Session {
    /// Runs `items` items in micro-batches. `fill` writes item `n` straight into the batch; `take` gets its outputs; both are called in
    /// order. Inputs named in `shared` are the same for all items. Rows that are left over in the last batch repeat its last item, so that
    /// models that look at the range of a whole tensor see no foreign values; what they give is dropped.
    ///
    /// One session is used throughout, unless memory runs out: then the model is opened with half the micro-batch, and the items that
    /// have no outputs yet are filled and run again. A model whose first axis is fixed to 1 runs item by item.
    pub fn run_batches<E: From<InferError>>(
        &self,
        items: usize,
        shared: &[(&str, TensorView<'_>)],
        mut fill: impl FnMut(usize, &mut ItemInputs<'_, '_>) -> Result<(), E>,
        mut take: impl FnMut(usize, &ItemOutputs<'_, '_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut done = 0;
        while done < items {
            let pool = self.pool()?;
            match self.run_from(&mut done, items, &pool, shared, &mut fill, &mut take) {
                Err(Stopped::Memory(error)) => self.shrink(pool, error)?,
                Err(Stopped::Other(error)) => return Err(error),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Runs the items from `done` on, which counts those that have their outputs.
    fn run_from<E: From<InferError>>(
        &self,
        done: &mut usize,
        items: usize,
        pool: &Pool,
        shared: &[(&str, TensorView<'_>)],
        fill: &mut impl FnMut(usize, &mut ItemInputs<'_, '_>) -> Result<(), E>,
        take: &mut impl FnMut(usize, &ItemOutputs<'_, '_>) -> Result<(), E>,
    ) -> Result<(), Stopped<E>> {
        let (size, start) = (pool.batch, *done);
        for (name, view) in shared {
            let spec = pool.inputs.iter().find(|spec| spec.name == *name);
            self.check(spec.ok_or_else(|| self.unknown_input(pool, name))?, view)?;
        }
        let is_shared = |spec: &TensorSpec| shared.iter().any(|(name, _)| spec.name == *name);
        pool.with_model(|loaded| -> Result<(), Stopped<E>> {
            for first in (start..items).step_by(size) {
                let count = size.min(items - first);
                let mut views = loaded.buffers()?;
                for (name, view) in shared.iter().filter(|_| first == start) {
                    let at = pool.inputs.iter().position(|spec| spec.name == *name);
                    let filled = at.is_some_and(|at| views[at].assign(view));
                    if !filled {
                        return Err(self.unknown_input(pool, name).into());
                    }
                }
                for row in 0..count {
                    let (specs, model) = (&pool.inputs[..], self.name());
                    fill(first + row, &mut ItemInputs { model, specs, views: &mut views, row, size })
                        .map_err(Stopped::Other)?;
                }
                for (spec, view) in pool.inputs.iter().zip(&mut views) {
                    if count < size && !is_shared(spec) && view.shape().first() == Some(&size) {
                        view.repeat_row(count - 1);
                    }
                }
                drop(views);
                let mut stopped = None;
                loaded.run_buffers(&mut |views| {
                    for row in 0..count {
                        let outputs = OutputViews { model: self.name(), specs: &pool.outputs, views };
                        if let Err(error) = take(first + row, &ItemOutputs { outputs, row, size }) {
                            stopped = Some(error);
                            break;
                        }
                    }
                    Ok(())
                })?;
                if let Some(error) = stopped {
                    return Err(Stopped::Other(error));
                }
                *done = first + count;
            }
            Ok(())
        })?
    }
}

/// Why items are left.
enum Stopped<E> {
    /// Memory ran out in a run; fewer items at a time may fit.
    Memory(InferError),
    /// Anything else.
    Other(E),
}

impl<E: From<InferError>> From<InferError> for Stopped<E> {
    fn from(error: InferError) -> Self {
        match error {
            InferError::OutOfMemory { .. } => Self::Memory(error),
            other => Self::Other(other.into()),
        }
    }
}

/// Where one item's inputs go.
pub struct ItemInputs<'b, 'v> {
    model: &'b str,
    specs: &'b [TensorSpec],
    views: &'b mut [TensorViewMut<'v>],
    row: usize,
    size: usize,
}

impl ItemInputs<'_, '_> {
    /// The item's row of an input: its shape without the first axis. It holds an earlier item's numbers; write all of it.
    pub fn input<T: Element>(&mut self, name: &str) -> Result<ArrayViewMutD<'_, T>, InferError> {
        let at = self.specs.iter().position(|spec| spec.name == name).ok_or_else(|| InferError::UnknownInput {
            model: self.model.to_owned(),
            given: name.to_owned(),
            known: TensorSpec::list(self.specs),
        })?;
        let spec = &self.specs[at];
        let shape = self.views[at].shape().to_vec();
        if shape.first() != Some(&self.size) {
            return Err(InferError::Shape {
                model: self.model.to_owned(),
                input: name.to_owned(),
                wanted: spec.shape_text(),
                got: vec![self.size],
            });
        }
        let array = T::array_mut(&mut self.views[at]).ok_or_else(|| wrong_type::<T>(self.model, spec))?;
        Ok(array.index_axis_move(Axis(0), self.row))
    }
}

/// One item's outputs.
pub struct ItemOutputs<'b, 't> {
    outputs: OutputViews<'b, 't>,
    row: usize,
    size: usize,
}

impl ItemOutputs<'_, '_> {
    /// The item's row of an output: its shape without the first axis. With a micro-batch of 1, an output that has no such axis is given
    /// whole.
    pub fn output<T: Element>(&self, name: &str) -> Result<ArrayViewD<'_, T>, InferError> {
        let at = position(self.outputs.model, self.outputs.specs, name)?;
        let array = self.outputs.get::<T>(name)?;
        if array.shape().first() == Some(&self.size) {
            Ok(array.index_axis_move(Axis(0), self.row))
        } else if self.size == 1 {
            Ok(array)
        } else {
            Err(InferError::NotBatched {
                model: self.outputs.model.to_owned(),
                output: self.outputs.specs[at].name.clone(),
                shape: array.shape().to_vec(),
                batch: self.size,
            })
        }
    }
}
