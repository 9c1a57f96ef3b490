//! Against scikit-learn's HDBSCAN (tools/parity/hdbscan.py), and what must hold of any points.
use super::{Clusters, Options, Selection, distance, hdbscan};
use ndarray::Array2;
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Case {
    points: Vec<Vec<f64>>,
    min_cluster_size: usize,
    min_samples: usize,
    epsilon: f64,
    selection: String,
    labels: Vec<i64>,
    probabilities: Vec<f32>,
}

const PLAIN: Options = Options {
    min_cluster_size: 2,
    min_samples: 1,
    max_distance: f64::INFINITY,
    epsilon: 0.0,
    selection: Selection::ExcessOfMass,
    allow_single: false,
};

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn matrix(rows: &[Vec<f32>]) -> Array2<f32> {
    let width = rows.first().map_or(0, Vec::len);
    Array2::from_shape_vec((rows.len(), width), rows.concat()).unwrap()
}

fn cluster(rows: &[Vec<f32>], options: &Options) -> Clusters {
    hdbscan(matrix(rows).view(), options)
}

#[test]
fn labels_and_probabilities_are_those_of_the_reference() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../tests/parity/hdbscan.json")).unwrap();
    assert_eq!(cases.len(), 6);
    for (number, case) in cases.iter().enumerate() {
        let rows: Vec<Vec<f32>> =
            case.points.iter().map(|row| row.iter().map(|value| *value as f32).collect()).collect();
        let selection = if case.selection == "leaf" { Selection::Leaf } else { Selection::ExcessOfMass };
        let (min_cluster_size, min_samples) = (case.min_cluster_size, case.min_samples);
        let options = Options { min_cluster_size, min_samples, epsilon: case.epsilon, selection, ..PLAIN };
        let found = cluster(&rows, &options);
        // Numbers of clusters mean nothing; which points are together does.
        let mut names: BTreeMap<i64, Option<u32>> = BTreeMap::from([(-1, None)]);
        for (point, (label, probability)) in case.labels.iter().zip(&case.probabilities).enumerate() {
            let name = *names.entry(*label).or_insert(found.labels[point]);
            assert_eq!(found.labels[point], name, "case {number}, point {point}");
            assert!((found.probabilities[point] - probability).abs() < 2e-3, "case {number}, point {point}");
        }
        let clusters = case.labels.iter().max().unwrap() + 1;
        assert_eq!(found.labels.iter().flatten().max().map_or(0, |max| i64::from(*max) + 1), clusters, "{number}");
    }
}

#[test]
fn the_tree_is_a_minimum_spanning_tree_of_mutual_reachability() {
    let mut random = fastrand::Rng::with_seed(9);
    let rows: Vec<Vec<f32>> = (0..300).map(|_| unit((0..7).map(|_| random.f32() - 0.5).collect())).collect();
    for samples in [1, 4] {
        let found = cluster(&rows, &Options { min_samples: samples, ..PLAIN });
        let between = |a: usize, b: usize| distance(f64::from(cosine(&rows[a], &rows[b])));
        let core: Vec<f64> = (0..rows.len())
            .map(|point| {
                let mut others: Vec<f64> =
                    (0..rows.len()).filter(|other| *other != point).map(|other| between(point, other)).collect();
                others.sort_by(f64::total_cmp);
                others[samples - 1]
            })
            .collect();
        // Kruskal over all pairs: another method, the same total.
        let mut pairs: Vec<(f64, usize, usize)> = (0..rows.len())
            .flat_map(|a| (0..a).map(move |b| (a, b)))
            .map(|(a, b)| (between(a, b).max(core[a]).max(core[b]), a, b))
            .collect();
        pairs.sort_by(|x, y| x.0.total_cmp(&y.0));
        let mut group: Vec<usize> = (0..rows.len()).collect();
        let mut total = 0.0;
        for (length, a, b) in pairs {
            let (from, to) = (group[a], group[b]);
            if from != to {
                total += length;
                group.iter_mut().filter(|of| **of == from).for_each(|of| *of = to);
            }
        }
        let ours: f64 = found.edges.iter().map(|edge| f64::from(edge.distance)).sum();
        assert!((ours - total).abs() < 1e-3, "{ours} {total}");
        assert_eq!(found.edges.len(), rows.len() - 1);
    }
}

#[test]
fn few_points_are_no_problem() {
    assert!(cluster(&[], &PLAIN).labels.is_empty());
    assert_eq!(cluster(&[vec![1.0, 0.0]], &PLAIN).labels, [None]);
    let alike = vec![vec![1.0, 0.0]; 2];
    assert_eq!(cluster(&alike, &PLAIN).labels, [None, None], "all there is is no cluster, unless allowed");
    let single = Options { allow_single: true, max_distance: distance(0.4), ..PLAIN };
    assert_eq!(cluster(&alike, &single).labels, [Some(0), Some(0)]);
    assert_eq!(cluster(&[vec![1.0, 0.0], vec![0.0, 1.0]], &single).labels, [None, None], "too far apart");
    let more = cluster(&[vec![1.0, 0.0], vec![1.0, 0.0], vec![0.0, 1.0]], &Options { min_samples: 9, ..single });
    assert_eq!(more.labels, [None; 3], "nobody has nine neighbours");
}

#[test]
fn a_cluster_that_comes_apart_below_epsilon_stays_whole() {
    let at = |degrees: f32| vec![degrees.to_radians().cos(), degrees.to_radians().sin()];
    let rows: Vec<Vec<f32>> = [0.0, 1.0, 2.0, 20.0, 21.0, 22.0, 120.0, 121.0, 122.0].map(at).to_vec();
    let single = Options { allow_single: true, max_distance: distance(0.4), ..PLAIN };
    let apart = cluster(&rows, &single).labels;
    assert_ne!(apart[0], apart[3]);
    let whole = cluster(&rows, &Options { epsilon: distance(0.55), ..single }).labels;
    assert_eq!(whole, [0, 0, 0, 0, 0, 0, 1, 1, 1].map(Some));
}

fn unit(row: Vec<f32>) -> Vec<f32> {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
    row.into_iter().map(|value| value / length).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_order_of_points_does_not_matter(
        rows in proptest::collection::vec(proptest::collection::vec(-1.0f32..1.0, 4), 0..40), seed in 0u64..1000,
    ) {
        let rows: Vec<Vec<f32>> = rows.into_iter().map(unit).collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        let options = Options { allow_single: true, max_distance: distance(0.2), epsilon: distance(0.5), ..PLAIN };
        let found = cluster(&rows, &options).labels;
        let shuffled: Vec<Vec<f32>> = order.iter().map(|&index| rows[index].clone()).collect();
        let again = cluster(&shuffled, &options).labels;
        for (a, &first) in order.iter().enumerate() {
            prop_assert_eq!(found[first].is_some(), again[a].is_some());
            for (b, &second) in order.iter().enumerate() {
                prop_assert_eq!(found[first] == found[second], again[a] == again[b]);
            }
        }
    }
}
