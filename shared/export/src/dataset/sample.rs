//! What a layout is handed of a frame, and what it does with it.
use crate::ExportError;
use crate::exported::Written;
use framefleet_frames::Item;
use framefleet_objects::{Object, ObjectFrame};
use framefleet_selection::ChosenFrame;

/// Writes frames in a layout: for each item `begin`, its frames in ascending order, `end`; then `finish`.
pub(crate) trait Dataset {
    /// The frames that follow are of this item.
    fn begin(&mut self, _item: &Item) -> Result<(), ExportError> {
        Ok(())
    }

    /// A frame that has a result, perhaps of nothing.
    fn frame(&mut self, sample: &Sample<'_>) -> Result<(), ExportError>;

    /// The item has no more frames.
    fn end(&mut self, _item: &Item) -> Result<(), ExportError> {
        Ok(())
    }

    /// Completes what was written.
    fn finish(self: Box<Self>) -> Result<Written, ExportError>;
}

/// A frame on its way into a data set.
pub(crate) struct Sample<'a> {
    pub frame: &'a ObjectFrame<'a>,
    /// A path that no other frame of the output has: the item's folder and the frame's stem, without an extension.
    pub name: &'a str,
    /// The part of the data set that it is in.
    pub split: &'a str,
    /// What a selection chose of it; `None` without one.
    pub chosen: Option<&'a ChosenFrame>,
}

impl Sample<'_> {
    /// Its objects that were chosen, all of them without a selection.
    pub fn chosen_objects(&self) -> impl Iterator<Item = &Object> {
        let is_chosen = |object: &&Object| {
            self.chosen.is_none_or(|chosen| {
                let same = |of: &framefleet_selection::ChosenObject| {
                    *of.step == *object.step && of.kind == object.kind && of.instance == object.instance
                };
                chosen.objects.iter().any(same)
            })
        };
        self.frame.objects.iter().filter(is_chosen)
    }
}
