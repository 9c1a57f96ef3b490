//! Video of high dynamic range: full frames keep its samples, proxies are made for standard displays.
use crate::film::{Film, Shown, decoders};
use framefleet_frames::{PixelFormat, Rendition};
use framefleet_testkit::{Clip, srgb_decode, srgb_encode};
use std::path::PathBuf;

const SIZE: (u32, u32) = (256, 64);

/// Linear BT.709 RGB in BT.2020 primaries (ITU-R BT.2087).
const TO_BT2020: [[f64; 3]; 3] = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]];

/// PQ value of light in cd/m² (SMPTE ST 2084).
fn pq(light: f64) -> f64 {
    let power = (light / 10_000.0).powf(0.159_301_757_812_5);
    ((0.835_937_5 + 18.851_562_5 * power) / (1.0 + 18.6875 * power)).powf(78.84375)
}

/// HLG value of light of the scene, 0..1 (ITU-R BT.2100).
fn hlg(scene: f64) -> f64 {
    if scene <= 1.0 / 12.0 {
        (3.0 * scene).sqrt()
    } else {
        0.178_832_77 * (12.0 * scene - 0.284_668_92).ln() + 0.559_910_73
    }
}

/// 16-bit samples of an sRGB colour whose white is 203 cd/m².
fn coded(colour: [u8; 3], transfer: &str) -> [u16; 3] {
    let linear = colour.map(|value| srgb_decode(f64::from(value) / 255.0));
    let light = TO_BT2020.map(|row| 203.0 * row.iter().zip(linear).map(|(weight, value)| weight * value).sum::<f64>());
    let value = match transfer {
        "smpte2084" => light.map(pq),
        _ => {
            let scene = light.map(|light| light / 1000.0);
            let display: f64 = scene.iter().zip([0.2627, 0.6780, 0.0593]).map(|(light, weight)| light * weight).sum();
            // The display's light is the scene's with an exponent of 1.2 on the luminance.
            let system = display.powf(-0.2 / 1.2);
            scene.map(|light| hlg(light * system))
        }
    };
    value.map(|value| (value * 65535.0).round() as u16)
}

/// One frame of columns of colours. To the scaler that makes YUV of them, white is 65280.
fn write(folder: &tempfile::TempDir, transfer: &str, colours: &[[u16; 3]]) -> PathBuf {
    let column = SIZE.0 as usize / colours.len();
    let scaled = |code: u16| (u32::from(code) * 65_280 / 65_535) as u16;
    let row: Vec<u16> = colours.iter().flat_map(|colour| colour.map(scaled).repeat(column)).collect();
    let clip = Clip::new(SIZE.0, SIZE.1, 1).codec("ffv1", "yuv444p12le").colour("bt2020", transfer, "bt2020nc", "tv");
    clip.write16(&folder.path().join(format!("{transfer}.mkv")), |_| row.repeat(SIZE.1 as usize)).unwrap()
}

fn first(film: &Film, rendition: Rendition) -> Shown {
    let (mut shown, failures) = film.frames(&decoders(), &film.batches[0], &[0], rendition);
    assert_eq!(failures, []);
    shown.remove(0)
}

#[test]
fn colours_below_the_highlights_are_those_of_standard_range() {
    let folder = tempfile::tempdir().unwrap();
    // The brightest is at 90 cd/m², below the knee.
    let most = srgb_encode(90.0 / 203.0);
    let colours =
        [[most, 60, 60], [40, most, 70], [30, 50, most], [most; 3], [118; 3], [60; 3], [20; 3], [most, most, 20]];
    for transfer in ["smpte2084", "arib-std-b67"] {
        let film = Film::open(&write(&folder, transfer, &colours.map(|colour| coded(colour, transfer))));
        assert_eq!(film.item.colour.as_ref().unwrap().transfer, transfer);
        let proxy = first(&film, Rendition::Proxy);
        assert_eq!(proxy.slot.format, PixelFormat::Rgb8);
        for (column, colour) in colours.into_iter().enumerate() {
            let at = (32 * SIZE.0 as usize + column * 32 + 16) * 3;
            let found = &proxy.pixels[at..at + 3];
            let close = found.iter().zip(colour).all(|(found, expected)| found.abs_diff(expected) <= 2);
            assert!(close, "{transfer}: {found:?}, not {colour:?}");
        }
    }
}

#[test]
fn highlights_are_compressed_and_not_cut() {
    let folder = tempfile::tempdir().unwrap();
    let lights = [50.0, 100.0, 200.0, 300.0, 450.0, 600.0, 800.0, 1000.0];
    let film = Film::open(&write(&folder, "smpte2084", &lights.map(|light| [(pq(light) * 65535.0) as u16; 3])));
    let proxy = first(&film, Rendition::Proxy);
    let found = [0, 1, 2, 3, 4, 5, 6, 7].map(|column| proxy.pixels[(32 * SIZE.0 as usize + column * 32 + 16) * 3 + 1]);
    assert!(found.is_sorted() && found[..5].is_sorted_by(|a, b| a < b), "{found:?}");
    assert!(found[5] < 255 && found[7] == 255, "{found:?}");
}

#[test]
fn full_frames_keep_their_samples() {
    let folder = tempfile::tempdir().unwrap();
    let codes = [0, 9000, 20_000, 30_000, 40_000, 50_000, 60_000, 65_535].map(|code| [code; 3]);
    let film = Film::open(&write(&folder, "smpte2084", &codes));
    let full = first(&film, Rendition::Full);
    assert_eq!(full.slot.format, PixelFormat::Rgb16);
    for (column, code) in codes.into_iter().enumerate() {
        let at = (32 * SIZE.0 as usize + column * 32 + 16) * 6;
        let found = u16::from_le_bytes([full.pixels[at], full.pixels[at + 1]]);
        assert!(found.abs_diff(code[0]) <= 32, "{found}, not {}", code[0]);
    }
}
