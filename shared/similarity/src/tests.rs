//! With known truth.
use super::*;
use proptest::prelude::*;

fn unit(row: Vec<f32>) -> Vec<f32> {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    row.into_iter().map(|value| value / length).collect()
}

fn random(count: usize, dimension: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| unit((0..dimension).map(|_| random.f32() - 0.5).collect())).collect()
}

/// A vector whose cosine with a unit vector is about this.
fn near(of: &[f32], cosine: f32, seed: u64) -> Vec<f32> {
    let other = &random(1, of.len(), seed + 1_000_000)[0];
    let along: f32 = of.iter().zip(other).map(|(a, b)| a * b).sum();
    let across = unit(other.iter().zip(of).map(|(value, of)| value - along * of).collect());
    let sine = (1.0 - cosine * cosine).sqrt();
    of.iter().zip(across).map(|(of, across)| cosine * of + sine * across).collect()
}

fn vectors(rows: &[Vec<f32>]) -> Vectors {
    let mut vectors = Vectors::new(rows[0].len());
    rows.iter().for_each(|row| vectors.push(row).unwrap());
    vectors
}

fn never(_: usize, _: usize) -> Result<bool, SimilarityError> {
    Ok(false)
}

fn alike(vectors: &Vectors, threshold: f32) -> Vec<Vec<u32>> {
    let found = groups(vectors, &Options { threshold }, |_| false, never).unwrap();
    found.groups.into_iter().map(|group| group.members).collect()
}

#[test]
fn pages_are_the_sorted_whole() {
    let mut rows = random(3000, 40, 1);
    rows[2500] = rows[7].clone();
    let vectors = vectors(&rows);
    let query: Vec<f32> = rows[7].iter().map(|value| value * 3.0).collect();
    let mut all: Vec<(f32, u32)> =
        (0..3000).map(|row| (dot_of(&unit(query.clone()), &vectors.get(row)), row as u32)).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = top(&vectors, &query, 700, after).unwrap();
        after = page.last().copied();
        if page.is_empty() {
            break;
        }
        pages.extend(page);
    }
    assert_eq!(pages.iter().map(|hit| hit.row).collect::<Vec<_>>(), all.iter().map(|of| of.1).collect::<Vec<_>>());
    assert_eq!((pages[0].row, pages[1].row), (7, 2500), "equal scores in the order of rows");
    assert!((pages[0].score - 1.0).abs() < 1e-3 && pages[0].score == pages[1].score);
    assert!(top(&vectors, &query, 0, None).unwrap().is_empty());
}

fn dot_of(a: &[f32], b: &[f32]) -> f32 {
    crate::vectors::dot(a, b)
}

#[test]
fn vectors_of_other_models_are_refused() {
    let mut vectors = Vectors::new(3);
    let error = vectors.push(&[1.0, 0.0]).unwrap_err().to_string();
    assert_eq!(error, "a vector of 2 values, but 3 are expected: it comes from another model");
    assert!(matches!(vectors.push(&[1.0, 1.0, 1.0]), Err(SimilarityError::Length(_))));
    assert!(matches!(vectors.push(&[f32::NAN, 1.0, 1.0]), Err(SimilarityError::Length(_))));
    assert!(matches!(vectors.push_bytes(&[0, 0, 0]), Err(SimilarityError::Dimension { .. })));
    assert!(vectors.is_empty());
    vectors.push_bytes(&[0, 0, 0, 0x3c, 0, 0]).unwrap();
    assert_eq!((vectors.len(), vectors.get(0)), (1, vec![0.0, 1.0, 0.0]));
    assert!(matches!(top(&vectors, &[1.0], 1, None), Err(SimilarityError::Dimension { .. })));
    assert!(matches!(top(&vectors, &[0.0; 3], 1, None), Err(SimilarityError::Length(_))));
    let refused = groups(&vectors, &Options { threshold: 0.0 }, |_| false, never);
    assert!(matches!(refused, Err(SimilarityError::Threshold(_))));
}

#[test]
fn all_alike_pairs_are_found_and_no_others() {
    // More values than directions are kept, several blocks, pairs on both sides of the threshold.
    let mut rows = random(700, 96, 2);
    for (number, cosine) in [0.99, 0.93, 0.91, 0.89, 0.87, 0.95].into_iter().enumerate() {
        let of = number * 50;
        rows[of + 400] = near(&rows[of], cosine, number as u64 + 100);
    }
    let vectors = vectors(&rows);
    let mut expected = Vec::new();
    for a in 0..rows.len() {
        for b in a + 1..rows.len() {
            if vectors.cosine(a, b) >= 0.9 {
                expected.push(vec![a as u32, b as u32]);
            }
        }
    }
    assert_eq!(expected.len(), 4);
    assert_eq!(alike(&vectors, 0.9), expected);
}

