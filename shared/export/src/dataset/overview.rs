//! What a layout has to know before it begins.

/// What a survey of all objects found.
pub(super) struct Overview {
    /// Labels: persons, faces, objects, then others by name; those that something has.
    pub labels: Vec<String>,
    /// The steps that are read.
    pub steps: Vec<String>,
}
