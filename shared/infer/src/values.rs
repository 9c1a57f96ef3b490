//! Between the runtime's values and ours.
use crate::InferError;
use crate::spec::{Dim, TensorSpec};
use crate::tensor::{Element, ElementType, TensorView, TensorViewMut, each};
use half::f16;
use ort::session::{SessionInputValue, SessionOutputs};
use ort::value::{DynTensor, DynValue, PrimitiveTensorElementType, TensorElementType, TensorRef, ValueType};

/// What a session says about its inputs or outputs.
pub(crate) fn specs(model: &str, outlets: &[ort::value::Outlet]) -> Result<Vec<TensorSpec>, InferError> {
    outlets.iter().map(|outlet| spec(model, outlet)).collect()
}

fn spec(model: &str, outlet: &ort::value::Outlet) -> Result<TensorSpec, InferError> {
    let unsupported = || InferError::Unsupported {
        model: model.to_owned(),
        tensor: outlet.name().to_owned(),
        found: outlet.dtype().to_string(),
        supported: ElementType::NAMES.to_owned(),
    };
    let ValueType::Tensor { ty, shape, dimension_symbols } = outlet.dtype() else { return Err(unsupported()) };
    let element = match ty {
        TensorElementType::Float32 => ElementType::F32,
        TensorElementType::Float16 => ElementType::F16,
        TensorElementType::Uint8 => ElementType::U8,
        TensorElementType::Int32 => ElementType::I32,
        TensorElementType::Int64 => ElementType::I64,
        _ => return Err(unsupported()),
    };
    let dim = |(axis, size): (usize, &i64)| match usize::try_from(*size) {
        Ok(size) => Dim::Fixed(size),
        Err(_) => Dim::Open(dimension_symbols.get(axis).cloned().unwrap_or_default()),
    };
    Ok(TensorSpec { name: outlet.name().to_owned(), element, shape: shape.iter().enumerate().map(dim).collect() })
}

pub(crate) fn element(element: ElementType) -> TensorElementType {
    match element {
        ElementType::F32 => TensorElementType::Float32,
        ElementType::F16 => TensorElementType::Float16,
        ElementType::U8 => TensorElementType::Uint8,
        ElementType::I32 => TensorElementType::Int32,
        ElementType::I64 => TensorElementType::Int64,
    }
}

/// Borrows the caller's numbers to a run.
pub(crate) fn borrowed(view: TensorView<'_>) -> ort::Result<SessionInputValue<'_>> {
    each!(view, TensorView, array => Ok(TensorRef::from_array_view(array)?.into()))
}

/// The outputs in the model's order.
pub(crate) fn views<'o>(specs: &[TensorSpec], outputs: &'o SessionOutputs<'_>) -> ort::Result<Vec<TensorView<'o>>> {
    let missing = |name: &str| ort::Error::new(format!("output {name} did not come back"));
    specs.iter().map(|spec| view(outputs.get(&spec.name).ok_or_else(|| missing(&spec.name))?)).collect()
}

fn view(value: &DynValue) -> ort::Result<TensorView<'_>> {
    fn of<T: Element + PrimitiveTensorElementType>(value: &DynValue) -> ort::Result<TensorView<'_>> {
        Ok(T::view(value.try_extract_array::<T>()?))
    }
    let ValueType::Tensor { ty, .. } = value.dtype() else { return Err(ort::Error::new("an output is no tensor")) };
    match ty {
        TensorElementType::Float32 => of::<f32>(value),
        TensorElementType::Float16 => of::<f16>(value),
        TensorElementType::Uint8 => of::<u8>(value),
        TensorElementType::Int32 => of::<i32>(value),
        TensorElementType::Int64 => of::<i64>(value),
        other => Err(ort::Error::new(format!("an output holds {other}"))),
    }
}

pub(crate) fn view_mut(tensor: &mut DynTensor) -> ort::Result<TensorViewMut<'_>> {
    match tensor.data_type() {
        TensorElementType::Float32 => Ok(TensorViewMut::F32(tensor.try_extract_array_mut()?)),
        TensorElementType::Float16 => Ok(TensorViewMut::F16(tensor.try_extract_array_mut()?)),
        TensorElementType::Uint8 => Ok(TensorViewMut::U8(tensor.try_extract_array_mut()?)),
        TensorElementType::Int32 => Ok(TensorViewMut::I32(tensor.try_extract_array_mut()?)),
        TensorElementType::Int64 => Ok(TensorViewMut::I64(tensor.try_extract_array_mut()?)),
        other => Err(ort::Error::new(format!("an input holds {other}"))),
    }
}

pub(crate) fn zero(tensor: &mut DynTensor) -> ort::Result<()> {
    each!(view_mut(tensor)?, TensorViewMut, array => { let mut array = array; array.fill(Default::default()) });
    Ok(())
}
