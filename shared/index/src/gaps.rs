//! Pictures that are missing within a file: where damage was met, and times go on later than they should. Times alone say nothing, since a
//! pause is as good as a gap.

/// Packets around damage within which a gap is its doing: frames are presented that many packets after they are read at most.
const NEAR: u64 = 40;

/// Gaps that are reported one by one.
const LISTED: usize = 10;

/// Follows packets as they are read, and frames as they are shown.
pub(super) struct Gaps {
    /// Nanoseconds from frame to frame where packets do not say.
    step: i64,
    /// Number of the packet at which damage was met last, and what it was.
    damage: Option<(u64, String)>,
    /// End of the last frame.
    end_ns: Option<i64>,
    found: Vec<String>,
    more: u64,
}

impl Gaps {
    /// `step`: nanoseconds from frame to frame where packets do not say.
    pub(super) fn new(step: i64) -> Self {
        Self { step, damage: None, end_ns: None, found: Vec::new(), more: 0 }
    }

    /// Notes a packet; `reported`: the damage for which pictures are missing before it.
    pub(super) fn packet(&mut self, number: u64, reported: Option<&str>) {
        if let Some(reported) = reported {
            self.damage = Some((number, reported.to_owned()));
        }
    }

    /// Notes a frame.
    pub(super) fn frame(&mut self, packet: u64, ns: i64, duration_ns: i64) {
        let step = if duration_ns > 0 { duration_ns } else { self.step };
        let expected = self.end_ns.replace(ns.saturating_add(step));
        let near = self.damage.as_ref().filter(|(at, _)| at.abs_diff(packet) <= NEAR);
        let (Some(expected), Some((_, reason))) = (expected, near) else { return };
        let missing = ns.saturating_sub(expected);
        if missing <= step / 2 {
            return;
        }
        if self.found.len() == LISTED {
            self.more += 1;
            return;
        }
        let seconds = |ns: i64| ns as f64 / 1e9;
        let frames = (missing as f64 / step.max(1) as f64).round();
        let (from, to) = (seconds(expected), seconds(ns));
        self.found.push(format!("{frames} frames between {from:.2} s and {to:.2} s are missing: {reason}"));
    }

    /// What is missing, in words.
    pub(super) fn into_problem(mut self) -> Option<String> {
        if self.more > 0 {
            self.found.push(format!("and {} more gaps", self.more));
        }
        (!self.found.is_empty()).then(|| self.found.join("; "))
    }
}
