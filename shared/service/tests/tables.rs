//! Files that a step reads instead of running them: vocabularies, names of classes.
#![cfg(test)]
use framefleet_infer::StepModels;
use framefleet_models::{Puller, Silent};
use framefleet_proto::v1::TaskModel;
use framefleet_runner::HostProvider;
use framefleet_service::{ModelArguments, ModelRuntime};

const CATALOGUE: &str = r#"
[[model]]
id = "words"
role = "tokenizer"
about = "a vocabulary"
architecture = "none"
format = "table"
licence = "MIT"
commercial_use = "yes"
licence_note = ""
files = [{ name = "words.json", size = 2, sha256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", from = { path = "words.json" } }]
meaning = "words"
checked = "by a test"
"#;

#[test]
fn a_table_is_a_file_for_its_step_and_is_never_opened_as_a_model() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("words.json"), "{}").unwrap();
    std::fs::write(folder.path().join("own.toml"), CATALOGUE).unwrap();
    let mut arguments = ModelArguments::of_environment().unwrap();
    arguments.models.model_cache = Some(folder.path().join("cache"));
    arguments.models.catalogue = Some(folder.path().join("own.toml"));
    // What is measured is opened first.
    arguments.measure = 0.01;
    let runtime = ModelRuntime::new(&arguments, 1).unwrap();
    let entry = runtime.catalogue().get("words").unwrap();
    assert!(entry.is_read());
    let installed = Puller::new(runtime.cache(), &Silent).pull(entry).unwrap();
    let (class, _) = runtime.classes().unwrap();
    let model = TaskModel {
        role: "tokenizer".to_owned(),
        id: "words".to_owned(),
        sha256: installed.digest.to_string(),
        class,
        precision: "fp32".to_owned(),
        optimisation: "off".to_owned(),
        ..TaskModel::default()
    };
    let host = runtime.host(&[model]).unwrap();
    let models = host.get::<StepModels>().unwrap();
    assert_eq!(std::fs::read_to_string(models.file("tokenizer").unwrap()).unwrap(), "{}");
    let error = models.file("vocabulary").unwrap_err().to_string();
    assert!(error.contains("vocabulary") && error.contains("tokenizer"), "{error}");
}
