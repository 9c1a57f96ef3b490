//! Typed tensors: what goes in and what comes out.
use half::f16;
use ndarray::{ArrayBase, ArrayD, ArrayView, ArrayViewD, ArrayViewMutD, Data, Dimension, IxDyn};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Type of a tensor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point.
    F16,
    /// Unsigned bytes.
    U8,
    /// 32-bit integers.
    I32,
    /// 64-bit integers.
    I64,
}

impl ElementType {
    /// All of them, for messages.
    pub const NAMES: &'static str = "f32, f16, u8, i32 and i64";

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::I64 => 8,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::U8 => "u8",
            Self::I32 => "i32",
            Self::I64 => "i64",
        })
    }
}

/// A Rust type that tensors are made of.
pub trait Element: Copy + Default + Send + Sync + 'static {
    /// Its name at run time.
    const TYPE: ElementType;
    /// Wraps a view.
    fn view(array: ArrayViewD<'_, Self>) -> TensorView<'_>;
    /// The view inside, if it is of this type.
    fn array<'t>(view: &'t TensorView<'_>) -> Option<ArrayViewD<'t, Self>>;
    /// The view inside, to write, if it is of this type.
    fn array_mut<'t>(view: &'t mut TensorViewMut<'_>) -> Option<ArrayViewMutD<'t, Self>>;
}

/// Does the same with whichever array is inside.
macro_rules! each {
    ($tensor:expr, $kind:ident, $array:ident => $then:expr) => {
        match $tensor {
            $kind::F32($array) => $then,
            $kind::F16($array) => $then,
            $kind::U8($array) => $then,
            $kind::I32($array) => $then,
            $kind::I64($array) => $then,
        }
    };
}
pub(crate) use each;