#[test]
fn groups_are_joined_by_chains_and_do_not_depend_on_threads() {
    let mut rows = random(300, 80, 3);
    rows[100] = near(&rows[5], 0.92, 1);
    rows[200] = near(&rows[100], 0.92, 2);
    let vectors = vectors(&rows);
    assert_eq!(alike(&vectors, 0.9), [[5, 100, 200]]);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let options = Options { threshold: 0.3 };
    let verify = |a: usize, b: usize| Ok::<_, SimilarityError>((a + b).is_multiple_of(3));
    let many = groups(&vectors, &options, |_| false, verify).unwrap();
    assert_eq!(one.install(|| groups(&vectors, &options, |_| false, verify).unwrap()), many);
    assert!(many.groups.len() > 2, "or it shows nothing");
}

#[test]
fn runs_count_as_one_and_their_members_are_found() {
    let scene = random(1, 64, 4).remove(0);
    // A shot whose frames drift within .99, something else, and a copy of a frame at its far end.
    let mut rows: Vec<Vec<f32>> = (0..10).map(|i| near(&scene, 1.0 - 0.001 * i as f32, 9)).collect();
    rows.extend(random(20, 64, 5));
    rows.push(rows[9].clone());
    let vectors = vectors(&rows);
    let asked = std::sync::Mutex::new(Vec::new());
    let verify = |a: usize, b: usize| {
        asked.lock().unwrap().push((a, b));
        Ok::<_, SimilarityError>((a, b) == (9, 30))
    };
    let found = groups(&vectors, &Options { threshold: 0.995 }, |row| row < 10, verify).unwrap();
    assert_eq!(*asked.lock().unwrap(), [(9, 30)], "frames of a run are not verified with each other");
    let summary: Vec<(Tier, Vec<u32>)> = found.groups.iter().map(|group| (group.tier, group.members.clone())).collect();
    let run: Vec<u32> = (0..10).chain([30]).collect();
    assert_eq!(summary, [(Tier::Alike, run), (Tier::Same, vec![9, 30])]);
    assert_eq!((found.groups[0].pairs.len(), found.groups[1].pairs.len()), (10, 1));
}

#[test]
fn what_is_bounded_is_counted() {
    let scene = random(1, 64, 7).remove(0);
    let rows: Vec<Vec<f32>> = (0..100).map(|i| near(&scene, 0.99, i)).collect();
    let found = groups(&vectors(&rows), &Options { threshold: 0.9 }, |_| false, never).unwrap();
    assert_eq!(found.groups.len(), 1);
    assert_eq!(found.groups[0].members.len(), 100, "pairs beyond the bound still join");
    let listed = found.groups[0].pairs.len() as u64;
    assert_eq!((listed + found.left_out, found.left_out), (100 * 99 / 2, (35 * 36) / 2));
    assert!(found.untried > 0 && found.untried < listed);
}

#[test]
fn a_failing_proof_ends_it() {
    let row = random(1, 32, 8).remove(0);
    let vectors = vectors(&[row.clone(), row]);
    let refuse = |_: usize, _: usize| Err(SimilarityError::TooMany);
    let found = groups(&vectors, &Options { threshold: 0.9 }, |_| false, refuse);
    assert!(matches!(found, Err(SimilarityError::TooMany)));
}

#[test]
fn what_is_kept_follows_the_rule() {
    let of = |pixels: u64, sharpness: f32| Quality { pixels, sharpness };
    let qualities = [of(100, 0.9), of(400, 0.2), of(400, 0.5), of(400, 0.5), of(50, 1.0)];
    let keeps = |rule| kept(&[0, 1, 2, 3, 4], rule, |row| qualities[row as usize]);
    assert_eq!([Keep::Largest, Keep::Sharpest, Keep::First].map(keeps), [Some(2), Some(4), Some(0)]);
    assert_eq!(kept(&[], Keep::Largest, |_| of(0, 0.0)), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn groups_are_the_components_of_the_alike_pairs(seed in 0u64..10_000, threshold in 0.2f32..0.9) {
        let rows = random(60, 70, seed);
        let mut rows = rows;
        for i in 0..20 {
            rows[i + 20] = near(&rows[i], 0.5 + 0.02 * i as f32, seed + i as u64);
        }
        let vectors = vectors(&rows);
        let is_alike: Vec<bool> = (0..3600).map(|at| vectors.cosine(at / 60, at % 60) >= threshold).collect();
        // By labels that spread until nothing changes: another method.
        let mut label: Vec<usize> = (0..60).collect();
        for _ in 0..60 {
            for a in 0..60 {
                for b in 0..60 {
                    if is_alike[a * 60 + b] && label[b] < label[a] {
                        label[a] = label[b];
                    }
                }
            }
        }
        let expected: Vec<Vec<u32>> = (0..60)
            .map(|of| (0..60u32).filter(|row| label[*row as usize] == of).collect::<Vec<_>>())
            .filter(|members| members.len() > 1)
            .collect();
        prop_assert_eq!(alike(&vectors, threshold), expected);
    }
}
