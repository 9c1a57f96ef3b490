//! Packets beside the pictures, on the clock of the pictures. Where clocks start anew, sound of a new part may lie before its first picture: packets
//! wait until it is known by how much theirs is off.
use super::steps::Steps;
use ffmpeg_next::{Packet, Rational};
use std::collections::VecDeque;

/// Packets that are read before one is given, where clocks may start anew.
const AHEAD: usize = 64;

/// Reads ahead as far as clocks that may start anew ask for; where they do not, every packet is given as it is read.
#[derive(Default)]
pub struct ReadAhead {
    steps: Option<Steps>,
    /// Packets that wait, with the units of their times.
    waiting: VecDeque<(Packet, Rational)>,
    ended: bool,
}

impl ReadAhead {
    /// Of a file in which clocks may start anew, or do not.
    pub fn new(may_step: bool) -> Self {
        Self { steps: may_step.then(Steps::default), ..Self::default() }
    }

    /// Whether clocks may start anew: then a file is read from its start.
    pub fn may_step(&self) -> bool {
        self.steps.is_some()
    }

    /// The next packet; `None` at the end. `read` reads to the next packet that is wanted and gives it with the unit of its times; it notes every
    /// packet of the pictures that comes before, with its unit.
    pub fn next_packet<E>(
        &mut self,
        mut read: impl FnMut(&mut dyn FnMut(&Packet, Rational)) -> Result<Option<(Packet, Rational)>, E>,
    ) -> Result<Option<Packet>, E> {
        let least = if self.may_step() { AHEAD } else { 1 };
        while self.waiting.len() < least && !self.ended {
            let steps = &mut self.steps;
            let found = read(&mut |picture, unit| {
                if let Some(steps) = steps {
                    steps.note(picture, unit);
                }
            })?;
            self.ended = found.is_none();
            self.waiting.extend(found);
        }
        let Some((mut packet, unit)) = self.waiting.pop_front() else { return Ok(None) };
        if let Some(steps) = &mut self.steps {
            steps.correct_other(&mut packet, unit);
        }
        Ok(Some(packet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    const MS: Rational = Rational(1, 1000);

    fn packet(stream: usize, dts: i64) -> Packet {
        let mut packet = Packet::empty();
        packet.set_stream(stream);
        packet.set_dts(Some(dts));
        packet.set_pts(Some(dts));
        packet.set_duration(40);
        packet
    }

    /// Times of stream 1 of a file with these packets (stream, time), pictures being stream 0.
    fn times(may_step: bool, file: &[(usize, i64)]) -> Vec<i64> {
        let (mut ahead, mut file) = (ReadAhead::new(may_step), file.iter());
        let mut next = || {
            ahead.next_packet(|note| {
                for &(stream, dts) in file.by_ref() {
                    match stream {
                        0 => note(&packet(0, dts), MS),
                        _ => return Ok::<_, Infallible>(Some((packet(stream, dts), MS))),
                    }
                }
                Ok(None)
            })
        };
        std::iter::from_fn(|| next().unwrap()).filter_map(|packet| packet.dts()).collect()
    }

    #[test]
    fn sound_before_the_first_picture_of_its_part_goes_on_as_the_pictures_do() {
        let first = (0..100).flat_map(|n| [(0, 1000 + 40 * n), (1, 1000 + 40 * n)]);
        let second = (0..100).flat_map(|n| [(1, 40 * n), (0, 40 * n)]);
        let file: Vec<(usize, i64)> = first.chain(second).collect();
        assert_eq!(times(true, &file), (0..200).map(|n| 1000 + 40 * n).collect::<Vec<_>>());
        let as_they_are = file.iter().filter(|(stream, _)| *stream == 1).map(|(_, dts)| *dts);
        assert_eq!(times(false, &file), as_they_are.collect::<Vec<_>>());
    }

    #[test]
    fn more_packets_than_are_read_ahead_come_in_their_order() {
        let file: Vec<(usize, i64)> = (0..200).map(|n| (1, n * 40)).collect();
        assert_eq!(times(true, &file), (0..200).map(|n| n * 40).collect::<Vec<_>>());
    }
}
