//! Categories by words: which classes of ImageNet belong to which of the user's categories.
use crate::categories::Categories;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Classes of ImageNet.
pub const CLASSES: usize = 1000;

/// The classes in the order of models, each with what it is a kind of.
const TABLE: &str = include_str!("../data/imagenet.tsv");
/// Word groups by name.
const GROUPS: &str = include_str!("../data/groups.tsv");

/// For every class all that it is called, nearest first: its own names, then what it is a kind of.
static CALLED: LazyLock<Vec<Vec<&str>>> =
    LazyLock::new(|| lines(TABLE).map(|(own, kinds)| words(own).chain(words(kinds)).collect()).collect());

/// The words of groups, by name.
static GROUP: LazyLock<HashMap<&str, Vec<&str>>> =
    LazyLock::new(|| lines(GROUPS).map(|(name, list)| (name, words(list).collect())).collect());

/// Both columns of every line that is no comment.
fn lines(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').unwrap_or((line, "")))
}

fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(", ").filter(|word| !word.is_empty())
}

/// Which category every class belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    names: Vec<String>,
    /// By class.
    category: Vec<Option<usize>>,
}

/// Words that mean nothing here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// No class is called so.
    #[error("no class of ImageNet is called \"{0}\" or is a kind of it: give the category words, {{{1:?} = [\"…\"]}}")]
    Unknown(String, String),
    /// A category without words.
    #[error("\"{0}\" has no words")]
    Empty(String),
}

impl Words {
    /// Finds the classes of categories. A class that several words name belongs to the category of the most specific one: what a class is
    /// called itself comes before what it is a kind of, and that in the order of WordNet's hierarchy; of equal ones the first category.
    ///
    /// # Errors
    /// A word that no class has, and a category without words.
    pub fn of(categories: &Categories) -> Result<Self, WordsError> {
        let mut nearest: Vec<Option<(usize, usize)>> = vec![None; CLASSES];
        let entries = categories.entries();
        for (at, (name, own)) in entries.iter().enumerate() {
            let words: Vec<String> = match own {
                Some(own) => own.iter().map(|word| word.to_lowercase()).collect(),
                None => {
                    let lower = name.to_lowercase();
                    let group = GROUP.get(lower.as_str());
                    group.map_or_else(
                        || vec![lower.clone()],
                        |group| group.iter().map(|word| (*word).to_owned()).collect(),
                    )
                }
            };
            if words.is_empty() {
                return Err(WordsError::Empty((*name).to_owned()));
            }
            for word in words {
                let found = classes_of(&word);
                if found.is_empty() {
                    return Err(WordsError::Unknown(word, (*name).to_owned()));
                }
                for (class, distance) in found {
                    let held = &mut nearest[class];
                    if held.is_none_or(|(before, _)| distance < before) {
                        *held = Some((distance, at));
                    }
                }
            }
        }
        let names = entries.iter().map(|(name, _)| (*name).to_owned()).collect();
        Ok(Self { names, category: nearest.into_iter().map(|held| held.map(|(_, at)| at)).collect() })
    }

    /// Names of the categories.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Probabilities of the categories by the log-probabilities of the classes: sums of those of their classes. What is left to 1 is none
    /// of them. Above 1 a temperature makes them less sure.
    pub fn probabilities(&self, classes: &[f32], temperature: f64) -> Vec<f64> {
        let logits = || classes.iter().map(|value| f64::from(*value) / temperature);
        let highest = logits().fold(f64::NEG_INFINITY, f64::max);
        let (mut sums, mut all) = (vec![0.0; self.names.len()], 0.0);
        for (logit, category) in logits().zip(&self.category) {
            let weight = (logit - highest).exp();
            all += weight;
            if let Some(at) = category {
                sums[*at] += weight;
            }
        }
        sums.iter().map(|sum| sum / all).collect()
    }
}

/// The classes of a word with how far up it lies in what they are called: those that are called so or are a kind of it; only where there are
/// none, those of which a name ends with it ("phone": "cellular phone").
fn classes_of(word: &str) -> Vec<(usize, usize)> {
    let by = |fits: &dyn Fn(&str) -> bool| -> Vec<(usize, usize)> {
        let place = |(class, called): (usize, &Vec<&str>)| Some((class, called.iter().position(|name| fits(name))?));
        CALLED.iter().enumerate().filter_map(place).collect()
    };
    let exact = by(&|name| name.eq_ignore_ascii_case(word));
    if !exact.is_empty() {
        return exact;
    }
    let ending = format!(" {word}");
    by(&|name| name.to_lowercase().ends_with(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Words {
        Words::of(&Categories::Names(names.iter().map(|name| (*name).to_owned()).collect())).unwrap()
    }

    fn category(words: &Words, class: usize) -> Option<&str> {
        words.category[class].map(|at| words.names[at].as_str())
    }

    #[test]
    fn the_table_has_the_classes_in_the_order_of_models() {
        assert_eq!(CALLED.len(), CLASSES);
        for (class, name) in [
            (0, "tench"),
            (207, "golden retriever"),
            (281, "tabby"),
            (671, "mountain bike"),
            (805, "soccer ball"),
            (999, "toilet tissue"),
        ] {
            assert_eq!(CALLED[class][0], name);
        }
    }

    #[test]
    fn every_word_of_every_group_names_a_class() {
        for (name, words) in GROUP.iter() {
            assert!(!words.is_empty(), "{name}");
            for word in words {
                assert!(!classes_of(word).is_empty(), "{name}: {word}");
            }
        }
    }

    #[test]
    fn the_most_specific_word_counts() {
        let words = named(&["object", "vehicle", "bicycle", "dog"]);
        // A mountain bike is a bicycle before it is a vehicle, and that before it is an object; a hot dog is food, and no dog.
        let expected = [
            (671, Some("bicycle")),
            (817, Some("vehicle")),
            (620, Some("object")),
            (207, Some("dog")),
            (934, Some("object")),
            (281, None),
        ];
        for (class, expected) in expected {
            assert_eq!(category(&words, class), expected, "{:?}", CALLED[class]);
        }
        assert_eq!(category(&named(&["phone"]), 487), Some("phone"), "a cellular phone");
    }

    #[test]
    fn the_eight_categories_share_nearly_all_classes() {
        let words = Words::of(&crate::CategorizerSettings::default().categories).unwrap();
        for (class, expected) in [
            (207, "character"),
            (983, "human person"),
            (817, "vehicle"),
            (559, "furniture"),
            (837, "accessory"),
            (805, "prop"),
            (970, "background"),
        ] {
            assert_eq!(category(&words, class), Some(expected), "{:?}", CALLED[class]);
        }
        let without = words.category.iter().filter(|category| category.is_none()).count();
        assert!(without < 20, "{without} classes are of no category");
    }

    #[test]
    fn probabilities_are_sums_and_the_rest_is_none_of_them() {
        let words = named(&["dog", "cat"]);
        let mut classes = vec![f32::NEG_INFINITY; CLASSES];
        for (class, share) in [(207, 0.3_f32), (208, 0.3), (281, 0.3), (817, 0.1)] {
            classes[class] = share.ln();
        }
        let found = words.probabilities(&classes, 1.0);
        assert!((found[0] - 0.6).abs() < 1e-6 && (found[1] - 0.3).abs() < 1e-6, "{found:?}");
        let warm = words.probabilities(&classes, 100.0);
        assert!((warm[0] - 0.5).abs() < 0.01 && (warm[1] - 0.25).abs() < 0.01, "{warm:?}");
    }
}
