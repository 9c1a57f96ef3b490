//! CenterFace: a heat map of centres, with size and landmarks at each.
use super::Detection;
use framefleet_infer::ndarray::{ArrayViewD, Ix3};
use framefleet_infer::{InferError, ItemOutputs};

/// Pixels per cell.
const STRIDE: f32 = 4.0;

/// Faces that CenterFace found. Per cell: the logarithm of height and width in cells, the centre's offset (y, x), and
/// landmarks (y, x) in heights and widths from the box's corner.
pub fn centerface(outputs: &ItemOutputs<'_, '_>, min: f32) -> Result<Vec<Detection>, InferError> {
    let [heat, sizes, offsets, points] = ["537", "538", "539", "540"].map(|name| outputs.output::<f32>(name));
    let (heat, sizes, offsets, points) = (heat?, sizes?, offsets?, points?);
    let Ok(heat) = heat.into_dimensionality::<Ix3>() else { return Ok(Vec::new()) };
    let at = |of: &ArrayViewD<'_, f32>, plane: usize, row: usize, column: usize| {
        of.get([plane, row, column]).copied().unwrap_or_default()
    };
    let mut found = Vec::new();
    for ((_, row, column), &score) in heat.indexed_iter().filter(|(_, score)| **score >= min) {
        let [height, width] = [0, 1].map(|plane| at(&sizes, plane, row, column).exp() * STRIDE);
        let [dy, dx] = [0, 1].map(|plane| at(&offsets, plane, row, column));
        let left = (column as f32 + dx + 0.5) * STRIDE - width / 2.0;
        let top = (row as f32 + dy + 0.5) * STRIDE - height / 2.0;
        let landmarks = std::array::from_fn(|point| {
            let [y, x] = [0, 1].map(|axis| at(&points, 2 * point + axis, row, column));
            [left + x * width, top + y * height]
        });
        found.push(Detection { bbox: [left, top, left + width, top + height], landmarks, score, confirmed: score });
    }
    Ok(found)
}
