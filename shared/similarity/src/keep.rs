//! Which of a group stays.
use std::cmp::Ordering;

/// The rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// The one with most pixels, of those the sharpest, of those the first.
    #[default]
    Largest,
    /// The sharpest, of equals the first.
    Sharpest,
    /// The first.
    First,
}

/// What the rule judges by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Width times height of the original.
    pub pixels: u64,
    /// Any measure that grows with sharpness.
    pub sharpness: f32,
}

/// The member that stays; `None` of none.
pub fn kept(members: &[u32], rule: Keep, quality: impl Fn(u32) -> Quality) -> Option<u32> {
    let better = |a: u32, b: u32| {
        let (first, second) = (quality(a), quality(b));
        let size = first.pixels.cmp(&second.pixels);
        let sharpness = first.sharpness.total_cmp(&second.sharpness);
        let by_rule = match rule {
            Keep::Largest => size.then(sharpness),
            Keep::Sharpest => sharpness,
            Keep::First => Ordering::Equal,
        };
        by_rule.then(b.cmp(&a))
    };
    members.iter().copied().max_by(|a, b| better(*a, *b))
}
