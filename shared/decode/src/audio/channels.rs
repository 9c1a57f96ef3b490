//! Channels of sound, one by one: where their sum cancels, as of a stereo track with one side turned round, the loudest is heard alone.
use ffmpeg_next::util::format::sample::{Sample, Type};
use ffmpeg_next::{ChannelLayout, frame, software::resampling};

/// Share of the loudest channel's energy below which the mean of all is no sum but a difference.
const CANCELLED: f64 = 0.02;

/// Brings blocks to floating point, channel by channel, and measures them.
#[derive(Default)]
pub(super) struct Channels {
    converter: Option<(resampling::Context, (Sample, ChannelLayout, u32))>,
    /// Energy of each channel, and of the mean of all.
    energies: Vec<f64>,
    mean: f64,
}

impl Channels {
    /// Adds a block to what is measured.
    pub(super) fn measure(&mut self, block: &frame::Audio) {
        if block.channels() < 2 {
            return;
        }
        let Some(planar) = self.planar(block) else { return };
        let planes: Vec<&[f32]> = (0..planar.planes()).map(|channel| planar.plane::<f32>(channel)).collect();
        self.energies.resize(planes.len().max(self.energies.len()), 0.0);
        for (energy, plane) in self.energies.iter_mut().zip(&planes) {
            *energy += plane.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        }
        for at in 0..planar.samples() {
            let sum: f64 = planes.iter().filter_map(|plane| plane.get(at)).map(|sample| f64::from(*sample)).sum();
            self.mean += (sum / planes.len() as f64).powi(2);
        }
    }

    /// The loudest channel, where the mean of all cancels; in stereo that is a mean that has hardly anything of either side.
    pub(super) fn instead_of_the_mean(&self) -> Option<usize> {
        let loudest = (0..self.energies.len()).max_by(|a, b| self.energies[*a].total_cmp(&self.energies[*b]))?;
        // The mean of `n` channels of which one alone sounds has 1 / n² of its energy.
        let least = CANCELLED.min(0.5 / (self.energies.len() as f64).powi(2));
        (self.mean < least * self.energies[loudest]).then_some(loudest)
    }

    /// One channel of a block, alone.
    pub(super) fn pick(&mut self, block: &frame::Audio, channel: usize) -> Option<frame::Audio> {
        let planar = self.planar(block)?;
        let mut alone = frame::Audio::new(Sample::F32(Type::Packed), planar.samples(), ChannelLayout::MONO);
        alone.set_rate(block.rate());
        let from = planar.plane::<f32>(channel.min(planar.planes().saturating_sub(1)));
        alone.plane_mut::<f32>(0).copy_from_slice(from.get(..planar.samples())?);
        Some(alone)
    }

    fn planar(&mut self, block: &frame::Audio) -> Option<frame::Audio> {
        let shape = (block.format(), block.channel_layout(), block.rate());
        if self.converter.as_ref().is_none_or(|(_, known)| *known != shape) {
            let (format, layout, rate) = shape;
            let planar = Sample::F32(Type::Planar);
            let context = resampling::Context::get(format, layout, rate, planar, layout, rate).ok()?;
            self.converter = Some((context, shape));
        }
        let (context, (_, layout, _)) = self.converter.as_mut()?;
        let mut planar = frame::Audio::new(Sample::F32(Type::Planar), block.samples(), *layout);
        context.run(block, &mut planar).ok()?;
        Some(planar)
    }
}
