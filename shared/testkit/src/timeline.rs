//! Shots with known cuts.
use crate::{Picture, Similarity, Texture};
use std::ops::Range;

/// A film of several shots: textures of their own, each drifting slowly, joined by hard cuts, dissolves, wipes or fades,
/// with flashes inside. Built shot by shot; frames are counted from 0.
#[derive(Clone, Debug)]
pub struct Timeline {
    width: u32,
    height: u32,
    shots: Vec<Shot>,
    flashes: Vec<u64>,
}

#[derive(Clone, Debug)]
struct Shot {
    start: u64,
    end: u64,
    texture: Texture,
    brightness: f64,
    /// How this shot comes in over its first frames.
    entry: Entry,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Entry {
    Cut,
    /// The shot before goes over into this one within so many frames.
    Dissolve(u64),
    /// A front from the left brings this shot in within so many frames.
    Wipe(u64),
    /// From a colour within so many frames; the shot before went over into it within as many.
    Fade(u64, [u8; 3]),
}

impl Timeline {
    /// A film without shots.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, shots: Vec::new(), flashes: Vec::new() }
    }

    /// Adds a shot of `frames` after a hard cut.
    pub fn shot(self, frames: u64) -> Self {
        self.push(frames, Entry::Cut)
    }

    /// Adds a shot of `frames` whose first `transition` frames dissolve from the shot before.
    pub fn dissolve(self, transition: u64, frames: u64) -> Self {
        self.push(frames, Entry::Dissolve(transition))
    }

    /// Adds a shot of `frames` whose first `transition` frames come in from the left, behind a straight front.
    pub fn wipe(self, transition: u64, frames: u64) -> Self {
        self.push(frames, Entry::Wipe(transition))
    }

    /// Adds a shot of `frames` after a fade through black: the last `transition` frames of the shot before go to black, the
    /// first `transition` of this one come from it.
    pub fn fade(self, transition: u64, frames: u64) -> Self {
        self.fade_through([0; 3], transition, frames)
    }

    /// The same through another colour.
    pub fn fade_through(self, colour: [u8; 3], transition: u64, frames: u64) -> Self {
        self.push(frames, Entry::Fade(transition, colour))
    }

    /// Lights up one frame, as a photographer's flash does: brighter, still the same shot.
    pub fn flash(mut self, frame: u64) -> Self {
        self.flashes.push(frame);
        self
    }

    /// Frames in all.
    pub fn frames(&self) -> u64 {
        self.shots.last().map_or(0, |shot| shot.end)
    }

    /// The first frame of every shot that comes in by a hard cut (not the film's first shot).
    pub fn cuts(&self) -> Vec<u64> {
        self.shots.iter().skip(1).filter(|shot| shot.entry == Entry::Cut).map(|shot| shot.start).collect()
    }

    /// Frames of every shot, transitions counted to the shot that comes in.
    pub fn shots(&self) -> Vec<Range<u64>> {
        self.shots.iter().map(|shot| shot.start..shot.end).collect()
    }

    /// Frames of every dissolve, wipe and fade, both halves of a fade together.
    pub fn transitions(&self) -> Vec<Range<u64>> {
        let range = |shot: &Shot| match shot.entry {
            Entry::Cut => None,
            Entry::Dissolve(frames) | Entry::Wipe(frames) => Some(shot.start..shot.start + frames),
            Entry::Fade(frames, _) => Some(shot.start.saturating_sub(frames)..shot.start + frames),
        };
        self.shots.iter().filter_map(range).collect()
    }

