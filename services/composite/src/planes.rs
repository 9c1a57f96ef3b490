//! Parts of frames as numbers, channel by channel.
use framefleet_frames::Image;
use framefleet_frames::frame::{channel_bytes, channels};
use opencv::core::Rect;

/// Colours of a part of a frame, levels of 255, each channel row by row; alpha is none of them.
#[derive(Clone, Debug)]
pub struct Planes {
    /// One of grey frames, else red, green and blue.
    pub planes: Vec<Vec<f32>>,
}

impl Planes {
    /// The colours in an area of a frame.
    pub fn of(image: &Image, area: Rect) -> Self {
        let planes = (0..channels(image.format()).min(3)).map(|channel| channel_of(image, area, channel));
        Self { planes: planes.collect() }
    }

    /// The same with something done to every plane.
    pub fn map(&self, change: impl Fn(&[f32]) -> Vec<f32>) -> Self {
        Self { planes: self.planes.iter().map(|plane| change(plane)).collect() }
    }
}

/// How opaque a part of a frame is, 0–1; `None` when the frame has no alpha.
pub fn alpha(image: &Image, area: Rect) -> Option<Vec<f32>> {
    (channels(image.format()) == 4).then(|| channel_of(image, area, 3).into_iter().map(|level| level / 255.0).collect())
}

/// The levels of a channel, 0–255, row by row.
fn channel_of(image: &Image, area: Rect, channel: usize) -> Vec<f32> {
    let (count, width, data) = (channels(image.format()), image.width() as usize, image.data());
    let deep = channel_bytes(image.format()) == 2;
    let level = |at: usize| {
        if deep { f32::from(u16::from_le_bytes([data[2 * at], data[2 * at + 1]])) / 257.0 } else { f32::from(data[at]) }
    };
    let rows = area.y as usize..(area.y + area.height) as usize;
    let columns = area.x as usize..(area.x + area.width) as usize;
    rows.flat_map(|y| columns.clone().map(move |x| (y * width + x) * count + channel)).map(level).collect()
}
