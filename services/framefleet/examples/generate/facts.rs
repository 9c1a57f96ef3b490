//! What templates are given: the stages, as the registry describes them, and the figures that several files share.
use framefleet_stage::{AnyStage, Description, HalfNeeds, Halo, Needs, Registry, SettingsError};
use serde::Serialize;
use serde_json::Map;
use std::sync::Arc;

/// All of it.
#[derive(Serialize)]
pub struct Facts {
    /// Version of the programs, and the tag of their images.
    pub version: &'static str,
    /// Port of the orchestrator's API.
    pub api_port: u16,
    /// Port of /metrics, /livez and /readyz.
    pub metrics_port: u16,
    /// Seconds that running tasks have when a program is stopped.
    pub grace: u16,
    /// Memory for frames in flight, in a form that tmpfs and the programs both read. To tmpfs a g is 2³⁰ and to the programs
    /// 10⁹ bytes, so that what the programs ask for always fits.
    pub blob_memory: &'static str,
    /// Images of others.
    pub images: Images,
    /// The stages, the source stage first.
    pub stages: Vec<StageFacts>,
}

/// Images of others, pinned.
#[derive(Serialize)]
pub struct Images {
    /// Builds the programs. Of the same Debian release as `runtime`.
    pub build: &'static str,
    /// What the programs run on.
    pub runtime: &'static str,
    /// The bus.
    pub nats: &'static str,
    /// Collects metrics.
    pub prometheus: &'static str,
    /// Draws them.
    pub grafana: &'static str,
}

/// A stage.
#[derive(Serialize)]
pub struct StageFacts {
    /// Its name: also that of its package, program, image, service and Deployment.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// Raised when answers change.
    pub version: u32,
    /// Its settings.
    pub settings: Vec<Setting>,
    /// Its profiles besides `balanced`, whose settings are the defaults.
    pub profiles: Vec<Profile>,
    /// What it reads and makes with default settings; the source stage needs nothing.
    pub needs: Option<NeedsFacts>,
}

/// A setting.
#[derive(Serialize)]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// Its default, as JSON.
    pub default: String,
    /// What it means.
    pub meaning: String,
}

/// A profile.
#[derive(Serialize)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Where it differs from the defaults.
    pub differences: String,
}

/// What a stage reads and makes, in words.
#[derive(Serialize)]
pub struct NeedsFacts {
    /// The process half; none when the stage is a finish alone.
    pub process: Option<HalfNeeds>,
    /// The finish half.
    pub finish: HalfNeeds,
    /// Renditions that process looks at.
    pub renditions: String,
    /// Frames around the batch.
    pub halo: Halo,
    /// Batches that one task spans.
    pub group: u64,
    /// Whether process makes frames.
    pub makes_frames: bool,
}

impl Facts {
    /// About the source stage and those of a registry.
    pub fn of(registry: &Registry) -> Result<Self, SettingsError> {
        let mut stages = vec![StageFacts::of(ingest::describe(), None)];
        for name in registry.names() {
            let stage: &Arc<dyn AnyStage> = registry.get(name)?;
            stages.push(StageFacts::of(stage.describe(), Some(stage.resolve(None, &Map::new())?.needs)));
        }
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            api_port: 4270,
            metrics_port: 9464,
            grace: 25,
            blob_memory: "4g",
            images: Images {
                build: "rust:1.95-slim-bookworm",
                runtime: "debian:bookworm-slim",
                nats: "nats:2.15.1-alpine",
                prometheus: "prom/prometheus:v3.5.0",
                grafana: "grafana/grafana:12.1.0",
            },
            stages,
        })
    }
}

impl StageFacts {
    fn of(stage: Description, needs: Option<Needs>) -> Self {
        let defaults = stage.profiles.get("balanced").cloned().unwrap_or_default();
        let settings = defaults.iter().map(|(key, default)| Setting {
            key: key.clone(),
            default: default.to_string(),
            meaning: framefleet::meaning(&stage.schema, key),
        });
        let others = stage.profiles.iter().filter(|(name, _)| *name != "balanced");
        let profiles = others
            .map(|(name, of)| Profile { name: name.clone(), differences: framefleet::differences(&defaults, of) });
        Self {
            settings: settings.collect(),
            profiles: profiles.collect(),
            needs: needs.map(NeedsFacts::of),
            name: stage.name,
            about: stage.about,
            version: stage.version,
        }
    }
}

impl NeedsFacts {
    fn of(needs: Needs) -> Self {
        let renditions: Vec<String> =
            needs.renditions.iter().map(|rendition| format!("{rendition:?}").to_lowercase()).collect();
        Self {
            process: (!needs.finish_only).then_some(needs.process),
            finish: needs.finish,
            renditions: renditions.join(", "),
            halo: needs.halo,
            group: needs.group,
            makes_frames: needs.made.is_some(),
        }
    }
}
