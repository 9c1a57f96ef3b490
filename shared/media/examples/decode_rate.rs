//! Measures how fast a video is indexed and decoded on one thread, to set beside `ffmpeg -threads 1 -i FILE -f null -`:
//! `cargo run --release --example decode_rate -- FILE`.
use framefleet_media::decode::{Canvas, Slot};
use framefleet_media::frame::batch_frames;
use framefleet_media::{
    BatchInfo, Decoders, Deinterlace, ImageFolders, Item, ReadError, Rendition, index::index, probe,
};
use std::error::Error;
use std::time::Instant;

/// One buffer that every batch is decoded into.
struct Reused {
    memory: Vec<u8>,
    offsets: Vec<(usize, usize)>,
}

impl Canvas for Reused {
    fn memory(&mut self, slot: usize) -> &mut [u8] {
        let (offset, bytes) = self.offsets[slot];
        &mut self.memory[offset..offset + bytes]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let source = std::env::args().nth(1).ok_or("which file?")?;
    let item = probe(&source, ImageFolders::Auto)?.items.into_iter().next().ok_or("no item")?;
    let mut batches = Vec::new();
    let start = Instant::now();
    let (item, _) = index(&item, batch_frames(&item), Deinterlace::Off, &mut |more| {
        batches.extend(more);
        true
    })?;
    let rate = |start: Instant| item.estimated_frames as f64 / start.elapsed().as_secs_f64();
    println!("{}×{}, {} frames; frames per second:", item.width, item.height, item.estimated_frames);
    println!("index   {:8.0}", rate(start));
    for (name, rendition) in [("proxy", Some(Rendition::Proxy)), ("full", Some(Rendition::Full)), ("decode", None)] {
        let start = Instant::now();
        decode_all(&item, &batches, rendition)?;
        println!("{name:8}{:8.0}", rate(start));
    }
    Ok(())
}

/// Decodes every batch; without a rendition, only the last frame of each is converted.
fn decode_all(item: &Item, batches: &[BatchInfo], rendition: Option<Rendition>) -> Result<(), ReadError> {
    let decoders = Decoders::new(Deinterlace::Off, 1);
    let mut canvas = Reused { memory: Vec::new(), offsets: Vec::new() };
    for batch in batches {
        let end = batch.start + batch.pts_ns.len() as u64;
        let all: Vec<u64> = (batch.start..end).collect();
        let (proxy, full) = match rendition {
            Some(Rendition::Proxy) => (all, Vec::new()),
            Some(_) => (Vec::new(), all),
            None => (vec![end - 1], Vec::new()),
        };
        let (slots, _) = decoders.slots(item, batch, &proxy, &full)?;
        canvas.lay_out(&slots);
        decoders.decode(item, batch, &slots, &mut canvas)?;
    }
    Ok(())
}

impl Reused {
    fn lay_out(&mut self, slots: &[Slot]) {
        self.offsets.clear();
        let mut offset = 0;
        for slot in slots {
            self.offsets.push((offset, slot.bytes()));
            offset += slot.bytes();
        }
        self.memory.resize(offset, 0);
    }
}
