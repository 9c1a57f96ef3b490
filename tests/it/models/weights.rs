//! Weights by one command: from a mirror, by a proxy, with enough space, with the tensors that the catalogue says.
use super::proxy::Proxy;
use super::server::{Server, good};
use super::{Place, at_url, done, entry, ran, weights};
use framefleet_models::{Catalogue, Dimension, Format, Model, Sha256, Tensor};
use framefleet_testkit_models::RandomGraph;
use std::path::Path;

#[test]
fn lists_are_short_where_they_are_asked_for_something() {
    let place = Place::new("");
    let all = place.done(&["list"]);
    assert!(all.lines().all(|line| line.chars().count() <= 140), "{all}");
    assert!(all.contains("\nvideo-matting: soft masks of persons, frame after frame\n"), "a heading for each role");
    let faces = place.done(&["list", "--role", "face-detection"]);
    assert!(faces.starts_with("face-detection: ") && faces.contains("yunet-2023mar") && !faces.contains("silero-vad"));
    assert_eq!(place.done(&["list", "--installed"]).trim(), "no models");
    place.done(&["pull", "yunet-2023mar", "--offline"]);
    let installed = place.done(&["list", "--installed", "--stage", "sync"]);
    assert!(installed.contains("yunet-2023mar") && installed.ends_with("1 models, 1 installed\n"), "{installed}");
    assert!(place.refused(&["list", "--role", "juggling"], 64).contains("face-detection"), "roles are listed");
}

