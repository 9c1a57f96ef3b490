//! Models that answer per cell of three grids: YuNet and SCRFD.
use super::Detection;
use framefleet_infer::{InferError, ItemOutputs};

/// Pixels per cell of the grids.
const STRIDES: [usize; 3] = [8, 16, 32];

/// Rows of numbers, one per cell (or anchor).
struct Table {
    numbers: Vec<f32>,
    columns: usize,
}

impl Table {
    fn read(outputs: &ItemOutputs<'_, '_>, name: &str, stride: usize, columns: usize) -> Result<Self, InferError> {
        let array = outputs.output::<f32>(&format!("{name}_{stride}"))?;
        Ok(Self { numbers: array.iter().copied().collect(), columns })
    }

    fn row(&self, row: usize) -> &[f32] {
        self.numbers.get(row * self.columns..(row + 1) * self.columns).unwrap_or(&[])
    }

    fn rows(&self) -> usize {
        self.numbers.len() / self.columns
    }
}

/// Faces that YuNet found in a square of `side` pixels. Per cell: the score is the root of class times object score, the
/// centre an offset from the cell and the size an exponent, both in cells; landmarks are offsets.
pub fn yunet(outputs: &ItemOutputs<'_, '_>, side: usize, min: f32) -> Result<Vec<Detection>, InferError> {
    let mut found = Vec::new();
    for stride in STRIDES {
        let classes = Table::read(outputs, "cls", stride, 1)?;
        let objects = Table::read(outputs, "obj", stride, 1)?;
        let boxes = Table::read(outputs, "bbox", stride, 4)?;
        let points = Table::read(outputs, "kps", stride, 10)?;
        let (cells, step) = (side / stride, stride as f32);
        for cell in 0..classes.rows() {
            let (&[class], &[object]) = (classes.row(cell), objects.row(cell)) else { continue };
            let score = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
            let (&[dx, dy, width, height], points) = (boxes.row(cell), points.row(cell)) else { continue };
            if score < min || points.len() < 10 {
                continue;
            }
            let (column, row) = ((cell % cells) as f32, (cell / cells) as f32);
            let (x, y) = ((column + dx) * step, (row + dy) * step);
            let (w, h) = (width.exp() * step, height.exp() * step);
            let landmarks =
                std::array::from_fn(|i| [(points[2 * i] + column) * step, (points[2 * i + 1] + row) * step]);
            found.push(Detection {
                bbox: [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0],
                landmarks,
                score,
                confirmed: score,
            });
        }
    }
    Ok(found)
}

/// Faces that SCRFD found in a square of `side` pixels: two anchors per cell, at its corner; distances to the sides of the
/// box and offsets of the landmarks in cells.
pub fn scrfd(outputs: &ItemOutputs<'_, '_>, side: usize, min: f32) -> Result<Vec<Detection>, InferError> {
    const ANCHORS: usize = 2;
    let mut found = Vec::new();
    for stride in STRIDES {
        let scores = Table::read(outputs, "score", stride, 1)?;
        let boxes = Table::read(outputs, "bbox", stride, 4)?;
        let points = Table::read(outputs, "kps", stride, 10)?;
        let (cells, step) = (side / stride, stride as f32);
        for anchor in 0..scores.rows() {
            let (&[score], &[left, top, right, bottom], points) =
                (scores.row(anchor), boxes.row(anchor), points.row(anchor))
            else {
                continue;
            };
            if score < min || points.len() < 10 {
                continue;
            }
            let cell = anchor / ANCHORS;
            let (x, y) = ((cell % cells) as f32 * step, (cell / cells) as f32 * step);
            let landmarks = std::array::from_fn(|i| [x + points[2 * i] * step, y + points[2 * i + 1] * step]);
            let bbox = [x - left * step, y - top * step, x + right * step, y + bottom * step];
            found.push(Detection { bbox, landmarks, score, confirmed: score });
        }
    }
    Ok(found)
}