    /// Paints a frame; black after the end.
    pub fn paint(&self, frame: u64) -> Picture {
        let Some(index) = self.shots.iter().position(|shot| (shot.start..shot.end).contains(&frame)) else {
            return Picture::filled(self.width, self.height, [0; 3]);
        };
        let mut picture = self.view(&self.shots[index], frame);
        if let (Entry::Dissolve(frames) | Entry::Wipe(frames), Some(before)) =
            (self.shots[index].entry, index.checked_sub(1))
        {
            let share = ((frame - self.shots[index].start + 1) as f64 / (frames + 1) as f64).min(1.0);
            let before = self.view(&self.shots[before], frame);
            picture = match self.shots[index].entry {
                Entry::Wipe(_) => before.beside(&picture, share),
                _ => before.mix(&picture, share),
            };
        }
        for (share, colour) in self.fades(index, frame) {
            picture = picture.mix(&Picture::filled(self.width, self.height, colour), share);
        }
        if self.flashes.contains(&frame) {
            picture = picture.mix(&Picture::filled(self.width, self.height, [255; 3]), 0.7);
        }
        picture
    }

    fn push(mut self, frames: u64, entry: Entry) -> Self {
        let start = self.frames();
        let number = self.shots.len() as u64;
        // Shots differ in brightness too, in no simple order.
        let brightness = 0.45 + 0.55 * ((number * 2) % 5) as f64 / 4.0;
        self.shots.push(Shot { start, end: start + frames, texture: Texture::noise(1000 + number), brightness, entry });
        self
    }

    fn view(&self, shot: &Shot, frame: u64) -> Picture {
        let drift = Similarity { x: 0.5, y: 0.25, ..Default::default() }.times(frame as f64);
        let dark = Picture::filled(self.width, self.height, [0; 3]);
        dark.mix(&shot.texture.view(self.width, self.height, &drift), shot.brightness)
    }

    /// How far the picture has gone over into a colour, where a fade comes in or goes out.
    fn fades(&self, index: usize, frame: u64) -> Vec<(f64, [u8; 3])> {
        let shot = &self.shots[index];
        let share = |frames: u64, away: u64| (1.0 - away as f64 / (frames + 1) as f64).max(0.0);
        let mut fades = Vec::new();
        if let Entry::Fade(frames, colour) = shot.entry {
            fades.push((share(frames, frame - shot.start + 1), colour));
        }
        if let Some(Entry::Fade(frames, colour)) = self.shots.get(index + 1).map(|next| next.entry) {
            fades.push((share(frames, shot.end - frame), colour));
        }
        fades
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(picture: &Picture) -> f64 {
        picture.rgb.iter().map(|&v| f64::from(v)).sum::<f64>() / picture.rgb.len() as f64
    }

    fn difference(a: &Picture, b: &Picture) -> f64 {
        a.rgb.iter().zip(&b.rgb).map(|(&a, &b)| f64::from(a.abs_diff(b))).sum::<f64>() / a.rgb.len() as f64
    }

    #[test]
    fn cuts_are_where_the_picture_changes() {
        let film = Timeline::new(48, 32).shot(5).shot(6).dissolve(3, 8).fade(3, 9).wipe(5, 8).flash(2);
        assert_eq!(film.frames(), 36);
        assert_eq!(film.cuts(), [5]);
        assert_eq!(film.transitions(), [11..14, 16..22, 28..33]);
        let steps: Vec<f64> = (1..11).map(|n| difference(&film.paint(n - 1), &film.paint(n))).collect();
        let quiet = steps[0].max(steps[5]);
        assert!(steps[4] > 3.0 * quiet, "{steps:?}");
        assert!(mean(&film.paint(2)) > mean(&film.paint(1)) + 50.0, "flash");
        assert!(mean(&film.paint(18)) < mean(&film.paint(15)) / 2.0, "fade");
        let (before, wiped, after) = (film.paint(27), film.paint(30), film.paint(33));
        let near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 25);
        assert!(near(wiped.get(4, 9), after.get(4, 9)) && near(wiped.get(44, 9), before.get(44, 9)), "wipe");
        let white = Timeline::new(48, 32).shot(9).fade_through([255; 3], 4, 9);
        assert!(mean(&white.paint(8)) > 200.0 && mean(&white.paint(9)) > 200.0 && mean(&white.paint(4)) < 150.0);
    }
}
