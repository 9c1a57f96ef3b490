//! Proving that an output is whole: every frame has one outcome, every part its digest.
mod artifacts;
mod outcomes;
mod parts;
mod read_back;
mod rows;

use crate::RecordsError;
use framefleet_coco as coco;
use framefleet_ledger::{Ledger, LedgerError, Output, layout, step_name};
use framefleet_proto::v1::CompletedStep;

/// Problems that are named in words; more of them are counted only.
const NAMED: usize = 200;

/// What `verify` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Digest of the whole, hex: of rows, summaries, artifacts and coco.json. The same however and how often it was
    /// computed, wherever it lies and however entries are stored. Means nothing when there are problems.
    pub digest: String,
    /// What is wrong, in words; empty when the output is whole.
    pub problems: Vec<String>,
    /// Problems in all: `problems` names the first 200.
    pub problem_count: u64,
    /// Frames of every step.
    pub steps: Vec<StepCounts>,
    /// Files and annotation blocks whose digest was checked, and their bytes.
    pub parts: u64,
    /// Bytes of these parts.
    pub bytes: u64,
}

/// The frames of a step by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepCounts {
    /// The step.
    pub step: String,
    /// Whether every task of its job is in it.
    pub complete: bool,
    /// Frames with a result.
    pub result: u64,
    /// Frames that failed.
    pub failed: u64,
    /// Frames that a rule left out.
    pub skipped: u64,
}

/// Checks an output: tasks of every complete step tile their items, every frame has exactly one outcome, every part and
/// every file of a step is there with its digest. `deep` also compares every record line with the ledger, and the number of
/// rows in Parquet. Reads everything; memory stays bounded. An error means that it could not be checked, not that it
/// is damaged.
pub async fn verify(output: &Output, deep: bool) -> Result<VerifyReport, RecordsError> {
    let ledger = Ledger::read(output.clone()).await?;
    let mut steps = ledger.completed_steps().await?;
    steps.sort_by(|one, other| step_name(one).cmp(step_name(other)));
    let problems = ledger.problems();
    let mut check = Check { ledger, deep, findings: Findings::default() };
    problems.into_iter().for_each(|problem| check.findings.problem(problem));
    for step in &steps {
        check.step(step).await?;
    }
    check.findings.hash_artifacts(&steps);
    check.parts(&steps).await?;
    check.coco().await?;
    Ok(check.findings.into_report())
}

/// An output under examination. Each file of this folder checks one thing.
struct Check {
    ledger: Ledger,
    deep: bool,
    findings: Findings,
}

/// What was found so far.
#[derive(Default)]
struct Findings {
    report: VerifyReport,
    digest: blake3::Hasher,
}

impl Findings {
    fn problem(&mut self, problem: impl ToString) {
        self.report.problem_count += 1;
        if self.report.problems.len() < NAMED {
            self.report.problems.push(problem.to_string());
        }
    }

    /// Counts a file whose digest was checked.
    fn count(&mut self, bytes: u64) {
        self.report.parts += 1;
        self.report.bytes += bytes;
    }

    /// Adds something to the digest of the whole; lengths keep neighbours apart.
    fn hash(&mut self, what: &[u8], value: &[u8]) {
        for bytes in [what, value] {
            self.digest.update(&(bytes.len() as u64).to_le_bytes());
            self.digest.update(bytes);
        }
    }

    fn into_report(self) -> VerifyReport {
        VerifyReport { digest: self.digest.finalize().to_hex().to_string(), ..self.report }
    }
}

impl Check {
    async fn step(&mut self, step: &CompletedStep) -> Result<(), LedgerError> {
        let Some(head) = step.manifest.clone() else { return Ok(()) };
        match self.ledger.open_manifest(head).await {
            Ok(manifest) => {
                self.outcomes(&manifest).await;
                self.rows(step, &manifest).await;
                self.missing_artifacts(step, &manifest).await;
            }
            Err(error) => self.findings.problem(error),
        }
        for file in &step.files {
            self.file(&file.path, &file.digest, file.length).await?;
        }
        Ok(())
    }

    /// Compares coco.json with what the steps' rows make it, and adds that to the digest.
    async fn coco(&mut self) -> Result<(), LedgerError> {
        let found = self.ledger.store().digest(layout::COCO).await?;
        let expected = match coco::expected(&self.ledger).await {
            Ok(expected) => expected,
            Err(error) => {
                self.findings.problem(error);
                return Ok(());
            }
        };
        match (found, expected) {
            (None, None) => {}
            (None, Some(_)) => self.findings.problem(format!("{} is missing", layout::COCO)),
            (Some((found, length)), expected) => {
                self.findings.count(length);
                // Without the place of the source: the digest is the same wherever that lies.
                let mut digest = found;
                match expected {
                    Some(expected) if expected.file == found => digest = expected.portable,
                    Some(_) => {
                        self.findings.problem(format!("{} is not what the ledger has of its steps", layout::COCO));
                    }
                    None => {}
                }
                self.findings.hash(b"coco", digest.as_bytes());
            }
        }
        Ok(())
    }

    /// Checks the length and digest of a file.
    async fn file(&mut self, path: &str, digest: &[u8], length: u64) -> Result<(), LedgerError> {
        match self.ledger.store().digest(path).await? {
            None => self.findings.problem(format!("{path} is missing")),
            Some((found, bytes)) if found.as_bytes()[..] == *digest && bytes == length => self.findings.count(bytes),
            Some((_, bytes)) if bytes != length => {
                self.findings.problem(format!("{path} has {bytes} bytes instead of {length}"))
            }
            Some(_) => self.findings.problem(format!("{path} has other bytes than were written")),
        }
        Ok(())
    }
}