#[test]
fn size_and_licence_are_said_before_anything_is_fetched() {
    let server = Server::start(|_, request, stream| good(request, stream, weights()));
    let sized = at_url("m", weights(), &server.url("f"))
        .replace("sha256 = ", &format!("size = {}, sha256 = ", weights().len()));
    let place = Place::new(&sized);
    let ran = place.run(&["pull", "m"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (announced, fetched) =
        (ran.err.find("to fetch: 1 model, 2.3 MiB; ").unwrap(), ran.err.find(&server.url("f")).unwrap());
    assert!(announced < fetched && ran.err.contains(" are free") && ran.err.contains("MIT"), "{}", ran.err);
    assert!(!place.run(&["pull", "m"]).err.contains("to fetch"), "it is here");

    let huge = at_url("huge", weights(), &server.url("f"));
    let huge: String = (0..400)
        .map(|number| {
            let digest = Sha256::of(format!("{number}").as_bytes()).to_string();
            let text = huge.replace("\"huge\"", &format!("\"huge{number}\""));
            text.replace(&Sha256::of(weights()).to_string(), &digest)
                .replace("sha256 = ", "size = 68719476736, sha256 = ")
        })
        .collect();
    let before = server.requests().len();
    let place = Place::new(&huge);
    let ids: Vec<String> = (0..400).map(|number| format!("huge{number}")).collect();
    let arguments: Vec<&str> = ["pull"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    let refusal = place.refused(&arguments, 1);
    assert!(refusal.contains("free: make space"), "{refusal}");
    assert_eq!(server.requests().len(), before, "nobody was asked");
}

#[test]
fn a_proxy_is_used_but_for_hosts_that_need_none() {
    let server = Server::start(|_, request, stream| good(request, stream, weights()));
    let port = server.url("").rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    // A name that only the proxy knows.
    let place = Place::new(&at_url("m", weights(), &format!("http://weights.invalid:{port}/f")));
    let pull = |place: &Place, set: &[(&str, &str)]| {
        let mut command = place.command(&["pull", "m"]);
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        ran(command.envs(set.iter().copied()))
    };
    let refuses = Proxy::start(false);
    let refused = pull(&place, &[("HTTP_PROXY", &refuses.address())]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("proxy") && refused.err.contains("NO_PROXY"), "{}", refused.err);
    assert!(!refused.err.contains("passed-word"), "{}", refused.err);

    let proxy = Proxy::start(true);
    done(&pull(&place, &[("HTTP_PROXY", &proxy.address())]));
    assert_eq!(proxy.asked(), [format!("weights.invalid:{port}")]);
    assert_eq!(server.requests().len(), 1);
    assert!(place.done(&["verify"]).contains("1 models, 0 problems"));

    let direct = Place::new(&at_url("m", weights(), &server.url("f")));
    done(&pull(&direct, &[("HTTP_PROXY", &refuses.address()), ("NO_PROXY", "example.org,127.0.0.1")]));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn an_air_gapped_machine_takes_models_from_a_folder() {
    let server = Server::start(|_, request, stream| good(request, stream, weights()));
    let text = at_url("m", weights(), &server.url("f")) + &at_url("n", b"other weights", &server.url("n"));
    let connected = Place::new(&text);
    connected.done(&["pull", "m"]);
    let apart = Place::new(&text);
    let source = connected.cache().display().to_string();
    assert!(apart.done(&["pull", "m", "--from", &source]).contains("m: installed"));
    let before = server.requests().len();
    let both = apart.refused(&["pull", "m", "n", "--from", &source], 1);
    assert!(both.contains("n.bin of model n") && both.contains(&source), "{both}");
    assert!(apart.done(&["verify", "m"]).contains("sound"));
    assert_eq!(server.requests().len(), before, "nobody was asked");
}

#[test]
fn what_is_nothing_to_convert_is_said() {
    let place = Place::new("");
    assert!(place.refused(&["convert", "yunet-2023mar"], 64).contains("framefleet models pull"));
    let gated = place.refused(&["convert", "syncnet-v2-checkpoint", "--offline"], 78);
    assert!(gated.contains("--allow-licence syncnet-v2"), "{gated}");
    let allowed = ["convert", "syncnet-v2-checkpoint", "--offline", "--allow-licence", "syncnet-v2-checkpoint"];
    assert!(place.refused(&allowed, 1).contains("--offline"));
    assert!(
        place.refused(&["pull", "sam2.1-hiera-tiny-encoder"], 78).contains("models convert sam2.1-hiera-tiny-encoder")
    );
    assert!(place.done(&["list", "--role", "promptable-encoder"]).contains("to convert"));
    let script = place.done(&["export-recipe", "syncnet-v2"]);
    assert!(["-m venv", "syncnet_v2.model", "syncnet.py", "checkpoint.py"].iter().all(|part| script.contains(part)));
}

/// Tensors as an entry has them.
fn tensors(tensors: &[Tensor]) -> String {
    let size = |size: &Dimension| match size {
        Dimension::Fixed(size) => size.to_string(),
        Dimension::Named(name) => format!("\"{name}\""),
    };
    let tensor = |tensor: &Tensor| {
        let shape: Vec<String> = tensor.shape.iter().map(size).collect();
        let element = format!("{:?}", tensor.element).to_lowercase();
        format!("{{ name = \"{}\", type = \"{element}\", shape = [{}] }}", tensor.name, shape.join(", "))
    };
    tensors.iter().map(tensor).collect::<Vec<_>>().join(", ")
}

/// An entry of a graph on this machine, with the tensors of another entry.
fn with_tensors(id: &str, file: &framefleet_infer::Model, like: &Model) -> String {
    let from = format!("path = \"{}\"", file.path.display());
    let (inputs, outputs) = (tensors(&like.inputs), tensors(&like.outputs));
    entry(id, &file.sha256, &from) + &format!("inputs = [{inputs}]\noutputs = [{outputs}]\n")
}

/// Every signature of the catalogue is one that ONNX Runtime opens and that the check understands: a graph of random weights for
/// each entry. What differs is named.
#[test]
fn the_tensors_of_a_file_are_compared_with_its_entry() {
    let catalogue = Catalogue::built_in().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let is_graph = |model: &&Model| model.format == Format::Onnx && !model.inputs.is_empty();
    let models: Vec<&Model> = catalogue.models().iter().filter(is_graph).collect();
    assert!(models.len() > 100);
    let graph = |model: &Model, folder: &Path| RandomGraph::of(model).write(folder).unwrap();
    let text: String = models
        .iter()
        .map(|model| with_tensors(&format!("x-{}", model.id), &graph(model, folder.path()), model))
        .collect();
    let place = Place::new(&text);
    let ids: Vec<String> = models.iter().map(|model| format!("x-{}", model.id)).collect();
    place.done(&["pull"].into_iter().chain(ids.iter().map(String::as_str)).collect::<Vec<_>>());
    let verified = place.done(&["verify"]);
    let compared = verified.lines().filter(|line| line.contains("tensors as in the catalogue")).count();
    assert_eq!(compared, models.len(), "{verified}");

    // A decoder's file in place of its encoder's, and one whose input has another size.
    let (encoder, decoder) = ("sam2.1-hiera-tiny-encoder", "sam2.1-hiera-tiny-decoder");
    let decoder = graph(catalogue.get(decoder).unwrap(), folder.path());
    let mut smaller = catalogue.get("lama-512").unwrap().clone();
    smaller.id = "smaller".to_owned();
    smaller.inputs[1].shape[3] = Dimension::Fixed(256);
    let smaller = graph(&smaller, folder.path());
    let wrong = with_tensors("swapped", &decoder, catalogue.get(encoder).unwrap())
        + &with_tensors("smaller", &smaller, catalogue.get("lama-512").unwrap());
    let place = Place::new(&wrong);
    let swapped = place.refused(&["pull", "swapped"], 1);
    assert!(swapped.contains("model swapped: input \"image\" is not in the file"), "{swapped}");
    let smaller = place.refused(&["pull", "smaller"], 1);
    let says =
        ["model smaller: input \"mask\" is f32 [1, 1, 512, 256] in the file", "f32 [1, 1, 512, 512] in the catalogue"];
    assert!(says.iter().all(|part| smaller.contains(part)), "{smaller}");
    let verified = place.run(&["verify"]);
    assert!(verified.code == Some(1) && verified.out.contains("2 models, 2 problems"), "{verified:?}");
}

/// With real Python: a virtual environment with libraries of the public registry (40 MB), a checkpoint of random weights as PyTorch
/// writes them (`tools/parity/checkpoints.py`), and the export that SyncNet's own checkpoint gets.
#[test]
fn a_checkpoint_becomes_a_graph_in_an_environment_of_its_own() {
    const SHA256: &str = "71c101df6b675c2e97d8daf2043318e9ab3d35d367b4df9a28f8c8024ea13e0b";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/it/models/narrow-syncnet.pth");
    let checkpoint = entry("narrow", SHA256, &format!("path = \"{}\"", file.display()));
    let checkpoint = checkpoint.replace("licence =", "format = \"checkpoint\"\nlicence =");
    let graph = entry("graph", "unknown", "export = \"syncnet\", checkpoints = [\"narrow\"]");
    let mut syncnet = Catalogue::built_in().unwrap().get("syncnet-v2").unwrap().clone();
    for output in &mut syncnet.outputs {
        output.shape[1] = Dimension::Fixed(32);
    }
    let (inputs, outputs) = (tensors(&syncnet.inputs), tensors(&syncnet.outputs));
    let place = Place::new(&format!("{checkpoint}{graph}inputs = [{inputs}]\noutputs = [{outputs}]\n"));

    let converted = place.done(&["convert", "narrow"]);
    assert!(
        converted.contains("graph: installed, ") && converted.contains("tensors as in the catalogue"),
        "{converted}"
    );
    let again = place.run(&["convert", "graph", "--offline"]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), converted.as_str()), "it is here");
    assert!(place.done(&["verify"]).contains("2 models, 0 problems"));
    assert!(place.done(&["list", "--installed"]).contains("graph"));
    let path = place.done(&["where", "graph"]);
    assert!(std::fs::metadata(path.trim()).unwrap().len() > 70_000);
}

/// Files that compute in fewer bits are opened as they are.
#[test]
fn tensors_are_compared_whatever_a_file_computes_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/infer/tests/models");
    let text: String = ["classifier", "classifier_fp16", "classifier_int8"]
        .iter()
        .map(|name| {
            let path = folder.join(format!("{name}.onnx"));
            let digest = Sha256::of(&std::fs::read(&path).unwrap()).to_string();
            let entry = entry(&name.replace('_', "-"), &digest, &format!("path = \"{}\"", path.display()));
            // No source states these names.
            entry + "inputs = [{ name = \"*\", type = \"f32\", shape = [\"N\", 3, 16, 16] }]\noutputs = [{ name = \"*\", type = \"f32\", shape = [\"N\", \"C\"] }]\n"
        })
        .collect();
    let place = Place::new(&text);
    place.done(&["pull", "classifier", "classifier-fp16", "classifier-int8"]);
    let verified = place.done(&["verify"]);
    assert_eq!(verified.matches("tensors as in the catalogue").count(), 3, "{verified}");
}
