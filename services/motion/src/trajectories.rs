//! Paths of points: the corners of pairs of frames joined over time.
//!
//! Every pair of frames has corners of its own, found in the first frame and followed to the second. A path goes on with the
//! corner that starts where it ends; where none was found again it coasts with its neighbour for a few frames. What joins
//! is a matter of pairs of frames alone, so batches leave no trace.
use crate::camera::Camera;
use crate::field::Sample;
use crate::series::FrameFacts;
use crate::trace;
use framefleet_frames::{MotionTraceFrame, Trajectory};
use std::collections::HashSet;

/// A corner continues a path that ends this near, in widths of the frame.
const JOIN: f64 = 0.004;
/// A path without a corner moves like the nearest one within this distance, in widths …
const NEIGHBOUR: f64 = 0.05;
/// … for at most so many frames in a row.
const MAX_COAST: usize = 4;
/// Fewer points make no path.
const MIN_POINTS: usize = 3;
/// A path ends after so many points: what is in memory does not grow with the footage.
const MAX_POINTS: usize = 3_000;
/// Finished paths are weeded out when there are so many more than wanted.
const SURPLUS: usize = 256;

/// A path and the frame it starts at.
#[derive(Clone, Debug)]
pub struct Path {
    /// Number of the first frame.
    pub start: u64,
    points: Vec<(f64, f64)>,
    object: Vec<(f64, f64)>,
    coasting: usize,
}

impl Path {
    /// A path along one link; its first point is in frame `start`.
    fn new(start: u64, link: &Sample, camera: &Option<Camera>) -> Self {
        let from = (link.x, link.y);
        let mut path = Self { start, points: vec![from], object: vec![from], coasting: 0 };
        path.advance((link.dx, link.dy), camera);
        path
    }

    /// Moves on. Only displacements count: corners sit on whole pixels, and jumping from one to the next would tremble.
    fn advance(&mut self, (dx, dy): (f64, f64), camera: &Option<Camera>) {
        let ((x, y), object) = (self.end(), self.object[self.object.len() - 1]);
        let (cx, cy) = camera.map_or((0.0, 0.0), |camera| camera.displacement(x, y));
        self.points.push((x + dx, y + dy));
        self.object.push((object.0 + dx - cx, object.1 + dy - cy));
    }

    /// Where it is now.
    fn end(&self) -> (f64, f64) {
        self.points[self.points.len() - 1]
    }

    /// The path without the points it coasted to last; `None` when too short.
    fn finished(mut self) -> Option<Self> {
        let measured = self.points.len() - self.coasting;
        self.points.truncate(measured);
        self.object.truncate(measured);
        (measured >= MIN_POINTS).then_some(self)
    }

    /// Number of the frame after its last.
    pub fn frames_end(&self) -> u64 {
        self.start + self.points.len() as u64
    }

    /// What is published of it. `seconds` is how long it lasts.
    pub fn published(&self, number: u32, seconds: f64) -> Trajectory {
        let split = |points: &[(f64, f64)]| points.iter().map(|(x, y)| (*x as f32, *y as f32)).unzip();
        let ((x, y), (object_x, object_y)) = (split(&self.points), split(&self.object));
        let total = length(&self.points);
        Trajectory {
            number,
            x,
            y,
            object_x,
            object_y,
            total_length: total as f32,
            object_length: length(&self.object) as f32,
            average_speed: if seconds > 0.0 { (total / seconds) as f32 } else { 0.0 },
            duration_seconds: seconds as f32,
        }
    }
}

/// Length of a line through points.
fn length(points: &[(f64, f64)]) -> f64 {
    points.windows(2).map(|pair| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1)).sum()
}

/// Joins corners to paths, frame by frame.
pub struct Joiner {
    wanted: usize,
    size: (f64, f64),
    cuts: HashSet<u64>,
    previous: Option<u64>,
    open: Vec<Path>,
    done: Vec<Path>,
}

impl Joiner {
    /// Joins corners in frames of `size`, keeping the `wanted` longest paths. No path crosses the first frame of a shot.
    pub fn new(size: (f64, f64), wanted: usize, cuts: HashSet<u64>) -> Self {
        Self { wanted, size, cuts, previous: None, open: Vec::new(), done: Vec::new() }
    }

    /// Takes the corners of a frame and its facts; frames come in order.
    pub fn add(&mut self, kept: &MotionTraceFrame, facts: Option<&FrameFacts>) {
        let number = kept.frame;
        let continues = number > 0 && self.previous == Some(number - 1) && !self.cuts.contains(&number);
        self.previous = Some(number);
        if !continues {
            self.close_all();
        }
        if number == 0 || self.cuts.contains(&number) {
            return;
        }
        let camera = facts.and_then(|facts| facts.camera.as_ref()).map(|camera| Camera {
            centre: (self.size.0 / 2.0, self.size.1 / 2.0),
            dx: camera.dx.into(),
            dy: camera.dy.into(),
            zoom: camera.zoom.into(),
            roll: f64::from(camera.roll).to_radians(),
        });
        self.join(number, &trace::links(kept), &camera);
    }

