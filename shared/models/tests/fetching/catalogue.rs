//! The catalogue of the program, catalogues of users, and what is chosen out of them.
use crate::{catalogue, empty_cache, entry};
use framefleet_models::{
    Allowed, Batch, Catalogue, CommercialUse, Format, Model, ModelError, Puller, ROLES, Sha256, Silent, Source,
    recipe_script,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn built_in() -> Catalogue {
    Catalogue::built_in().unwrap()
}

#[test]
fn every_default_of_a_stage_holds_in_every_profile_and_is_free_to_use() {
    let catalogue = built_in();
    let mut roles: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for model in catalogue.models() {
        for (stage, profiles) in &model.stages {
            let of_role = roles.entry((stage, &model.role)).or_default();
            for profile in profiles {
                assert!(of_role.insert(profile), "{stage} has two defaults for {} in {profile}", model.role);
                assert!(!model.is_gated(), "{} runs by default and has to be allowed", model.id);
                assert!(
                    model.digest().is_ok() && model.size().is_some(),
                    "{} runs by default and is not known",
                    model.id
                );
            }
        }
    }
    for ((stage, role), profiles) in roles {
        assert!([0, 3].contains(&profiles.len()), "{stage} has a default for {role} only in {profiles:?}");
    }
}

/// What stages ask for by role, and what is exported of what.
#[test]
fn the_exported_parts_of_sam_are_found_by_role() {
    let catalogue = built_in();
    for size in ["tiny", "small", "base-plus", "large"] {
        let checkpoint = format!("sam2.1-hiera-{size}");
        assert_eq!(catalogue.get(&checkpoint).unwrap().format, Format::Checkpoint);
        assert_eq!(catalogue.exported_of(&checkpoint).unwrap().len(), 6);
        for part in ["encoder", "decoder", "memory-pointer", "memory-encoder", "memory-attention", "memory-decoder"] {
            let id = format!("sam2.1-hiera-{size}-{part}");
            let chosen =
                catalogue.choose("segmentation", &format!("promptable-{part}"), "balanced", Some(&id)).unwrap();
            assert_eq!((chosen.id.as_str(), chosen.format), (id.as_str(), Format::Onnx));
        }
    }
}

#[test]
fn an_entry_says_what_its_user_needs_to_know() {
    let catalogue = built_in();
    for model in catalogue.models() {
        let id = &model.id;
        assert!(ROLES.iter().any(|(role, _)| *role == model.role), "{id} has a role that lists do not know");
        assert!(!model.about.is_empty() && !model.architecture.is_empty(), "{id}");
        if model.is_gated() {
            assert!(!model.licence_note.is_empty(), "{id} is gated and does not say why");
        }
        // Allowing a licence by its name must not let in what is not really under it.
        let has_own_name = model.licence.starts_with("LicenseRef-");
        assert_eq!(has_own_name, model.is_gated() && !model.copyleft, "{id}: {}", model.licence);
        let openable = matches!(model.format, Format::Onnx | Format::Torchscript);
        if openable {
            assert!(!model.inputs.is_empty() && !model.outputs.is_empty(), "{id} does not say its tensors");
            assert!(!model.preprocessing.is_empty() && !model.meaning.is_empty(), "{id} does not say what they mean");
        }
        assert!(recipe_script(&catalogue, model).unwrap().starts_with("#!/usr/bin/env bash"), "{id}");
    }
}

#[test]
fn kept_files_are_what_the_catalogue_says_and_are_small_and_free() {
    let catalogue = built_in();
    let (_folder, cache) = empty_cache();
    let puller = Puller::new(&cache, &Silent).offline(true);
    let is_kept = |model: &&Model| model.files.iter().any(|file| matches!(file.source, Source::Kept { .. }));
    let kept: Vec<&Model> = catalogue.models().iter().filter(is_kept).collect();
    assert!(kept.len() >= 3);
    let mut total = 0;
    for model in kept {
        puller.pull(model).unwrap();
        assert!(!model.is_gated(), "{} may not be passed on", model.id);
        total += model.size().unwrap();
    }
    assert!(total <= 20_000_000, "{total} bytes are kept in the repository");
}

/// models/README.md says where everything comes from and under which licence: to people, who do not read TOML.
#[test]
fn the_table_of_licences_is_complete() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/README.md")).unwrap();
    for model in built_in().models() {
        let row = readme.lines().find(|line| line.starts_with(&format!("| {} |", model.id)));
        let row = row.unwrap_or_else(|| panic!("models/README.md has no row of {}", model.id));
        let gate = match (model.commercial_use, model.copyleft) {
            (_, true) => "copyleft",
            (CommercialUse::Yes, _) => "yes",
            (CommercialUse::No, _) => "no",
            (CommercialUse::Unclear, _) => "unclear",
        };
        assert!(row.contains(&model.licence) && row.contains(&format!("| {gate} |")), "{row}");
        for file in &model.files {
            for archive in file.source.members().iter().map(|member| &member.archive) {
                assert!(row.contains(&archive.to_string()), "{row} does not say {archive}");
            }
            if let Source::Url(url) = &file.source {
                let host = url.split('/').nth(2).unwrap();
                assert!(row.contains(host), "{row} does not say {host}");
            }
            if let Some(export) = file.source.export() {
                let checkpoints = export.checkpoints.iter().all(|id| row.contains(id.as_str()));
                assert!(checkpoints && row.contains(&export.recipe), "{row} does not say how it is exported");
            }
        }
    }
    let table = readme.split("## Provenance and licences").nth(1).unwrap();
    for id in table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).filter(|id| *id != "model")
    {
        assert!(built_in().get(id).is_ok(), "models/README.md has a row of {id}, which the catalogue has not");
    }
}

