//! Micro-batches of one and of eight: what the stage makes of them differs by rounding alone (docs/quality.md).
use crate::harness::{Results, fitted, photograph, run, video};
use face_clustering::FaceClusteringSettings;
use opencv::core::Mat;

/// Pixels, and shares of a vector's length, by which answers may differ.
const BOUND: f32 = 0.01;
const VECTOR_BOUND: f32 = 1e-4;

fn in_batches(items: u32) -> Results {
    // Groups and portraits: sure faces and unsure ones, several a frame.
    let pictures = ["sample3.jpg", "sample5.jpg", "biden.jpg", "obama.jpg"].map(|name| fitted(&photograph(name), 640));
    let film = |(picture, name): (&Mat, &str)| video(name, vec![picture.clone(); 3]);
    let films: Vec<_> = pictures.iter().zip(["a.mp4", "b.mp4", "c.mp4", "d.mp4"]).map(film).collect();
    run(&FaceClusteringSettings { micro_batch: Some(items), ..FaceClusteringSettings::default() }, &films)
}

#[test]
fn faces_in_micro_batches_are_those_of_one_at_a_time() {
    let (alone, together) = (in_batches(1), in_batches(8));
    assert_eq!(alone.faces.keys().collect::<Vec<_>>(), together.faces.keys().collect::<Vec<_>>());
    let (mut pixels, mut vectors, mut count) = (0.0_f32, 0.0_f32, 0);
    for (place, faces) in &alone.faces {
        let others = &together.faces[place];
        assert_eq!(faces.len(), others.len(), "{place:?}");
        for (face, other) in faces.iter().zip(others) {
            count += 1;
            let places = face.r#box.iter().chain(&face.landmarks).zip(other.r#box.iter().chain(&other.landmarks));
            pixels = places.map(|(a, b)| (a - b).abs()).fold(pixels, f32::max);
            let square: f32 = face.embedding.iter().zip(&other.embedding).map(|(a, b)| (a - b).powi(2)).sum();
            vectors = vectors.max(square.sqrt());
        }
    }
    println!("faces: {count}, boxes and landmarks {pixels:.1e} px, embeddings {vectors:.1e} of their length apart");
    assert!(count >= 12 && pixels <= BOUND && vectors <= VECTOR_BOUND, "{count} {pixels} {vectors}");
    let who = |results: &Results| results.amended.clone();
    assert_eq!(who(&alone), who(&together));
}
