//! Pipelines that come with the program.
use crate::error::JobError;

/// All of them: (name, file).
pub const PRESETS: [(&str, &str); 5] = [
    ("analyse", include_str!("../../../pipelines/analyse.toml")),
    ("categorize", include_str!("../../../pipelines/categorize.toml")),
    ("dataset-people", include_str!("../../../pipelines/dataset-people.toml")),
    ("remove-background", include_str!("../../../pipelines/remove-background.toml")),
    ("remove-people", include_str!("../../../pipelines/remove-people.toml")),
];

/// The pipeline that runs when none is named.
pub const DEFAULT: &str = "analyse";

/// The file of a preset.
pub fn preset(name: &str) -> Result<&'static str, JobError> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).ok_or_else(|| {
        let known: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
        JobError::Configuration(format!(
            "there is no pipeline \"{name}\"; known pipelines: {}; or give a file",
            known.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use framefleet_pipeline::Pipeline;

    #[test]
    fn every_preset_is_a_pipeline_that_says_what_it_does() {
        for (name, text) in PRESETS {
            let pipeline = Pipeline::from_toml(text, name).unwrap();
            assert!(!pipeline.steps.is_empty() && !pipeline.description.is_empty(), "{name}");
        }
        assert!(preset(DEFAULT).is_ok());
    }

    #[test]
    fn every_pipeline_of_the_repository_comes_with_the_program() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../pipelines")).unwrap();
        let name = |path: std::path::PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<String> = folder.map(|entry| name(entry.unwrap().path())).collect();
        files.sort();
        assert_eq!(files, PRESETS.map(|(name, _)| name));
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_there_are() {
        let error = preset("analyze").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no pipeline \"analyze\"; known pipelines: analyse, categorize, dataset-people, remove-background, \
             remove-people; or give a file"
        );
    }
}
