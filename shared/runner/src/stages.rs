//! Stages loaded with their settings, and source stages: kept while tasks use them, those used least recently go first.
use crate::failure::TaskFailure;
use crate::files;
use crate::host_provider::HostProvider;
use framefleet_ledger::Ledger;
use framefleet_proto::v1::Task;
use framefleet_stage::{AnyStage, LoadedStage, OpenSource, Registry, SourceStage};
use lru::LruCache;
use parking_lot::Mutex;
use prost::Message as _;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Settings of the source stage that are kept open: each keeps decoders open.
const SOURCES: usize = 4;

/// Stages with their settings that are kept loaded: a worker lives long, and every job may have settings of its own.
const LOADED: usize = 64;

/// What makes two tasks those of one loaded stage.
#[derive(PartialEq, Eq, Hash)]
struct StageKey {
    stage: String,
    /// As a task has them: files by digest.
    settings: String,
    /// Its models, encoded.
    models: Vec<Vec<u8>>,
}

impl StageKey {
    fn of(task: &Task) -> Self {
        Self {
            stage: task.stage.clone(),
            settings: task.settings.clone(),
            models: task.models.iter().map(|model| model.encode_to_vec()).collect(),
        }
    }
}

/// A stage that one task loads while the others of its kind wait.
type Loading = Arc<OnceCell<Arc<dyn LoadedStage>>>;

/// The stages that a runner has.
pub(crate) struct Stages {
    registry: Registry,
    open_source: OpenSource,
    hosts: Arc<dyn HostProvider>,
    loaded: Mutex<LruCache<StageKey, Loading>>,
    sources: Mutex<LruCache<String, Arc<dyn SourceStage>>>,
}

impl Stages {
    pub fn new(registry: Registry, open_source: OpenSource, hosts: Arc<dyn HostProvider>) -> Self {
        Self { registry, open_source, hosts, loaded: cache_of(LOADED), sources: cache_of(SOURCES) }
    }

    /// The stage of a task with its settings, loaded once while it is in use. A task of another release's version is refused.
    pub async fn stage(&self, ledger: &Ledger, task: &Task) -> Result<Arc<dyn LoadedStage>, TaskFailure> {
        let stage = self
            .registry
            .get(&task.stage)
            .map_err(|error| TaskFailure { reason: error.to_string(), ..TaskFailure::malformed("a known stage") })?;
        let known = stage.version();
        if known != task.version {
            return Err(TaskFailure::of_another_release(&task.stage, task.version, known));
        }
        let loading = Arc::clone(self.loaded.lock().get_or_insert(StageKey::of(task), Loading::default));
        loading.get_or_try_init(|| self.load(stage, ledger, task)).await.map(Arc::clone)
    }

    async fn load(
        &self,
        stage: &Arc<dyn AnyStage>,
        ledger: &Ledger,
        task: &Task,
    ) -> Result<Arc<dyn LoadedStage>, TaskFailure> {
        let settings = settings_of(task)?;
        let files = Arc::new(files::read(ledger, &task.named_files).await?);
        let (stage, hosts, models) = (Arc::clone(stage), Arc::clone(&self.hosts), task.models.clone());
        // Models take their time to load; this thread has others to serve.
        let load = move || stage.load(&hosts.host(&models)?.with(files), &settings);
        let loaded = tokio::task::spawn_blocking(load).await;
        Ok(loaded.map_err(|error| TaskFailure::crashed(error.to_string()))??)
    }

    /// The source stage under the settings of a task.
    pub fn source(&self, task: &Task) -> Result<Arc<dyn SourceStage>, TaskFailure> {
        let mut sources = self.sources.lock();
        let open = || (self.open_source)(&settings_of(task)?).map_err(TaskFailure::from);
        sources.try_get_or_insert(task.settings.clone(), open).map(Arc::clone)
    }
}

fn settings_of(task: &Task) -> Result<serde_json::Map<String, serde_json::Value>, TaskFailure> {
    serde_json::from_str(&task.settings).map_err(|_| TaskFailure::malformed("settings"))
}

fn cache_of<K: Hash + Eq, V>(entries: usize) -> Mutex<LruCache<K, V>> {
    Mutex::new(LruCache::new(NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN)))
}