/// Digests are what a publisher's file is known by: none is missing, and none stands for two files.
#[test]
fn what_publishers_distribute_is_known_exactly() {
    let catalogue = built_in();
    let mut seen = BTreeMap::new();
    for model in catalogue.models() {
        for file in &model.files {
            let Source::Url(url) = &file.source else { continue };
            let digest = file.sha256.unwrap_or_else(|| panic!("{} does not know {url}", model.id));
            assert!(url.starts_with("https://"), "{url}");
            assert!(!model.checked.is_empty(), "{} does not say who states its digest", model.id);
            if let Some(other) = seen.insert(digest, model.id.clone()) {
                panic!("{other} and {} are one file", model.id);
            }
        }
    }
    assert!(seen.len() >= 60, "{}", seen.len());
}

/// Whoever exports a model has allowed what it is made of.
#[test]
fn an_export_is_under_the_licence_of_its_checkpoints() {
    let catalogue = built_in();
    let exported: Vec<&Model> = catalogue.models().iter().filter(|model| model.is_exported()).collect();
    assert!(exported.len() >= 28);
    for model in exported {
        let checkpoints = model.files.iter().filter_map(|file| file.source.export()).flat_map(|of| &of.checkpoints);
        for checkpoint in checkpoints.map(|id| catalogue.get(id).unwrap()) {
            assert!(model.is_gated() || !checkpoint.is_gated(), "{} is free, {} is not", model.id, checkpoint.id);
        }
        let error = model.digest().unwrap_err().to_string();
        assert!(error.contains(&format!("`framefleet models convert {}", model.id)), "{error}");
    }
}

#[test]
fn a_setting_chooses_by_id_and_otherwise_there_is_one_default() {
    let catalogue = built_in();
    let chosen = |profile, setting| catalogue.choose("pose", "pose-landmarks", profile, setting).unwrap().id.clone();
    assert_eq!(chosen("fast", None), "blazepose-lite");
    assert_eq!(chosen("quality", None), "blazepose-heavy");
    assert_eq!(chosen("fast", Some("blazepose-heavy")), "blazepose-heavy");

    let error = catalogue.choose("pose", "pose-landmarks", "fast", Some("yunet-2023mar")).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ModelError::NotOfRole { .. }), "{text}");
    assert!(["blazepose-lite", "blazepose-full", "blazepose-heavy"].iter().all(|id| text.contains(id)), "{text}");
    let error = catalogue.choose("lighting", "pose-landmarks", "fast", None).unwrap_err();
    assert!(matches!(&error, ModelError::NoDefault { .. }) && error.to_string().contains("blazepose-lite"), "{error}");
    let error = catalogue.get("blazepose").unwrap_err().to_string();
    assert!(error.contains("\"blazepose\"") && error.contains("blazepose-lite"), "{error}");
    assert_eq!(catalogue.defaults("face-clustering", "balanced").count(), 2, "a detector and an embedding");
    assert_eq!(catalogue.onnx_runtime(false).unwrap().format, Format::Library);
}

