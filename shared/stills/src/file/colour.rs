//! What an image file says of its colours. In a file with an ICC profile that profile decides, unless there are code points (PNG's cICP);
//! what names a space in fewer words comes after (PNG third edition, section 4.3; Exif 3.0, tag 0xA001).
use crate::icc;
use framefleet_frames::{Colour, PixelFormat};
use image::ImageDecoder;
use std::io::{BufRead, Seek};

/// Bytes of a profile's digest that are kept: enough to tell all profiles apart, few enough for every picture of a folder to have its own.
const DIGEST: usize = 16;
/// What sRGB is called.
const SRGB: (&str, &str) = ("bt709", "iec61966-2-1");
/// Adobe RGB (1998), whose primaries FFmpeg has no name for.
const ADOBE_RGB: (&str, &str) = ("adobergb", "bt470m");
/// Exif: the colour space's tag says sRGB, or (of old cameras) Adobe RGB.
const EXIF_SRGB: u32 = 1;
const EXIF_ADOBE_RGB: u32 = 2;
/// Chromaticities of red, green and blue by the names of their primaries.
const PRIMARIES: [(&str, [f32; 6]); 4] = [
    ("bt709", [0.64, 0.33, 0.30, 0.60, 0.15, 0.06]),
    ("smpte432", [0.68, 0.32, 0.265, 0.69, 0.15, 0.06]),
    ("bt2020", [0.708, 0.292, 0.170, 0.797, 0.131, 0.046]),
    ("adobergb", [0.64, 0.33, 0.21, 0.71, 0.15, 0.06]),
];
/// How far chromaticities may be from those that a name means.
const NEAR: f32 = 0.002;

/// What a file says of its colours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Colours {
    /// By names, or by the digest of a profile.
    pub colour: Colour,
    /// The space ("CMYK", "GRAY") of a profile that does not speak of the pixels as they are read, and is left out.
    pub other_profile: Option<String>,
}

/// The colours of an image whose decoder this is, read as pixels of a format; nothing but the range where the file says nothing, which by
/// convention means sRGB.
pub(super) fn colours(decoder: &mut dyn ImageDecoder, format: PixelFormat) -> Colours {
    let mut other_profile = None;
    if let Some(profile) = decoder.icc_profile().ok().flatten().filter(|profile| !profile.is_empty()) {
        if icc::fits(&profile, format) {
            let icc = blake3::hash(&profile).as_bytes()[..DIGEST].to_vec().into();
            return Colours { colour: Colour { icc, ..full_range() }, other_profile };
        }
        other_profile = Some(icc::space(&profile));
    }
    let exif = decoder.exif_metadata().ok().flatten();
    Colours { colour: exif.and_then(exif_space).map_or_else(full_range, named), other_profile }
}

/// The colour of a PNG file, whose chunks say more than a decoder passes on.
pub(super) fn png(file: impl BufRead + Seek, otherwise: Colour) -> Colour {
    let Ok(reader) = png::Decoder::new(file).read_info() else { return otherwise };
    let info = reader.info();
    if let Some(points) = info.coding_independent_code_points {
        return Colour {
            primaries: primaries_of(points.color_primaries).to_owned(),
            transfer: transfer_of(points.transfer_function).to_owned(),
            range: if points.is_video_full_range_image { "pc" } else { "tv" }.to_owned(),
            ..Colour::default()
        };
    }
    if !otherwise.icc.is_empty() {
        return otherwise;
    }
    if info.srgb.is_some() {
        return named(SRGB);
    }
    let found = Colour {
        primaries: info.chrm_chunk.as_ref().map_or("", primaries).to_owned(),
        transfer: info.gama_chunk.map_or("", |gamma| transfer(gamma.into_value())).to_owned(),
        ..full_range()
    };
    if found == full_range() { otherwise } else { found }
}

fn full_range() -> Colour {
    Colour { range: "pc".to_owned(), ..Colour::default() }
}

fn named((primaries, transfer): (&str, &str)) -> Colour {
    Colour { primaries: primaries.to_owned(), transfer: transfer.to_owned(), ..full_range() }
}

/// The space that Exif data names.
fn exif_space(bytes: Vec<u8>) -> Option<(&'static str, &'static str)> {
    let exif = exif::Reader::new().read_raw(bytes).ok()?;
    let space = exif.get_field(exif::Tag::ColorSpace, exif::In::PRIMARY)?.value.get_uint(0)?;
    let rules = exif.get_field(exif::Tag::InteroperabilityIndex, exif::In::PRIMARY);
    let is_adobe = rules.is_some_and(
        |rules| matches!(&rules.value, exif::Value::Ascii(text) if text.iter().any(|text| text == b"R03")),
    );
    match space {
        EXIF_SRGB => Some(SRGB),
        EXIF_ADOBE_RGB => Some(ADOBE_RGB),
        // Uncalibrated: what it is, the interoperability directory says (DCF 2.0).
        _ => is_adobe.then_some(ADOBE_RGB),
    }
}

/// The primaries of these chromaticities; nothing when they have no name.
fn primaries(of: &png::SourceChromaticities) -> &'static str {
    let found = [of.red, of.green, of.blue].map(|(x, y)| [x.into_value(), y.into_value()]).concat();
    let near = |known: &[f32; 6]| known.iter().zip(&found).all(|(known, found)| (known - found).abs() <= NEAR);
    PRIMARIES.iter().find(|(_, known)| near(known)).map_or("", |(name, _)| name)
}

/// The transfer of a PNG's gamma, which is that of encoding: 2.2 and 2.8 have their names of BT.470.
fn transfer(gamma: f32) -> &'static str {
    match gamma {
        linear if (linear - 1.0).abs() < 0.01 => "linear",
        usual if (usual - 1.0 / 2.2).abs() < 0.005 => "bt470m",
        pal if (pal - 1.0 / 2.8).abs() < 0.005 => "bt470bg",
        _ => "",
    }
}

