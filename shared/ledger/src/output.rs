//! Where an output lies.
use crate::LedgerError;
use object_store::{ObjectStore, memory::InMemory, prefix::PrefixStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// Bytes of a path that Linux takes.
const MAX_PATH: usize = 4095;
/// Bytes of a key that object stores take.
const MAX_KEY: usize = 1024;

/// The place of an output: a folder, a bucket with a prefix, or memory. Naming one touches nothing.
#[derive(Clone, Debug)]
pub struct Output {
    url: String,
    place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum Place {
    Folder(PathBuf),
    Store(Arc<dyn ObjectStore>),
}

impl Output {
    /// Reads a folder's path (`./x.framefleet`) or an URL: `file:///…`, `memory:///…` (a new one at every call), and
    /// `s3://…`, `gs://…` in programs built with the features `aws`, `gcp`. Credentials come from the environment.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let refuse = |reason: String| LedgerError::Url { url: text.to_owned(), reason };
        if text.is_empty() {
            return Err(refuse("it is empty".to_owned()));
        }
        if !text.contains("://") {
            return Self::folder(Path::new(text));
        }
        let url = Url::parse(text).map_err(|error| refuse(error.to_string()))?;
        match url.scheme() {
            "file" => Self::folder(&url.to_file_path().map_err(|()| refuse("it has no local path".to_owned()))?),
            "memory" => Ok(Self { url: text.to_owned(), place: Place::Store(Arc::new(InMemory::new())) }),
            _ => {
                let settings = std::env::vars().map(|(name, value)| (name.to_ascii_lowercase(), value));
                let (store, prefix) =
                    object_store::parse_url_opts(&url, settings).map_err(|error| refuse(error.to_string()))?;
                Ok(Self {
                    url: text.trim_end_matches('/').to_owned(),
                    place: Place::Store(Arc::new(PrefixStore::new(store, prefix))),
                })
            }
        }
    }

    /// An output that lives and dies with this process.
    pub fn in_memory() -> Self {
        Self::in_store("memory:///", Arc::new(InMemory::new()))
    }

    /// An output in any object store that knows conditional puts. The store's root is the output's; `url` is what messages
    /// call it.
    pub fn in_store(url: &str, store: Arc<dyn ObjectStore>) -> Self {
        Self { url: url.to_owned(), place: Place::Store(store) }
    }

    /// What commands and messages call it: an absolute path, or an URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder, if it is one.
    pub fn local_path(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder(path) => Some(path),
            Place::Store(_) => None,
        }
    }

    /// Bytes that a path below the output may have: what a file system takes (Linux: `PATH_MAX`, with a NUL at the end) or a key of an object
    /// store may have (S3 and Google Cloud Storage: 1024), less what lies before it.
    pub fn room(&self) -> usize {
        let (limit, before) = match &self.place {
            Place::Folder(folder) => (MAX_PATH, folder.as_os_str().len() + 1),
            Place::Store(_) => (MAX_KEY, Url::parse(&self.url).map_or(0, |url| url.path().len())),
        };
        limit.saturating_sub(before)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    fn folder(path: &Path) -> Result<Self, LedgerError> {
        let path = std::path::absolute(path).map_err(|source| LedgerError::access("resolve", path, source))?;
        Ok(Self { url: path.display().to_string(), place: Place::Folder(path) })
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_urls_name_the_same_folder() {
        let output = Output::parse("/tmp/a b.framefleet").unwrap();
        assert_eq!(output.local_path(), Some(Path::new("/tmp/a b.framefleet")));
        assert_eq!(Output::parse("file:///tmp/a%20b.framefleet").unwrap().local_path(), output.local_path());
        assert!(Output::parse("x.framefleet").unwrap().local_path().unwrap().is_absolute());
    }

    #[test]
    fn paths_have_the_room_that_the_place_leaves_them() {
        assert_eq!(Output::parse("/tmp/x").unwrap().room(), 4095 - 7);
        assert_eq!(Output::in_memory().room(), 1023);
    }

    #[test]
    fn what_is_no_place_is_refused_by_name() {
        for text in ["", "ftp://x/y", "http://[", "s3://bucket/x"] {
            if text.starts_with("s3") && cfg!(feature = "aws") {
                continue;
            }
            let error = Output::parse(text).unwrap_err();
            assert!(matches!(&error, LedgerError::Url { url, .. } if url == text), "{error}");
        }
    }
}