#[test]
fn weights_that_are_not_free_are_allowed_by_name() {
    let catalogue = built_in();
    let model = |id| catalogue.get(id).unwrap();
    let (free, gated, copyleft) = (model("yunet-2023mar"), model("scrfd-500m"), model("isnet-small"));
    assert!(Allowed::nothing().check(free).is_ok());
    for (model, why) in [(gated, "no commercial use"), (copyleft, "copyleft")] {
        let error = Allowed::nothing().check(model).unwrap_err().to_string();
        for part in [&model.id, &model.licence, why, &format!("--allow-licence {}", model.id)] {
            assert!(error.contains(part), "{error}");
        }
        assert!(Allowed::of([&model.id]).check(model).is_ok());
        assert!(Allowed::of([model.licence.to_uppercase()]).check(model).is_ok());
        assert!(Allowed::of(["MIT", "something-else"]).check(model).is_err());
    }
    let (_folder, cache) = empty_cache();
    let error = cache.installed(gated).unwrap_err().to_string();
    assert!(error.contains("`framefleet models pull scrfd-500m --allow-licence scrfd-500m`"), "{error}");
    let error = Puller::new(&cache, &Silent).offline(true).pull(gated).unwrap_err();
    assert!(matches!(error, ModelError::Licence { .. }), "the licence comes before the network");
}

/// How many items a model takes: its inputs say whether that is free, and one_by_one why it is not.
#[test]
fn an_entry_says_how_many_items_go_together() {
    let read = |more: &str| {
        let text = entry("mine", None, &Sha256::of(b"x").to_string(), "path = \"x.bin\"");
        Catalogue::of_text(&format!("{text}\n{more}"), Path::new("own.toml")).map(|all| all.models()[0].batch.clone())
    };
    let free = "inputs = [{ name = \"x\", type = \"f32\", shape = [\"N\", 3] }]\n";
    let fixed = "inputs = [{ name = \"x\", type = \"f32\", shape = [1, 3] }]\n";
    let set = |cpu, gpu| Batch::Free { cpu, gpu };
    assert_eq!([read("").unwrap(), read(free).unwrap()], [set(1, 32), set(1, 32)]);
    assert_eq!(read(&format!("{free}batch = {{ cpu = 4, gpu = 2 }}")).unwrap(), set(4, 2));
    assert_eq!(read(&format!("{free}one_by_one = \"it remembers\"")).unwrap(), Batch::One("it remembers".to_owned()));
    assert!(matches!(read(fixed).unwrap(), Batch::One(why) if why.contains("made for one")));
    for (more, why) in [
        (format!("{fixed}batch = {{ cpu = 4 }}"), "first size is free"),
        (format!("{free}batch = {{ cpu = 4 }}\none_by_one = \"it remembers\""), "contradict"),
        (format!("{free}batch = {{ cpu = 0 }}"), "one item at least"),
    ] {
        let error = read(&more).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn an_own_catalogue_adds_models_and_replaces_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    write(
        &entry("mine", None, &Sha256::of(b"x").to_string(), "path = \"x.bin\"")
            .replace("\"test\"", "\"face-detection\""),
    );
    let catalogue = built_in().with_file(&path).unwrap();
    assert_eq!(catalogue.choose("sync", "face-detection", "fast", Some("mine")).unwrap().id, "mine");
    assert_eq!(catalogue.choose("sync", "face-detection", "fast", None).unwrap().id, "yunet-2023mar");
    let source = &catalogue.get("mine").unwrap().files[0].source;
    assert!(matches!(source, Source::Path(at) if *at == folder.path().join("x.bin")), "paths start at the catalogue");

    let own = entry("mine", None, &Sha256::of(b"x").to_string(), "path = \"x.bin\"");
    let default = "\"face-detection\"\nstages = { sync = [\"fast\"] }";
    for (text, says) in [
        (own.replace("\"mine\"", "\"yunet-2023mar\""), "there is a model \"yunet-2023mar\" already"),
        (own.replace("\"test\"", default), "runs \"yunet-2023mar\""),
    ] {
        write(&text);
        let error = built_in().with_file(&path).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("own.toml"), "{error}");
    }
    let error = built_in().with_file(&folder.path().join("absent.toml")).unwrap_err().to_string();
    assert!(error.contains("absent.toml") && error.contains("cannot be read"), "{error}");
}

