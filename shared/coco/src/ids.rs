//! Numbers that stay: they follow from what a thing is, never from where it comes in the file (ADR 21).
use std::collections::{HashMap, HashSet};

/// Bits of an id: the whole numbers that doubles hold, which is what JSON and pycocotools have.
const BITS: u32 = 53;
/// Categories with numbers of their own.
pub(crate) const FIXED: [(&str, u64); 3] = [("person", 1), ("face", 2), ("object", 3)];
/// Other categories have numbers from here on, below `CATEGORIES_END`: tools make lists as long as the highest.
const CATEGORIES: u64 = 10;
const CATEGORIES_END: u64 = 10_000;

/// Ids of one list (images, or annotations): digests of what is numbered, no two alike.
#[derive(Default)]
pub(crate) struct Ids {
    used: HashSet<u64>,
}

impl Ids {
    /// The id of what these parts name. Two names whose digests meet have the second one's taken again, with a count.
    pub fn of(&mut self, parts: &[&str]) -> u64 {
        let mut attempt = 0_u64;
        loop {
            let id = digest(parts, attempt) >> (u64::BITS - BITS);
            // 0 is no id for some readers.
            if id > 0 && self.used.insert(id) {
                return id;
            }
            attempt += 1;
        }
    }
}

/// Categories by name: fixed numbers, else a digest of the name.
pub(crate) struct Categories {
    numbers: HashMap<String, u64>,
}

impl Default for Categories {
    fn default() -> Self {
        Self { numbers: FIXED.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect() }
    }
}

impl Categories {
    /// The number of a category.
    pub fn of(&mut self, name: &str) -> u64 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let used: HashSet<u64> = self.numbers.values().copied().collect();
        let first = digest(&[name], 0) % (CATEGORIES_END - CATEGORIES);
        let numbers =
            (0..CATEGORIES_END - CATEGORIES).map(|step| CATEGORIES + (first + step) % (CATEGORIES_END - CATEGORIES));
        // With more names than numbers, further ones go on behind.
        let number =
            numbers.into_iter().find(|number| !used.contains(number)).unwrap_or(CATEGORIES_END + used.len() as u64);
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// All of them, by number.
    pub fn sorted(&self) -> Vec<(&str, u64)> {
        let mut all: Vec<(&str, u64)> = self.numbers.iter().map(|(name, number)| (name.as_str(), *number)).collect();
        all.sort_by_key(|(_, number)| *number);
        all
    }
}

/// The first eight bytes of a digest of these parts.
fn digest(parts: &[&str], attempt: u64) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    if attempt > 0 {
        hasher.update(&attempt.to_le_bytes());
    }
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_names_and_fit_into_doubles() {
        let (mut ids, mut others) = (Ids::default(), Ids::default());
        let all: Vec<u64> = (0..1000).map(|frame| ids.of(&["walk.mp4", &frame.to_string()])).collect();
        others.of(&["a film in front", "0"]);
        let again: Vec<u64> = (0..1000).map(|frame| others.of(&["walk.mp4", &frame.to_string()])).collect();
        assert_eq!(all, again);
        assert!(all.iter().all(|id| *id > 0 && *id < 1 << BITS && (*id as f64) as u64 == *id));
    }

    #[test]
    fn ids_that_meet_stay_different() {
        let mut ids = Ids::default();
        assert_ne!(ids.of(&["a"]), ids.of(&["a"]));
        assert_ne!(digest(&["ab", "c"], 0), digest(&["a", "bc"], 0));
    }

    #[test]
    fn categories_have_numbers_that_stay() {
        let mut categories = Categories::default();
        assert_eq!(["person", "face", "object"].map(|name| categories.of(name)), [1, 2, 3]);
        let dog = categories.of("dog");
        let mut later = Categories::default();
        later.of("cat");
        assert_eq!((later.of("dog"), later.of("person")), (dog, 1));
        assert!((CATEGORIES..CATEGORIES_END).contains(&dog));
    }
}
