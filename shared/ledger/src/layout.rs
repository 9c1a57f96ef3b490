//! Where things lie below an output: the ledger's own below `.framefleet`, and what is derived from it beside. Paths use '/', in stores and in
//! folders alike.
use crate::{LedgerError, TaskKey};
use framefleet_proto::v1::{Part, PartKind};

pub(crate) const INTERNAL: &str = ".framefleet";
pub(crate) const STATE: &str = ".framefleet/output.json";
pub(crate) const LOCK: &str = ".framefleet/lock";
pub(crate) const LEASE: &str = ".framefleet/lease";
pub(crate) const ENTRIES: &str = ".framefleet/entries";
pub(crate) const PARTS: &str = ".framefleet/parts";
pub(crate) const SEGMENTS: &str = ".framefleet/segments";
pub(crate) const STEPS: &str = ".framefleet/steps";
/// Tasks under way.
pub(crate) const MARKS: &str = ".framefleet/marks";
/// Lists of messages, by the digest of their bytes.
pub(crate) const DOCUMENTS: &str = ".framefleet/documents";
/// Names of documents that stay although no result refers to them.
pub(crate) const KEPT: &str = ".framefleet/kept";
/// What can be found out again: dropping it loses time and nothing else.
pub(crate) const CACHE: &str = ".framefleet/cache";
/// Files that settings name, by digest. Starting over leaves them: they come before the job is opened.
pub(crate) const DEPOSITS: &str = ".framefleet/files";
/// The list of frames that failed.
pub const FAILURES: &str = "failures.jsonl";
/// The name of the selection that was made last.
pub const LAST_SELECTION: &str = "selections/last";
/// Results in COCO's format.
pub const COCO: &str = "coco.json";

/// What starting over removes, in an order that leaves a consistent output wherever it stops: what refers to others first.
/// The user's own corrections (edits.jsonl) are not among it.
pub(crate) const FOLDERS_MADE: [&str; 13] = [
    STEPS,
    KEPT,
    DOCUMENTS,
    ENTRIES,
    SEGMENTS,
    PARTS,
    MARKS,
    CACHE,
    "records",
    "summary",
    "artifacts",
    "report",
    "selections",
];
/// Files that starting over removes, after the folders.
pub(crate) const FILES_MADE: [&str; 4] = ["report.html", "job.json", FAILURES, COCO];

/// Entries are spread over 256 folders: file systems are slow with very many files in one.
pub(crate) fn entry(key: &TaskKey) -> String {
    let hex = key.to_string();
    format!("{ENTRIES}/{}/{hex}", &hex[..2])
}

/// The mark of a task under way.
pub(crate) fn mark(name: &TaskKey) -> String {
    format!("{MARKS}/{name}")
}

/// A file that a setting names.
pub(crate) fn deposit(digest: &blake3::Hash) -> String {
    format!("{DEPOSITS}/{}", digest.to_hex())
}

/// A part is named by its content, so that two attempts at one task never write over each other. The extension is kept:
/// libraries choose formats by it.
pub fn part(key: &TaskKey, part: &Part) -> String {
    let hex = key.to_string();
    let digest = hex::encode(&part.digest);
    let folder = format!("{PARTS}/{}/{hex}", &hex[..2]);
    match extension(&part.name) {
        Some(extension) => format!("{folder}/{digest}.{extension}"),
        None => format!("{folder}/{digest}"),
    }
}

/// The key that a path below [`PARTS`] or [`ENTRIES`] belongs to.
pub(crate) fn key_of(path: &str) -> Option<TaskKey> {
    path.split('/').nth(3)?.parse().ok()
}

pub(crate) fn segment_index(id: &str) -> String {
    format!("{SEGMENTS}/{id}.index")
}

pub(crate) fn segment_blocks(id: &str) -> String {
    format!("{SEGMENTS}/{id}.blocks")
}

/// A chunk or root of a document, by the digest of its bytes.
pub(crate) fn document(digest: &[u8]) -> String {
    let hex = hex::encode(digest);
    format!("{DOCUMENTS}/{}/{hex}", hex.get(..2).unwrap_or("short"))
}

pub(crate) fn kept(name: &str) -> String {
    format!("{KEPT}/{name}")
}

pub(crate) fn step(step: &str) -> String {
    format!("{STEPS}/{step}")
}

/// A step's records: `extension` is `jsonl` or `parquet`.
pub fn records(step: &str, extension: &str) -> String {
    format!("records/{step}.{extension}")
}

/// A step's summary.
pub fn summary(step: &str) -> String {
    format!("summary/{step}.json")
}

/// A selection, or what shows it.
pub fn selection(name: &str, extension: &str) -> String {
    format!("selections/{name}.{extension}")
}

/// An artifact of a step; the step's folder where `name` is empty.
pub fn artifact(step: &str, name: &str) -> String {
    format!("artifacts/{step}/{name}")
}

/// Whether `name` stays below the folder it is put into: relative, without empty, "." or ".." segments.
pub fn check_name(what: &str, name: &str) -> Result<(), LedgerError> {
    let good = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains('\0');
    if name.split('/').all(good) {
        return Ok(());
    }
    Err(LedgerError::invalid(what, format!("\"{name}\" is no relative path that stays in its folder")))
}

/// Kind of a part; unknown numbers count as unspecified.
pub fn kind(part: &Part) -> PartKind {
    PartKind::try_from(part.kind).unwrap_or(PartKind::Unspecified)
}

fn extension(name: &str) -> Option<&str> {
    let (_, extension) = name.rsplit('/').next()?.rsplit_once('.')?;
    let plain = (1..=8).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(extension)
}