#[test]
fn what_is_wrong_with_a_catalogue_is_said_where_it_is() {
    let digest = Sha256::of(b"x").to_string();
    let sound = entry("m", Some(1), &digest, "path = \"x\"");
    catalogue(&sound);
    let archive =
        |fields: &str| format!("[archives.p]\n{fields}\nversion = \"1\"\nsize = 1\nsha256 = \"{digest}\"\n{sound}");
    let cases = [
        (sound.replace("role", "rolle"), "rolle"),
        (sound.replace(&digest, "abc"), "no SHA-256 digest"),
        (sound.replace("size = 1", "size = 99999999999999"), "more than a file may have"),
        (sound.replace("weights.bin", "../weights.bin"), "one part of a path"),
        (sound.replace("weights.bin", "/etc/passwd"), "one part of a path"),
        (sound.replace("weights.bin", ".."), "one part of a path"),
        (sound.replace("weights.bin", ".hashed.json"), "one part of a path"),
        (sound.replace("\"m\"", "\"M m\""), "an id is made of"),
        (sound.replace("\"yes\"", "\"maybe\""), "maybe"),
        (sound.replace("path = \"x\"", "path = \"x\", url = \"https://x\""), "from is one of"),
        (sound.replace("path = \"x\"", "url = \"ftp://x\""), "begins with https://"),
        (sound.replace("path = \"x\"", "kept = \"x\", path = \"x\""), "belong to a recipe"),
        (sound.replace("path = \"x\"", "recipe = \"rm\", inputs = []"), "there is no recipe \"rm\""),
        (sound.replace("path = \"x\"", "recipe = \"join\""), "needs inputs"),
        (sound.replace("path = \"x\"", "export = \"rm\", checkpoints = [\"m\"]"), "there is no export \"rm\""),
        (sound.replace("path = \"x\"", "export = \"lpips\""), "needs checkpoints"),
        (sound.replace("path = \"x\"", "export = \"lpips\", checkpoints = [\"gone\"]"), "no checkpoint \"gone\""),
        (sound.replace("path = \"x\"", "export = \"lpips\", checkpoints = [\"m\"]"), "no checkpoint \"m\""),
        (sound.replace("path = \"x\"", "path = \"x\", checkpoints = [\"m\"]"), "belong to an export"),
        (sound.replace("path = \"x\"", "export = \"lpips\", url = \"https://x\""), "and nothing else"),
        (sound.replace("path = \"x\"", "archive = \"q\", path = \"x\""), "there is no archive \"q\""),
        (entry("m", None, "unknown", "recipe = \"join\", inputs = []"), "needs inputs"),
        (sound.replace("architecture", "stages = { pose = [\"fastest\"] }\narchitecture"), "no profile \"fastest\""),
        (sound.clone() + &sound, "there twice"),
        (archive("pypi = \"a\"\nnpm = \"b\""), "give pypi"),
        (archive("pypi = \"--index-url=evil\""), "names no package"),
        (archive("npm = \"https://evil/x.tgz\""), "names no package"),
        (archive("npm = \"@scope/../x\""), "names no package"),
        (archive("npm = \"x\"\nwheel = { python = \"311\", platform = \"x\" }"), "wheel says nothing"),
    ];
    for (text, says) in cases {
        let error = Catalogue::of_text(&text, Path::new("own.toml")).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("own.toml"), "wanted \"{says}\", got: {error}\nof\n{text}");
    }
}

#[test]
fn an_unknown_id_is_answered_by_those_that_resemble_it() {
    let catalogue = built_in();
    let said = |id: &str| catalogue.get(id).unwrap_err().to_string();
    assert!(said("yunet-2032mar").contains("did you mean yunet-2023mar"), "{}", said("yunet-2032mar"));
    assert!(said("CLIP").contains("did you mean clip-vit-b32-image"), "{}", said("CLIP"));
    assert_eq!(said("qqqq"), "there is no model \"qqqq\"; `framefleet models list` shows all");
    assert!(said("sam2").split(", ").count() == 5, "{}", said("sam2"));
}
