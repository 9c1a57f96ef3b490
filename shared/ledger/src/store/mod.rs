//! The few operations the ledger needs of an object store, with errors that name the object.
mod folder;
mod names;
mod upload;

pub use upload::Upload;

use crate::LedgerError;
use crate::output::{Output, Place};
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion, local::LocalFileSystem, path::Path,
};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::AsyncReadExt;

/// Deletions that are under way together.
const CONCURRENCY: usize = 8;

/// An object store rooted at the output.
#[derive(Clone, Debug)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    /// The same place as a folder, if it is one.
    folder: Option<PathBuf>,
    url: String,
}

impl Store {
    /// The store of an output. A folder must exist.
    pub(crate) fn new(output: &Output) -> Result<Self, LedgerError> {
        let url = output.url().to_owned();
        match output.place() {
            Place::Store(objects) => Ok(Self { objects: objects.clone(), folder: None, url }),
            Place::Folder(folder) => {
                let files = LocalFileSystem::new_with_prefix(folder)
                    .map_err(|source| LedgerError::store(&url, "open", "", source))?;
                let objects = Arc::new(files.with_automatic_cleanup(true));
                Ok(Self { objects, folder: Some(folder.clone()), url })
            }
        }
    }

    /// What messages call it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The local file of an object, in a folder.
    pub(crate) fn local(&self, path: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(path))
    }

    /// The whole object, if it is there.
    pub async fn read(&self, path: &str) -> Result<Option<Bytes>, LedgerError> {
        Ok(self.read_version(path).await?.map(|(bytes, _)| bytes))
    }

    /// The whole object and its version, if it is there.
    pub(crate) async fn read_version(&self, path: &str) -> Result<Option<(Bytes, UpdateVersion)>, LedgerError> {
        let Some(found) =
            absent(self.objects.get(&self.location(path)).await).map_err(|e| self.fail("read", path, e))?
        else {
            return Ok(None);
        };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let bytes = absent(found.bytes().await).map_err(|e| self.fail("read", path, e))?;
        Ok(bytes.map(|bytes| (bytes, version)))
    }

    /// Some bytes of an object, if it is there.
    pub async fn read_range(&self, path: &str, range: Range<u64>) -> Result<Option<Bytes>, LedgerError> {
        absent(self.objects.get_range(&self.location(path), range).await).map_err(|e| self.fail("read", path, e))
    }

    /// The object piece by piece, if it is there.
    pub async fn stream(
        &self,
        path: &str,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, LedgerError>>>, LedgerError> {
        if let Some(file) = self.local(path) {
            return file_stream(file).await;
        }
        let found = absent(self.objects.get(&self.location(path)).await).map_err(|e| self.fail("read", path, e))?;
        let (store, path) = (self.clone(), path.to_owned());
        Ok(found.map(|found| found.into_stream().map_err(move |e| store.fail("read", &path, e)).boxed()))
    }

    /// Length of the object, if it is there.
    pub async fn length(&self, path: &str) -> Result<Option<u64>, LedgerError> {
        if let Some(file) = self.local(path) {
            let found = there(tokio::fs::metadata(&file).await).map_err(|e| LedgerError::access("read", &file, e))?;
            return Ok(found.filter(|metadata| metadata.is_file()).map(|metadata| metadata.len()));
        }
        let meta = absent(self.objects.head(&self.location(path)).await).map_err(|e| self.fail("look at", path, e))?;
        Ok(meta.map(|meta| meta.size))
    }

    /// blake3 and length of the object, if it is there; reads all of it, a piece at a time.
    pub async fn digest(&self, path: &str) -> Result<Option<(blake3::Hash, u64)>, LedgerError> {
        let Some(mut pieces) = self.stream(path).await? else { return Ok(None) };
        let (mut hasher, mut length) = (blake3::Hasher::new(), 0);
        while let Some(piece) = pieces.try_next().await? {
            hasher.update(&piece);
            length += piece.len() as u64;
        }
        Ok(Some((hasher.finalize(), length)))
    }

    /// Puts an object, whole or not at all, over one that is there.
    pub async fn write(&self, path: &str, bytes: Bytes) -> Result<(), LedgerError> {
        self.objects.put(&self.location(path), bytes.into()).await.map(drop).map_err(|e| self.fail("write", path, e))
    }

    /// Puts an object unless there is one; whether it was put.
    pub(crate) async fn create(&self, path: &str, bytes: Bytes) -> Result<bool, LedgerError> {
        self.put_if(path, bytes, PutMode::Create).await
    }

    /// Puts an object over a version of it; whether that version was still there.
    pub(crate) async fn replace(&self, path: &str, bytes: Bytes, version: UpdateVersion) -> Result<bool, LedgerError> {
        self.put_if(path, bytes, PutMode::Update(version)).await
    }

    async fn put_if(&self, path: &str, bytes: Bytes, mode: PutMode) -> Result<bool, LedgerError> {
        let options = PutOptions { mode, ..Default::default() };
        match self.objects.put_opts(&self.location(path), bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.fail("write", path, error)),
        }
    }

    /// Begins an object that is written piece by piece and appears when it is finished.
    pub async fn upload(&self, path: &str) -> Result<Upload, LedgerError> {
        let parts = self.objects.put_multipart(&self.location(path)).await.map_err(|e| self.fail("write", path, e))?;
        Ok(Upload::new(path, &self.url, parts))
    }

    /// Takes a local file: moved where that is possible (a folder on the same file system), else copied.
    pub(crate) async fn write_file(&self, path: &str, file: &std::path::Path) -> Result<(), LedgerError> {
        if let Some(target) = self.local(path) {
            let file = file.to_owned();
            // Any error (another file system) leaves the copy below, which says what is wrong if it fails, too.
            if let Ok(true) = tokio::task::spawn_blocking(move || take(&file, &target)).await {
                return Ok(());
            }
        }
        let mut upload = self.upload(path).await?;
        let read = |source| LedgerError::access("read", file, source);
        let mut reader = tokio::fs::File::open(file).await.map_err(read)?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let length = reader.read(&mut buffer).await.map_err(read)?;
            if length == 0 {
                return upload.finish().await.map(drop);
            }
            upload.write(&buffer[..length]).await?;
        }
    }

    /// Paths and lengths of all objects below a folder, in no order.
    pub async fn list(&self, prefix: &str) -> Result<Vec<(String, u64)>, LedgerError> {
        if let Some(root) = self.folder.clone() {
            let (shown, prefix) = (root.join(prefix), prefix.to_owned());
            return blocking("list", shown, move || folder::list(&root, &prefix)).await;
        }
        let found = self
            .objects
            .list(Some(&self.location(prefix)))
            .map_ok(|meta| (names::unescaped(meta.location.as_ref()), meta.size));
        absent(found.try_collect().await).map(Option::unwrap_or_default).map_err(|e| self.fail("list", prefix, e))
    }

    /// Something that lies directly in the output: nothing when it is empty.
    pub(crate) async fn anything(&self) -> Result<Option<String>, LedgerError> {
        let found = self.objects.list_with_delimiter(None).await.map_err(|e| self.fail("list", "", e))?;
        let files = found.objects.into_iter().map(|meta| meta.location.to_string());
        Ok(files.chain(found.common_prefixes.into_iter().map(|path| path.to_string())).next())
    }

    /// Removes objects; what is gone already is no error.
    pub async fn delete(&self, paths: impl IntoIterator<Item = String>) -> Result<(), LedgerError> {
        let deletions = futures::stream::iter(paths).map(|path| async move {
            if let (Some(root), Some(file)) = (self.folder.clone(), self.local(&path)) {
                return blocking("delete", file.clone(), move || folder::delete(&root, &file)).await;
            }
            absent(self.objects.delete(&self.location(&path)).await)
                .map(drop)
                .map_err(|e| self.fail("delete", &path, e))
        });
        deletions.buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// Shows the bytes of one object under another path too, over one that is there.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), LedgerError> {
        if let (Some(from), Some(to)) = (self.local(from), self.local(to)) {
            return blocking("write", to.clone(), move || folder::copy(&from, &to)).await;
        }
        self.objects.copy(&self.location(from), &self.location(to)).await.map_err(|e| self.fail("write", to, e))
    }

    /// What the store calls an object. Folders are asked by the library for the ledger's own files alone, whose names are plain.
    fn location(&self, path: &str) -> Path {
        let name = if self.folder.is_some() { path.into() } else { names::escaped(path) };
        Path::parse(&name).unwrap_or_else(|_| Path::from(name.as_ref()))
    }

    /// An error about bytes that are not what they should be.
    pub fn damaged(&self, path: &str, reason: impl ToString) -> LedgerError {
        LedgerError::Damaged { output: self.url.clone(), path: path.to_owned(), reason: reason.to_string() }
    }

    fn fail(&self, action: &'static str, path: &str, source: Error) -> LedgerError {
        LedgerError::store(&self.url, action, path, source)
    }
}

