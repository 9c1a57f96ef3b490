//! Stage `categorizer`: what frames, or the instances in them, show, in the user's own words.
//!
//! Process makes embeddings and nothing else: of every frame, or of every mask, face or pose that another step found, cut out, laid over grey
//! and padded to a square. Finish sorts them into categories, each with a probability; what is not likely enough, or not enough ahead of the
//! next, is uncertain. The instances of a track vote, and the user has the last word. So other words or thresholds redo finish alone.
//!
//! The models are classifiers of ImageNet: a category is the classes that its words name, by the hierarchy of WordNet: `dog` is every breed. Finish holds the
//! probabilities of one item in memory.

mod categories;
mod finish;
mod half_floats;
mod imagenet;
mod presentation;
mod process;
mod settings;
mod words;

pub use categories::Categories;
pub use settings::{CategorizerSettings, Of};

use finish::scorer::Scorer;
use finish::{Categorizing, corrections, tracks};
use framefleet_frames::Kind;
use framefleet_stage::{
    Batch, Field, HalfNeeds, Host, Job, ModelNeed, Needs, Outputs, Records, SetupError, Stage, StageError,
};
use imagenet::Classifier;

/// The stage.
pub struct CategorizerStage {
    settings: CategorizerSettings,
    classifier: Classifier,
    scorer: Scorer,
}

impl Stage for CategorizerStage {
    const NAME: &'static str = "categorizer";
    const ABOUT: &'static str = "what frames, masks, faces or persons show, in your own categories";
    const VERSION: u32 = 1;
    const FIELDS: &'static [Field] = presentation::FIELDS;
    type Settings = CategorizerSettings;

    fn needs(settings: &CategorizerSettings) -> Needs {
        let model = ModelNeed::new(imagenet::ROLE, settings.model.as_deref()).in_batches(settings.micro_batch);
        Needs {
            process: HalfNeeds {
                required: settings.of.kind().map(Kind::new).into_iter().collect(),
                makes: vec![Kind::new("embedding")],
                ..HalfNeeds::default()
            },
            finish: HalfNeeds {
                optional: vec![Kind::new(tracks::kind(settings.of))],
                makes: vec![Kind::new("category")],
                ..HalfNeeds::default()
            },
            renditions: vec![process::rendition(settings.of)],
            models: vec![model],
            edits: &corrections::VERBS,
            ..Needs::default()
        }
    }

    fn load(host: &Host, settings: &CategorizerSettings) -> Result<Self, SetupError> {
        let classifier = Classifier::open(host)?;
        let scorer = Scorer::open(host, settings, classifier.name())?;
        Ok(Self { settings: settings.clone(), classifier, scorer })
    }

    fn process(&self, _job: &Job, batch: &Batch, out: &mut Outputs) -> Result<(), StageError> {
        process::process(batch, &self.classifier, self.settings.of, out)
    }

    fn finish(&self, job: &Job, records: &dyn Records, out: &mut Outputs) -> Result<(), StageError> {
        let Self { settings, classifier, scorer } = self;
        Categorizing { settings, scorer, model: classifier.name() }.finish(job, records, out)
    }
}
