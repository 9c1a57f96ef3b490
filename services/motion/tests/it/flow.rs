//! Motion of rendered footage, of which every vector is known.

use crate::harness::run;
use framefleet_frames::{CameraLabel, Compass, ItemKind, Motion, MotionType};
use framefleet_testkit::{MovingSquare, Picture, Similarity, Texture};
use framefleet_testkit_stage::Film;
use motion::{DisPreset, Method, MotionSettings, STILL};

const SIZE: (u32, u32) = (320, 180);

/// Two frames of a texture, the second one moved.
fn moved(transform: Similarity) -> Film {
    let texture = Texture::noise(11);
    Film::painted(2, |n| texture.view(SIZE.0, SIZE.1, &transform.times(n as f64)))
}

/// Two frames shifted by whole pixels.
fn shifted(x: f64, y: f64) -> Film {
    moved(Similarity { x, y, ..Similarity::default() })
}

/// Motion of the second frame.
fn motion_of(footage: &Film, settings: &MotionSettings) -> Motion {
    run(footage, settings).motions.remove(&1).unwrap()
}

fn methods() -> Vec<MotionSettings> {
    let with = |method, preset| MotionSettings { method, preset, ..MotionSettings::default() };
    vec![
        with(Method::Dis, DisPreset::Ultrafast),
        with(Method::Dis, DisPreset::Fast),
        with(Method::Dis, DisPreset::Medium),
        with(Method::Farneback, DisPreset::Ultrafast),
        with(Method::LucasKanade, DisPreset::Ultrafast),
    ]
}

#[test]
fn d13_content_moved_up_by_5_pixels_is_up() {
    for settings in methods() {
        let motion = motion_of(&shifted(0.0, -5.0), &settings);
        let name = format!("{:?} {:?}", settings.method, settings.preset);
        assert_eq!(motion.compass(), Compass::Up, "{name}");
        assert!((motion.direction.unwrap() - 90.0).abs() < 3.0, "{name}: {:?}", motion.direction);
        assert!((motion.magnitude_median.unwrap() - 5.0).abs() < 0.1, "{name}: {:?}", motion.magnitude_median);
        assert!((motion.magnitude_mean.unwrap() - 5.0).abs() < 0.2, "{name}: {:?}", motion.magnitude_mean);
        assert!(motion.density.unwrap() > 0.97 && motion.direction_concentration.unwrap() > 0.97, "{name}");
        // The content goes up, so the camera tilts down.
        let camera = motion.camera.unwrap();
        assert_eq!(camera.label(), CameraLabel::TiltDown, "{name}");
        assert!((camera.dy + 5.0).abs() < 0.05 && camera.dx.abs() < 0.05, "{name}: {camera:?}");
    }
}

#[test]
fn eight_directions_have_their_names() {
    let cases = [
        (6.0, 0.0, Compass::Right, CameraLabel::PanLeft),
        (5.0, -5.0, Compass::UpRight, CameraLabel::PanLeft),
        (0.0, -6.0, Compass::Up, CameraLabel::TiltDown),
        (-4.0, -5.0, Compass::UpLeft, CameraLabel::TiltDown),
        (-6.0, 0.0, Compass::Left, CameraLabel::PanRight),
        (-5.0, 4.0, Compass::DownLeft, CameraLabel::PanRight),
        (0.0, 6.0, Compass::Down, CameraLabel::TiltUp),
        (4.0, 5.0, Compass::DownRight, CameraLabel::TiltUp),
    ];
    for (sector, (x, y, compass, label)) in cases.into_iter().enumerate() {
        let motion = motion_of(&shifted(x, y), &MotionSettings::default());
        assert_eq!((motion.compass(), motion.camera.unwrap().label()), (compass, label), "{x}, {y}");
        assert!(motion.direction_histogram[sector] > 0.9, "{:?}", motion.direction_histogram);
    }
}

