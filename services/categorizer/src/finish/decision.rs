//! Whether a category is sure.

/// The likeliest category, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// The likeliest category; of equal ones the first.
    pub raw: usize,
    /// The next likeliest; `None` where there is one category.
    pub runner_up: Option<usize>,
    /// Probability of the likeliest.
    pub p1: f64,
    /// Probability of the next; 0 where there is none.
    pub p2: f64,
    /// Whether the likeliest is as likely as the threshold, and ahead by the margin.
    pub is_confident: bool,
}

impl Decision {
    /// By probabilities of categories; `None` without any.
    pub fn of(probabilities: &[f64], threshold: f64, margin: f64) -> Option<Self> {
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]).then(a.cmp(b)));
        let (raw, runner_up) = (*order.first()?, order.get(1).copied());
        let (p1, p2) = (probabilities[raw], runner_up.map_or(0.0, |at| probabilities[at]));
        Some(Self { raw, runner_up, p1, p2, is_confident: p1 >= threshold && p1 - p2 >= margin })
    }
}

/// The mean of lists of equal length; `None` of no list.
pub fn mean<'a>(lists: impl ExactSizeIterator<Item = &'a [f64]>) -> Option<Vec<f64>> {
    let count = lists.len() as f64;
    let mut sum: Option<Vec<f64>> = None;
    for list in lists {
        match &mut sum {
            None => sum = Some(list.to_vec()),
            Some(sum) => sum.iter_mut().zip(list).for_each(|(sum, value)| *sum += value),
        }
    }
    sum.map(|sum| sum.into_iter().map(|value| value / count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_is_what_reaches_the_threshold_and_is_ahead_by_the_margin() {
        let sure = |probabilities: &[f64]| Decision::of(probabilities, 0.7, 0.1).unwrap().is_confident;
        assert!(sure(&[0.1, 0.7, 0.2]) && !sure(&[0.69, 0.0]));
        // Of a model that judges each category by itself, two may be likely.
        assert!(!sure(&[0.9, 0.85]) && sure(&[0.9, 0.75]));
        let found = Decision::of(&[0.1, 0.45, 0.45], 0.7, 0.1).unwrap();
        assert_eq!((found.raw, found.runner_up, found.p1, found.p2), (1, Some(2), 0.45, 0.45));
        let alone = Decision::of(&[0.8], 0.7, 0.1).unwrap();
        assert_eq!((alone.runner_up, alone.p2, alone.is_confident), (None, 0.0, true));
        assert_eq!(Decision::of(&[], 0.7, 0.1), None);
    }

    #[test]
    fn the_mean_is_that_of_each_place() {
        let lists: [&[f64]; 2] = [&[1.0, 0.0], &[0.5, 0.25]];
        assert_eq!(mean(lists.into_iter()), Some(vec![0.75, 0.125]));
        assert_eq!(mean([].into_iter()), None);
    }
}
