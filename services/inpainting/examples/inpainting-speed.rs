//! Frames per CPU-second of the stage on a painted film (one thread, whatever else the machine does), in batches with their halo, and
//! as one bare loop over all frames; and the memory that the process takes.
//!
//! ```sh
//! cargo run --release -p inpainting --example inpainting-speed -- 640 360 48
//! ```
#![allow(clippy::unwrap_used, clippy::panic, reason = "a program that measures may stop at the first surprise")]

#[path = "../tests/it/harness/mod.rs"]
mod harness;

use framefleet_frames::frame::batch_frames;
use framefleet_stage::Settings;
use framefleet_testkit::{MovingSquare, Similarity};
use harness::{Footage, rgb8};
use inpainting::{InpaintingSettings, Rest};

fn main() {
    let numbers: Vec<u32> = std::env::args().skip(1).map(|argument| argument.parse().unwrap()).collect();
    let [width, height, frames] = numbers[..] else { panic!("usage: inpainting-speed WIDTH HEIGHT FRAMES") };
    let mut scene = MovingSquare::new(width, height, 3);
    scene.camera = Similarity { x: -1.5, y: 0.4, ..Similarity::default() };
    scene.square = (f64::from(width) * 0.2, f64::from(height) * 0.3, f64::from(height) * 0.4);
    scene.velocity = (f64::from(width) / 160.0, 0.0);
    let images = (0..u64::from(frames)).map(|n| rgb8(&scene.paint(n))).collect();
    let mut footage = Footage::new(images, |n, x, y| scene.on_square(n, x, y));
    let on_grid = batch_frames(&footage.item);
    println!("{width}×{height}, {frames} frames, hole of {:.0} % of the frame", 100.0 * hole_share(&scene));
    println!("| profile | batches of {on_grid} | bare loop | ratio |\n|---|---|---|---|");
    let mut profiles = InpaintingSettings::profiles();
    profiles.insert(1, ("balanced", InpaintingSettings::default()));
    for (profile, settings) in profiles {
        let settings = InpaintingSettings { rest: Rest::Telea, ..settings };
        let mut rate = |batch: u64| {
            footage.batch = batch;
            let began = cpu_seconds();
            assert_eq!(footage.run(&settings).frames.len(), frames as usize);
            f64::from(frames) / (cpu_seconds() - began)
        };
        let (batches, bare) = (rate(on_grid), rate(u64::from(frames)));
        println!("| {profile} | {batches:.2} frames/CPU-s | {bare:.2} frames/CPU-s | {:.2} |", batches / bare);
    }
    println!(
        "peak memory {} MiB, of which the film and what was made of it take {} MiB",
        peak() >> 20,
        (2 * film(&footage)) >> 20
    );
}

fn hole_share(scene: &MovingSquare) -> f64 {
    scene.square.2 * scene.square.2 / (f64::from(scene.width) * f64::from(scene.height))
}

fn film(footage: &Footage) -> u64 {
    footage.images.iter().map(|image| image.data().len() as u64).sum()
}

/// Time that this process has computed so far, in hundredths as the kernel counts them.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

/// The most memory that was resident, bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}