/// The name of primaries by their code point in H.273; nothing for those that say nothing.
fn primaries_of(code: u8) -> &'static str {
    match code {
        1 => "bt709",
        4 => "bt470m",
        5 => "bt470bg",
        6 => "smpte170m",
        7 => "smpte240m",
        8 => "film",
        9 => "bt2020",
        10 => "smpte428",
        11 => "smpte431",
        12 => "smpte432",
        22 => "ebu3213",
        _ => "",
    }
}

/// The name of a transfer by its code point in H.273; nothing for those that say nothing.
fn transfer_of(code: u8) -> &'static str {
    match code {
        1 => "bt709",
        4 => "bt470m",
        5 => "bt470bg",
        6 => "smpte170m",
        7 => "smpte240m",
        8 => "linear",
        9 => "log100",
        10 => "log316",
        11 => "iec61966-2-4",
        12 => "bt1361e",
        13 => "iec61966-2-1",
        14 => "bt2020-10",
        15 => "bt2020-12",
        16 => "smpte2084",
        17 => "smpte428",
        18 => "arib-std-b67",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Place, described};
    use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
    use image::{ExtendedColorType, ImageEncoder};
    use std::fs::File;

    const PIXEL: [u8; 3] = [200, 30, 40];

    fn colour_of(name: &str, write: impl FnOnce(File)) -> Colour {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        write(File::create(&path).unwrap());
        described(Place { path: &path, page: 0 }).unwrap().1.colour
    }

    /// A PNG with these chunks before its pixels.
    fn png(chunks: &[([u8; 4], &[u8])]) -> Colour {
        colour_of("a.png", |file| {
            let mut encoder = png::Encoder::new(file, 1, 1);
            encoder.set_color(png::ColorType::Rgb);
            let mut writer = encoder.write_header().unwrap();
            for (name, data) in chunks {
                writer.write_chunk(png::chunk::ChunkType(*name), data).unwrap();
            }
            writer.write_image_data(&PIXEL).unwrap();
        })
    }

    /// Exif data with a colour space, and the rules that the interoperability directory names.
    fn exif(space: u16, rules: Option<&[u8; 4]>) -> Vec<u8> {
        let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
            [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
        };
        let directory = |entries: &[Vec<u8>]| {
            [(entries.len() as u16).to_le_bytes().to_vec(), entries.concat(), vec![0; 4]].concat()
        };
        let [low, high] = space.to_le_bytes();
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        bytes.extend(directory(&[entry(0x8769, 4, 1, 26u32.to_le_bytes())]));
        bytes.extend(directory(&[entry(0xA001, 3, 1, [low, high, 0, 0]), entry(0xA005, 4, 1, 56u32.to_le_bytes())]));
        bytes.extend(directory(&rules.map(|rules| entry(1, 2, 4, *rules)).into_iter().collect::<Vec<_>>()));
        bytes
    }

    fn jpeg(tell: impl FnOnce(&mut JpegEncoder<File>)) -> Colour {
        colour_of("a.jpg", |file| {
            let mut encoder = JpegEncoder::new(file);
            tell(&mut encoder);
            encoder.write_image(&PIXEL, 1, 1, ExtendedColorType::Rgb8).unwrap();
        })
    }

    #[test]
    fn a_profile_is_known_by_its_digest_in_every_format() {
        let profile = b"what a profile  RGB says".to_vec();
        let icc = blake3::hash(&profile).as_bytes()[..16].to_vec();
        let of_png = colour_of("a.png", |file| {
            let mut encoder = PngEncoder::new(file);
            encoder.set_icc_profile(profile.clone()).unwrap();
            encoder.write_image(&PIXEL, 1, 1, ExtendedColorType::Rgb8).unwrap();
        });
        let of_jpeg = jpeg(|encoder| {
            encoder.set_icc_profile(profile.clone()).unwrap();
            encoder.set_exif_metadata(exif(1, None)).unwrap();
        });
        assert_eq!((&of_png, &of_png.icc[..]), (&of_jpeg, &icc[..]), "the profile decides where there is one");
        assert_eq!((of_png.primaries.as_str(), of_png.range.as_str()), ("", "pc"));
    }

    #[test]
    fn exif_says_which_space_it_is() {
        assert_eq!(jpeg(|_| {}), full_range(), "who says nothing is taken at nothing");
        let of = |space, rules| jpeg(|encoder| encoder.set_exif_metadata(exif(space, rules)).unwrap());
        assert_eq!(of(1, Some(b"R98\0")), named(SRGB));
        assert_eq!(of(0xffff, Some(b"R03\0")), named(ADOBE_RGB));
        assert_eq!(of(0xffff, None), full_range());
    }

    #[test]
    fn chunks_of_a_png_are_read_in_their_order() {
        let (points, srgb) = ((*b"cICP", &[9, 16, 0, 1][..]), (*b"sRGB", &[0][..]));
        assert_eq!(png(&[srgb, points]), named(("bt2020", "smpte2084")));
        assert_eq!(png(&[srgb]), named(SRGB));
        // Display P3 and a gamma of 2.2, in hundred-thousandths.
        let places: [u32; 8] = [31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000];
        let places: Vec<u8> = places.iter().flat_map(|place| place.to_be_bytes()).collect();
        let wide = [(*b"gAMA", &45455u32.to_be_bytes()[..]), (*b"cHRM", &places[..])];
        assert_eq!(png(&wide), named(("smpte432", "bt470m")));
        assert_eq!(png(&[]), full_range());
    }
}