#[test]
fn zoom_and_roll_are_recovered() {
    for (zoom, degrees) in [(1.02, 0.0), (0.98, 0.0), (1.0, 1.0), (1.0, -1.0), (1.02, 1.0)] {
        let camera =
            motion_of(&moved(Similarity { zoom, degrees, ..Similarity::default() }), &MotionSettings::default());
        let camera = camera.camera.unwrap();
        assert!((f64::from(camera.zoom) - zoom).abs() < 0.05 * 0.02, "{zoom}, {degrees}: {camera:?}");
        assert!((f64::from(camera.roll) - degrees).abs() < 0.05, "{zoom}, {degrees}: {camera:?}");
        assert!(camera.dx.abs() < 0.1 && camera.dy.abs() < 0.1, "{zoom}, {degrees}: {camera:?}");
        assert!(camera.inlier_share > 0.9, "{camera:?}");
    }
    let label = |zoom, degrees| {
        let motion =
            motion_of(&moved(Similarity { zoom, degrees, ..Similarity::default() }), &MotionSettings::default());
        motion.camera.unwrap().label()
    };
    assert_eq!(label(1.02, 0.0), CameraLabel::ZoomIn);
    assert_eq!(label(0.98, 0.0), CameraLabel::ZoomOut);
    assert_eq!(label(1.0, 1.0), CameraLabel::RollCounterclockwise);
}

#[test]
fn object_is_told_from_a_panning_camera() {
    let mut scene = MovingSquare::new(SIZE.0, SIZE.1, 3);
    scene.camera.x = -6.0;
    scene.square = (275.0, 0.0, 36.0);
    scene.velocity = (0.0, 7.0);
    let motion = motion_of(&Film::painted(2, |n| scene.paint(n)), &MotionSettings::default());
    let (camera, objects) = (motion.camera.unwrap(), motion.objects.unwrap());
    assert!((camera.dx + 6.0).abs() < 0.1 && camera.dy.abs() < 0.1, "{camera:?}");
    assert_eq!(camera.label(), CameraLabel::PanRight);
    // The square lies in the top right cell of the grid and nowhere else.
    let busiest = (0..16).max_by(|a, b| objects.grid[*a].total_cmp(&objects.grid[*b])).unwrap();
    assert_eq!(busiest, 3, "{:?}", objects.grid);
    assert!(objects.hotspots.contains(&3) && objects.grid[12] < 0.5, "{objects:?}");
    // Besides the square, the strip that enters on the right has no predecessor to be compared with.
    let (covered, entering) = (36.0 * 36.0 / f64::from(SIZE.0 * SIZE.1), 6.0 / f64::from(SIZE.0));
    let density = f64::from(objects.density);
    assert!(density > 0.6 * covered && density < 1.5 * (covered + entering), "{density} for {covered} + {entering}");
}

#[test]
fn noise_before_a_still_camera_is_static() {
    let still = Texture::noise(4).view(SIZE.0, SIZE.1, &Similarity::default());
    let noisy =
        |n: u64| Picture::from_fn(SIZE.0, SIZE.1, |x, y| still.get(x, y).map(|v| v.saturating_add(grain(x, y, n))));
    let results = run(&Film::painted(6, noisy), &MotionSettings::default());
    for (number, motion) in results.motions.iter().skip(1) {
        assert_eq!(motion.motion_type(), MotionType::Static, "frame {number}");
        assert_eq!(motion.camera.unwrap().label(), CameraLabel::Static, "frame {number}");
        assert_eq!((motion.compass(), motion.direction), (Compass::Unspecified, None));
    }
    assert_eq!(results.shots[0].1.camera(), CameraLabel::Static);
}

/// Grain of 0 to 7 grey levels, different in every frame.
fn grain(x: u32, y: u32, frame: u64) -> u8 {
    let mixed = (u64::from(x) << 32 | u64::from(y)).wrapping_add(frame << 17).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 61) as u8
}

#[test]
fn lengths_are_of_the_full_frame() {
    let proxy = shifted(4.0, 0.0);
    let mut large = shifted(4.0, 0.0);
    (large.item.width, large.item.height) = (SIZE.0 * 6, SIZE.1 * 6);
    let (small, large) = (motion_of(&proxy, &MotionSettings::default()), motion_of(&large, &MotionSettings::default()));
    let near = |a: f32, b: f32| (a - b).abs() < 1e-3 * b.abs();
    assert!(near(large.magnitude_mean.unwrap(), small.magnitude_mean.unwrap() * 6.0));
    assert!(near(large.camera.unwrap().dx, 24.0) || (large.camera.unwrap().dx - 24.0).abs() < 0.3);
    assert!(near(large.magnitude_percent.unwrap(), small.magnitude_percent.unwrap()));
    assert!((small.magnitude_percent.unwrap() - 1.25).abs() < 0.05);
    assert!((small.magnitude_px_per_second.unwrap() - 100.0).abs() < 4.0);
    assert_eq!(large.motion_type, small.motion_type);
}

