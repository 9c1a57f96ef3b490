//! The place of an output before anything lies in it: made, or refused when it holds other things.
use crate::store::Store;
use crate::{LedgerError, Output, layout};
use std::path::Path;

/// The store of an output whose place is free or is an output.
pub(crate) async fn prepare(output: &Output) -> Result<Store, LedgerError> {
    if let Some(folder) = output.local_path() {
        prepare_folder(output, folder)?;
        return Store::new(output);
    }
    let store = Store::new(output)?;
    check_store(&store).await?;
    Ok(store)
}

/// Makes the folder of an output, or refuses what is there.
fn prepare_folder(output: &Output, folder: &Path) -> Result<(), LedgerError> {
    let in_the_way = folder.ancestors().find(|path| path.exists()).filter(|path| !path.is_dir());
    if let Some(path) = in_the_way {
        return Err(LedgerError::InTheWay { path: path.to_owned() });
    }
    let create =
        |path: &Path| std::fs::create_dir_all(path).map_err(|source| LedgerError::access("create", path, source));
    create(folder)?;
    let refuse = |found: String| LedgerError::NotAnOutput { output: output.url().to_owned(), found };
    if !folder.join(layout::STATE).exists() {
        let mut found = std::fs::read_dir(folder).map_err(|source| LedgerError::access("read", folder, source))?;
        let foreign = |name: &std::ffi::OsStr| name != layout::INTERNAL;
        if let Some(other) =
            found.find_map(|entry| entry.ok().map(|entry| entry.file_name()).filter(|name| foreign(name)))
        {
            return Err(refuse(other.to_string_lossy().into_owned()));
        }
    }
    create(&folder.join(layout::INTERNAL))
}

/// Refuses a bucket's prefix that holds other things.
async fn check_store(store: &Store) -> Result<(), LedgerError> {
    if store.length(layout::STATE).await?.is_some() {
        return Ok(());
    }
    match store.anything().await? {
        Some(found) if found != layout::INTERNAL => {
            Err(LedgerError::NotAnOutput { output: store.url().to_owned(), found })
        }
        _ => Ok(()),
    }
}