/// A tensor that is somebody else's.
#[derive(Debug, Clone)]
pub enum TensorView<'a> {
    /// 32-bit floating point.
    F32(ArrayViewD<'a, f32>),
    /// 16-bit floating point.
    F16(ArrayViewD<'a, f16>),
    /// Unsigned bytes.
    U8(ArrayViewD<'a, u8>),
    /// 32-bit integers.
    I32(ArrayViewD<'a, i32>),
    /// 64-bit integers.
    I64(ArrayViewD<'a, i64>),
}

/// A tensor to write into.
#[derive(Debug)]
pub enum TensorViewMut<'a> {
    /// 32-bit floating point.
    F32(ArrayViewMutD<'a, f32>),
    /// 16-bit floating point.
    F16(ArrayViewMutD<'a, f16>),
    /// Unsigned bytes.
    U8(ArrayViewMutD<'a, u8>),
    /// 32-bit integers.
    I32(ArrayViewMutD<'a, i32>),
    /// 64-bit integers.
    I64(ArrayViewMutD<'a, i64>),
}

/// A tensor of one's own.
#[derive(Debug, Clone, PartialEq)]
pub enum Tensor {
    /// 32-bit floating point.
    F32(ArrayD<f32>),
    /// 16-bit floating point.
    F16(ArrayD<f16>),
    /// Unsigned bytes.
    U8(ArrayD<u8>),
    /// 32-bit integers.
    I32(ArrayD<i32>),
    /// 64-bit integers.
    I64(ArrayD<i64>),
}

macro_rules! element {
    ($rust:ty, $name:ident) => {
        impl Element for $rust {
            const TYPE: ElementType = ElementType::$name;
            fn view(array: ArrayViewD<'_, Self>) -> TensorView<'_> {
                TensorView::$name(array)
            }
            fn array<'t>(view: &'t TensorView<'_>) -> Option<ArrayViewD<'t, Self>> {
                if let TensorView::$name(array) = view { Some(array.view()) } else { None }
            }
            fn array_mut<'t>(view: &'t mut TensorViewMut<'_>) -> Option<ArrayViewMutD<'t, Self>> {
                if let TensorViewMut::$name(array) = view { Some(array.view_mut()) } else { None }
            }
        }
    };
}
element!(f32, F32);
element!(f16, F16);
element!(u8, U8);
element!(i32, I32);
element!(i64, I64);

impl<'a> TensorView<'a> {
    /// Sizes by axis.
    pub fn shape(&self) -> &[usize] {
        each!(self, TensorView, array => array.shape())
    }

    /// Type of the numbers.
    pub fn element_type(&self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::F32,
            Self::F16(_) => ElementType::F16,
            Self::U8(_) => ElementType::U8,
            Self::I32(_) => ElementType::I32,
            Self::I64(_) => ElementType::I64,
        }
    }

    /// The same view, for a shorter time.
    pub(crate) fn reborrow(&self) -> TensorView<'_> {
        each!(self, TensorView, array => Element::view(array.view()))
    }

    /// Whether the numbers lie in one run, the last axis fastest.
    pub(crate) fn is_contiguous(&self) -> bool {
        each!(self, TensorView, array => array.is_standard_layout())
    }

    /// A copy, the last axis fastest.
    pub fn to_tensor(&self) -> Tensor {
        match self {
            Self::F32(array) => Tensor::F32(array.as_standard_layout().into_owned()),
            Self::F16(array) => Tensor::F16(array.as_standard_layout().into_owned()),
            Self::U8(array) => Tensor::U8(array.as_standard_layout().into_owned()),
            Self::I32(array) => Tensor::I32(array.as_standard_layout().into_owned()),
            Self::I64(array) => Tensor::I64(array.as_standard_layout().into_owned()),
        }
    }
}

impl TensorViewMut<'_> {
    /// Type of the numbers.
    pub fn element_type(&self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::F32,
            Self::F16(_) => ElementType::F16,
            Self::U8(_) => ElementType::U8,
            Self::I32(_) => ElementType::I32,
            Self::I64(_) => ElementType::I64,
        }
    }

    /// Sizes by axis.
    pub fn shape(&self) -> &[usize] {
        each!(self, TensorViewMut, array => array.shape())
    }

    /// Copies a tensor of the same type and shape; false if it differs.
    pub(crate) fn assign(&mut self, from: &TensorView<'_>) -> bool {
        fn copy<T: Element>(into: &mut ArrayViewMutD<'_, T>, from: &ArrayViewD<'_, T>) -> bool {
            let fits = into.shape() == from.shape();
            if fits {
                into.assign(from);
            }
            fits
        }
        match (self, from) {
            (Self::F32(into), TensorView::F32(from)) => copy(into, from),
            (Self::F16(into), TensorView::F16(from)) => copy(into, from),
            (Self::U8(into), TensorView::U8(from)) => copy(into, from),
            (Self::I32(into), TensorView::I32(from)) => copy(into, from),
            (Self::I64(into), TensorView::I64(from)) => copy(into, from),
            _ => false,
        }
    }

    /// Repeats row `row` of the first axis in all rows after it.
    pub(crate) fn repeat_row(&mut self, row: usize) {
        fn repeat<T: Element>(array: &mut ArrayViewMutD<'_, T>, row: usize) {
            let (head, mut tail) = array.view_mut().split_at(ndarray::Axis(0), row + 1);
            let last = head.index_axis_move(ndarray::Axis(0), row);
            tail.outer_iter_mut().for_each(|mut into| into.assign(&last));
        }
        each!(self, TensorViewMut, array => repeat(array, row));
    }
}

impl Tensor {
    /// Zeros.
    pub fn zeros(element: ElementType, shape: &[usize]) -> Self {
        let shape = IxDyn(shape);
        match element {
            ElementType::F32 => Self::F32(ArrayD::default(shape)),
            ElementType::F16 => Self::F16(ArrayD::default(shape)),
            ElementType::U8 => Self::U8(ArrayD::default(shape)),
            ElementType::I32 => Self::I32(ArrayD::default(shape)),
            ElementType::I64 => Self::I64(ArrayD::default(shape)),
        }
    }

    /// To read.
    pub fn view(&self) -> TensorView<'_> {
        match self {
            Self::F32(array) => TensorView::F32(array.view()),
            Self::F16(array) => TensorView::F16(array.view()),
            Self::U8(array) => TensorView::U8(array.view()),
            Self::I32(array) => TensorView::I32(array.view()),
            Self::I64(array) => TensorView::I64(array.view()),
        }
    }

    /// To write.
    pub fn view_mut(&mut self) -> TensorViewMut<'_> {
        match self {
            Self::F32(array) => TensorViewMut::F32(array.view_mut()),
            Self::F16(array) => TensorViewMut::F16(array.view_mut()),
            Self::U8(array) => TensorViewMut::U8(array.view_mut()),
            Self::I32(array) => TensorViewMut::I32(array.view_mut()),
            Self::I64(array) => TensorViewMut::I64(array.view_mut()),
        }
    }
}

impl<'a, T: Element, D: Dimension> From<ArrayView<'a, T, D>> for TensorView<'a> {
    fn from(array: ArrayView<'a, T, D>) -> Self {
        T::view(array.into_dyn())
    }
}

impl<'a, T: Element, S: Data<Elem = T>, D: Dimension> From<&'a ArrayBase<S, D>> for TensorView<'a> {
    fn from(array: &'a ArrayBase<S, D>) -> Self {
        T::view(array.view().into_dyn())
    }
}