#[test]
fn analysis_height_changes_work_and_hardly_the_answer() {
    let settings = MotionSettings { analysis_height: 90, ..MotionSettings::default() };
    let motion = motion_of(&shifted(0.0, 6.0), &settings);
    assert!((motion.magnitude_median.unwrap() - 6.0).abs() < 0.3, "{motion:?}");
}

#[test]
fn tiny_pictures_have_results_without_flow() {
    for (width, height) in [(2, 2), (1, 1), (1, 40), (300, 7)] {
        let footage = Film::painted(3, |n| Picture::filled(width, height, [n as u8 * 40; 3]));
        let results = run(&footage, &MotionSettings::default());
        assert_eq!((results.motions.len(), results.failed.len()), (3, 0), "{width}×{height}");
        assert!(!results.motions[&1].compared && results.motions[&1].change.unwrap().content.unwrap() > 10.0);
    }
    for (width, height) in [(16, 16), (17, 100), (33, 16), (640, 16)] {
        let footage = Film::painted(2, |n| Texture::noise(n).view(width, height, &Similarity::default()));
        for settings in methods() {
            let results = run(&footage, &settings);
            assert!(results.failed.is_empty(), "{width}×{height} {:?}: {:?}", settings.method, results.failed);
            assert!(results.motions[&1].compared, "{width}×{height}");
        }
    }
}

#[test]
fn black_frames_do_not_move() {
    let motion = motion_of(&Film::painted(2, |_| Picture::filled(SIZE.0, SIZE.1, [0; 3])), &MotionSettings::default());
    assert_eq!((motion.motion_type(), motion.magnitude_max), (MotionType::Static, Some(0.0)));
    assert_eq!((motion.camera, motion.confidence), (None, None));
}

#[test]
fn missing_neighbour_leaves_a_frame_uncompared() {
    let texture = Texture::noise(1);
    let mut footage = Film::painted(6, |n| texture.view(96, 64, &Similarity { x: n as f64, ..Similarity::default() }));
    footage.absent = vec![3];
    let results = run(&footage, &MotionSettings::default());
    let compared: Vec<(u64, bool)> = results.motions.iter().map(|(n, motion)| (*n, motion.compared)).collect();
    assert_eq!(compared, vec![(0, false), (1, true), (2, true), (4, false), (5, true)]);
    assert!(results.motions[&4].change.unwrap().luma > 0.0);
}

#[test]
fn stills_are_skipped() {
    let mut footage = shifted(1.0, 0.0);
    footage.item.kind = ItemKind::Stills.into();
    let results = run(&footage, &MotionSettings::default());
    assert_eq!(results.skipped, vec![(0, STILL.to_owned()), (1, STILL.to_owned())]);
    assert!(results.motions.is_empty() && results.shots.is_empty());
}

#[test]
fn flow_is_written_where_asked_for() {
    let texture = Texture::noise(2);
    let footage =
        Film::painted(7, |n| texture.view(160, 96, &Similarity { x: 3.0 * n as f64, ..Similarity::default() }));
    let settings = MotionSettings { flow_pictures_every: 3, flow_files: true, ..MotionSettings::default() };
    let results = run(&footage, &settings);
    let pictures: Vec<&String> = results.artifacts.keys().filter(|name| name.ends_with(".png")).collect();
    assert_eq!(pictures, ["flow_000003.png", "flow_000006.png"]);
    assert_eq!(results.artifacts.keys().filter(|name| name.ends_with(".flo")).count(), 6);
    let png = opencv::core::Vector::<u8>::from_slice(&results.artifacts["flow_000003.png"]);
    let picture = opencv::imgcodecs::imdecode(&png, opencv::imgcodecs::IMREAD_COLOR).unwrap();
    let mean = opencv::core::mean_def(&picture).unwrap();
    // To the right is red; OpenCV has blue first.
    assert!(mean[2] > 200.0 && mean[1] < 120.0 && mean[0] < 120.0, "{mean:?}");
    let quiet = run(&footage, &MotionSettings::default());
    assert!(quiet.artifacts.is_empty());
}

#[test]
fn covered_content_lowers_confidence() {
    let shift = motion_of(&shifted(3.0, 0.0), &MotionSettings::default());
    let other = motion_of(
        &Film::painted(2, |n| Texture::noise(n).view(SIZE.0, SIZE.1, &Similarity::default())),
        &MotionSettings::default(),
    );
    assert!(shift.confidence.unwrap() > 0.9, "{:?}", shift.confidence);
    assert!(other.confidence.unwrap() < 0.5, "{:?}", other.confidence);
}