/// A local file piece by piece, if it is there.
async fn file_stream(path: PathBuf) -> Result<Option<BoxStream<'static, Result<Bytes, LedgerError>>>, LedgerError> {
    let opened =
        there(tokio::fs::File::open(&path).await).map_err(|error| LedgerError::access("read", &path, error))?;
    let Some(file) = opened else { return Ok(None) };
    let pieces = futures::stream::try_unfold(file, move |mut file| {
        let path = path.clone();
        async move {
            let mut piece = BytesMut::with_capacity(folder::PIECE);
            let length = file.read_buf(&mut piece).await.map_err(|error| LedgerError::access("read", path, error))?;
            Ok((length > 0).then(|| (piece.freeze(), file)))
        }
    });
    Ok(Some(pieces.boxed()))
}

/// Does something with local files, off the threads that must not wait.
async fn blocking<T: Send + 'static>(
    action: &'static str,
    path: PathBuf,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, LedgerError> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    done.map_err(|error| LedgerError::access(action, path, error))
}

/// A file that is not there is no error.
fn there<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is not there is no error.
fn absent<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Moves a file within one file system; whether that worked. The old name must go: whoever writes to it next must not write
/// into the output.
fn take(file: &std::path::Path, target: &std::path::Path) -> bool {
    let folder = target.parent().map_or(Ok(()), std::fs::create_dir_all);
    folder.and_then(|()| std::fs::rename(file, target)).is_ok()
}