    /// The longest paths, by start.
    pub fn finish(mut self) -> Vec<Path> {
        self.close_all();
        self.weed();
        self.done.sort_by(|a, b| a.start.cmp(&b.start).then_with(|| by_position(a, b)));
        self.done
    }

    /// Lets every open path go on, or ends it; corners that no path took begin new ones.
    fn join(&mut self, number: u64, links: &[Sample], camera: &Option<Camera>) {
        let mut taken = vec![false; links.len()];
        let corners = Corners::new(links);
        for mut path in std::mem::take(&mut self.open) {
            match continuation(&path, &corners, &taken, self.size.0) {
                Some(Step::Corner(index)) if path.points.len() < MAX_POINTS => {
                    taken[index] = true;
                    path.coasting = 0;
                    path.advance((links[index].dx, links[index].dy), camera);
                    self.open.push(path);
                }
                Some(Step::Coast(dx, dy)) if path.points.len() < MAX_POINTS => {
                    path.coasting += 1;
                    path.advance((dx, dy), camera);
                    self.open.push(path);
                }
                _ => self.close(path),
            }
        }
        let free = links.iter().zip(taken).filter(|(_, taken)| !taken);
        self.open.extend(free.map(|(link, _)| Path::new(number - 1, link, camera)));
    }

    /// Ends every open path.
    fn close_all(&mut self) {
        for path in std::mem::take(&mut self.open) {
            self.close(path);
        }
    }

    /// Ends a path.
    fn close(&mut self, path: Path) {
        self.done.extend(path.finished());
        if self.done.len() > self.wanted + SURPLUS {
            self.weed();
        }
    }

    /// Keeps the longest paths.
    fn weed(&mut self) {
        let mut ranked: Vec<(f64, Path)> = self.done.drain(..).map(|path| (length(&path.points), path)).collect();
        ranked.sort_by(|(la, a), (lb, b)| lb.total_cmp(la).then(a.start.cmp(&b.start)).then_with(|| by_position(a, b)));
        self.done = ranked.into_iter().take(self.wanted).map(|(_, path)| path).collect();
    }
}

/// How a path goes on.
enum Step {
    /// With this corner.
    Corner(usize),
    /// By its neighbour's displacement.
    Coast(f64, f64),
}

/// The corners of a frame, to be looked up by place: hundreds of paths look for the nearest of hundreds.
struct Corners<'a> {
    links: &'a [Sample],
    /// Indices, by height in the picture.
    by_height: Vec<usize>,
}

impl<'a> Corners<'a> {
    fn new(links: &'a [Sample]) -> Self {
        let mut by_height: Vec<usize> = (0..links.len()).collect();
        by_height.sort_by(|a, b| links[*a].y.total_cmp(&links[*b].y));
        Self { links, by_height }
    }

    /// The nearest of those that count within a distance; of equally near ones the first.
    fn nearest(&self, (x, y): (f64, f64), within: f64, counts: impl Fn(usize) -> bool) -> Option<usize> {
        let first = self.by_height.partition_point(|index| self.links[*index].y < y - within);
        let level = self.by_height[first..].iter().copied().take_while(|index| self.links[*index].y <= y + within);
        let candidates = level.filter(|index| counts(*index)).map(|index| {
            let link = &self.links[index];
            ((link.x - x).hypot(link.y - y), index)
        });
        let near = candidates.filter(|(distance, _)| *distance <= within);
        near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, index)| index)
    }
}

/// How a path goes on; `None` when it ends.
fn continuation(path: &Path, corners: &Corners, taken: &[bool], width: f64) -> Option<Step> {
    if let Some(index) = corners.nearest(path.end(), JOIN * width, |index| !taken[index]) {
        return Some(Step::Corner(index));
    }
    let index = corners.nearest(path.end(), NEIGHBOUR * width, |_| true)?;
    (path.coasting < MAX_COAST).then(|| Step::Coast(corners.links[index].dx, corners.links[index].dy))
}

/// Order of paths by where they begin.
fn by_position(a: &Path, b: &Path) -> std::cmp::Ordering {
    a.points[0].1.total_cmp(&b.points[0].1).then(a.points[0].0.total_cmp(&b.points[0].0))
}

#[cfg(test)]
#[path = "trajectories_tests.rs"]
mod tests;
