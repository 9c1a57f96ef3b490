//! A store that dies at its n-th change.
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Lets `left` changes pass. The next one is not made, or is made without an answer (`silent`); nothing works after it.
#[derive(Clone, Debug)]
pub struct Faulty {
    /// The store behind it.
    pub store: Arc<dyn ObjectStore>,
    /// Changes that still pass; below 0 once it died.
    pub left: Arc<AtomicI64>,
    /// Whether the last change is made all the same.
    pub silent: bool,
}

impl Faulty {
    /// Whether the fault was met.
    pub fn died(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    fn alive(&self) -> Result<()> {
        if self.died() { Err(dead()) } else { Ok(()) }
    }

    /// Makes a change, or does not.
    async fn change<T>(&self, change: impl Future<Output = Result<T>>) -> Result<T> {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            1.. => change.await,
            0 if self.silent => {
                change.await?;
                Err(dead())
            }
            _ => Err(dead()),
        }
    }
}

fn dead() -> Error {
    Error::Generic { store: "faulty", source: "the store is gone".into() }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.change(self.store.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.alive()?;
        let upload = self.store.put_multipart_opts(location, options).await?;
        Ok(Box::new(FaultyUpload { faulty: self.clone(), upload }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.alive()?;
        self.store.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let faulty = self.clone();
        let delete = move |location: Result<Path>| {
            let faulty = faulty.clone();
            async move {
                let location = location?;
                faulty.change(faulty.store.delete(&location)).await.map(|()| location)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.alive() {
            Ok(()) => self.store.list(prefix),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.alive()?;
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.change(self.store.copy_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    faulty: Faulty,
    upload: Box<dyn MultipartUpload>,
}

#[async_trait::async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.faulty.alive() {
            Ok(()) => self.upload.put_part(data),
            Err(error) => async { Err(error) }.boxed(),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let faulty = self.faulty.clone();
        faulty.change(self.upload.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}
