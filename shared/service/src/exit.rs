//! How a process ends, as a number that scripts can rely on.
use std::process::ExitCode;

/// The exit codes of every Framefleet program. From 64 on they are those of BSD's sysexits, 130 is a shell's for Ctrl-C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// It failed; also an output that cannot be written or is someone else's.
    Failed = 1,
    /// It was done, but for the failures that are listed.
    Partial = 3,
    /// Wrong arguments or source.
    Usage = 64,
    /// A device failed for good; what it had to do is handed back.
    DeviceLost = 69,
    /// A bug.
    Bug = 70,
    /// The bus cannot be reached.
    BusUnreachable = 75,
    /// Wrong pipeline, plan or configuration.
    Configuration = 78,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_numbers_are_those_of_the_contract() {
        let all = [
            (Exit::Done, 0),
            (Exit::Failed, 1),
            (Exit::Partial, 3),
            (Exit::Usage, 64),
            (Exit::DeviceLost, 69),
            (Exit::Bug, 70),
            (Exit::BusUnreachable, 75),
            (Exit::Configuration, 78),
            (Exit::Interrupted, 130),
        ];
        for (exit, code) in all {
            assert_eq!(exit.code(), code);
        }
    }
}
