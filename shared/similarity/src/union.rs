//! Sets that are joined (union by the lower number, paths halved).

pub struct Union {
    parents: Vec<u32>,
}

impl Union {
    /// Every number below `count` is a set of its own.
    pub fn new(count: usize) -> Self {
        Self { parents: (0..count as u32).collect() }
    }

    /// The lowest number of the set.
    pub fn find(&mut self, of: usize) -> usize {
        let mut at = of;
        while self.parents[at] as usize != at {
            self.parents[at] = self.parents[self.parents[at] as usize];
            at = self.parents[at] as usize;
        }
        at
    }

    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b)] = a.min(b) as u32;
    }
}
