//! Spherical and stereoscopic metadata of sources, in films made of them.
use super::{film, item, pieces, request};
use framefleet_encode::join;
use framefleet_formats::{Codec, Container, VideoFormat};
use framefleet_frames::PixelFormat;
use framefleet_probe::{ImageFolders, probe};
use framefleet_testkit::*;
use std::path::Path;

#[test]
fn spherical_and_stereoscopic_metadata_come_along() {
    let folder = tempfile::tempdir().unwrap();
    let source = Clip::new(96, 64, 4).write(&folder.path().join("s.mp4"), |n| numbered(96, 64, n)).unwrap();
    make_spherical(&source);
    let kinds = |path: &Path| {
        let probe = ffprobe(path).unwrap();
        let list = probe["streams"][0]["side_data_list"].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|data| data["side_data_type"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&source), ["Stereo 3D", "Spherical Mapping"], "the source has them");
    let said = |path: &Path| {
        let item = probe(path.to_str().unwrap(), ImageFolders::Auto).unwrap().items.remove(0);
        (item.stereo, item.projection)
    };
    assert_eq!(said(&source), ("side_by_side".to_owned(), "equirectangular".to_owned()));
    let format = VideoFormat::new(Codec::H264, &item((1, 12_800), (25, 1)), (96, 64, PixelFormat::Rgb8), None);
    let pieces = pieces(folder.path(), &format, &film(96, 64, 0..4), &[4]);
    for container in [Container::Mp4, Container::Mkv, Container::Mov] {
        let output = folder.path().join(format!("out.{}", container.extension()));
        let joined = join(&request(&pieces, &format, container, Some(&source)), &output).unwrap();
        let mut found = kinds(&output);
        found.sort();
        let wanted: &[&str] = if container == Container::Mov { &[] } else { &["Spherical Mapping", "Stereo 3D"] };
        assert_eq!(found, wanted, "{container:?}");
        let expected = if wanted.is_empty() { ("", "") } else { ("side_by_side", "equirectangular") };
        assert_eq!(said(&output), (expected.0.to_owned(), expected.1.to_owned()), "{container:?}");
        assert_eq!(joined.left_out.len(), 2 - wanted.len(), "{:?}", joined.left_out);
    }
}

/// Adds Google's Spherical Video V2 boxes (equirectangular, left and right eye side by side) to the sample entry of an MP4
/// file whose index lies behind its data.
fn make_spherical(path: &Path) {
    let boxed = |name: &[u8], body: &[u8]| [&((8 + body.len()) as u32).to_be_bytes(), name, body].concat();
    let head = boxed(b"svhd", &[0, 0, 0, 0, b'x', 0]);
    let projection = boxed(b"proj", &[boxed(b"prhd", &[0; 16]), boxed(b"equi", &[0; 20])].concat());
    let added = [boxed(b"st3d", &[0, 0, 0, 0, 2]), boxed(b"sv3d", &[head, projection].concat())].concat();
    let mut bytes = std::fs::read(path).unwrap();
    let mut at = 0;
    let mut end = 0;
    for name in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"] {
        at += bytes[at..].windows(4).position(|window| window == name).unwrap();
        let size = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap());
        bytes[at - 4..at].copy_from_slice(&(size + added.len() as u32).to_be_bytes());
        end = at - 4 + size as usize;
    }
    bytes.splice(end..end, added);
    std::fs::write(path, bytes).unwrap();
}
