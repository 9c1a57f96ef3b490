//! What fetching models takes: known, and checked against the disk, before anything is fetched.
use crate::error::ModelError;
use crate::model::{Model, ModelFile};
use crate::pull::Puller;
use crate::source::Source;
use crate::space;
use std::collections::BTreeMap;

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct FetchPlan<'m> {
    /// The models that are not here, in the order asked for.
    pub models: Vec<&'m Model>,
    /// Bytes that will be written: files, and the packages that they are taken out of.
    pub bytes: u64,
    /// Whether the sizes of some files are not known: then it will be more.
    pub at_least: bool,
    /// Bytes that the cache has free.
    pub free: u64,
}

impl Puller<'_> {
    /// What fetching these models takes.
    ///
    /// # Errors
    /// [`ModelError::DiskFull`] when the cache has not the space.
    pub fn plan<'m>(&self, models: &[&'m Model]) -> Result<FetchPlan<'m>, ModelError> {
        let mut plan =
            FetchPlan { models: Vec::new(), bytes: 0, at_least: false, free: space::free(self.cache().folder())? };
        // Files and packages that several models share are fetched once.
        let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
        for model in models.iter().filter(|model| self.cache().installed(model).is_err()) {
            plan.models.push(model);
            for file in &model.files {
                plan.at_least |= file.size.is_none();
                sizes.insert(format!("{} {}", model.id, file.name), self.missing(file));
                for member in file.source.members() {
                    sizes.insert(member.archive.sha256.to_string(), member.archive.size);
                }
            }
        }
        plan.bytes = sizes.into_values().fold(0, u64::saturating_add);
        match plan.bytes > plan.free {
            true => {
                let (folder, needed, free) = (self.cache().folder().to_owned(), plan.bytes, plan.free);
                Err(ModelError::DiskFull { folder, needed, free })
            }
            false => Ok(plan),
        }
    }

    /// Bytes of a file that an earlier download did not leave here.
    fn missing(&self, file: &ModelFile) -> u64 {
        let Some(size) = file.size else { return 0 };
        let part = match (&file.source, file.sha256) {
            (Source::Url(_), Some(sha256)) => self.cache().folder().join("downloads").join(sha256.to_string()),
            _ => return size,
        };
        let here = std::fs::metadata(part).map_or(0, |metadata| metadata.len());
        size.saturating_sub(here)
    }
}
