//! Settings that name files: known by content, carried by the request, kept in the output.
use crate::footage::{folder, moving};
use crate::processes::process::with_test_stages;
use crate::processes::{Fleet, status};
use crate::program::{Ran, digest, json, records, worked};
use framefleet_proto::control::JobStatus;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder in which the program is started, with a clip of 40 frames and two texts.
struct Place {
    work: tempfile::TempDir,
    clip: PathBuf,
    output: PathBuf,
}

impl Place {
    fn new() -> Self {
        let work = folder();
        let (clip, output) = (moving(&work.path().join("clip.mp4"), 40), work.path().join("out"));
        let place = Self { work, clip, output };
        place.write("text.txt", "hello");
        place.write("ending.txt", "good bye");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A verb of the program with the stages of the tests, started in the folder.
    fn call(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(with_test_stages());
        let output = command.args(arguments).current_dir(self.work.path()).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What a job is: the stage with a text by its path in the folder, and an ending by its whole path.
    fn job(&self, text: &str) -> Vec<String> {
        let ending = self.path("ending.txt");
        let set = [format!("caption.text={text}"), format!("caption.ending={}", ending.display())];
        let mut job = vec![self.clip.display().to_string(), "--output".to_owned(), self.output.display().to_string()];
        job.extend(["--stages".to_owned(), "caption".to_owned()]);
        job.extend(set.into_iter().flat_map(|set| ["--set".to_owned(), set]));
        job
    }

    /// What the first frame says, and what is said at the end.
    fn said(&self) -> (Value, Value) {
        let first = records(&self.output, "caption")[0]["caption"][0].clone();
        (first, json(&self.output, "summary/caption.json")["statistics"]["said"].clone())
    }

    /// Tasks of the stage in the last run.
    fn tasks(&self) -> u64 {
        let job = json(&self.output, "job.json");
        let steps = job["results"]["timings"]["steps"].as_array().unwrap().clone();
        steps.iter().find(|step| step["step"] == "caption").unwrap()["tasks"].as_u64().unwrap()
    }

    /// Digests of the files that the output keeps.
    fn kept(&self) -> Vec<String> {
        let kept = fs::read_dir(self.output.join(".framefleet/files")).unwrap();
        kept.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// What becomes of a job whose files change, move and go, however it is done.
fn files_are_known_by_their_content(place: &Place, run: &dyn Fn(&[String]) -> Ran) {
    let run_well = |job: &[String]| {
        let ran = run(job);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
    };
    let said = |text: &str, ending: &str| {
        let frame = json!({ "instance": 0, "text": text, "ending": null });
        assert_eq!(place.said(), (frame, json!({ "text": text, "ending": ending })), "process is not told the ending");
    };
    run_well(&place.job("text.txt"));
    said("hello", "good bye");
    assert_eq!(worked(&place.output, "caption"), 40);
    let mut kept = place.kept();
    kept.sort();
    let mut expected = ["hello", "good bye"].map(|text| blake3::hash(text.as_bytes()).to_hex().to_string());
    expected.sort();
    assert_eq!(kept, expected);

    fs::rename(place.path("text.txt"), place.path("moved.txt")).unwrap();
    run_well(&place.job("moved.txt"));
    assert_eq!(place.tasks(), 0, "a path is nothing to a result");

    place.write("ending.txt", "farewell");
    run_well(&place.job("moved.txt"));
    said("hello", "farewell");
    assert_eq!(worked(&place.output, "caption"), 0, "finish alone reads it");

    place.write("moved.txt", "hallo");
    run_well(&place.job("moved.txt"));
    said("hallo", "farewell");
    assert_eq!(worked(&place.output, "caption"), 40, "one byte is another content");
    assert_eq!(place.kept().len(), 2, "what no setting names any more is gone");
    digest(&place.output);

    fs::remove_file(place.path("moved.txt")).unwrap();
    let before = digest(&place.output);
    for (content, words) in [
        (None, ["cannot be read", "No such file"]),
        (Some(vec![b'a'; 65]), ["longer than 64 B", ""]),
        (Some(vec![0xff]), ["text is no text", ""]),
    ] {
        content.into_iter().for_each(|content| place.write("moved.txt", content));
        let ran = run(&place.job("moved.txt"));
        assert_eq!(ran.code, Some(78), "{ran:#?}");
        for word in ["step caption: setting text names moved.txt: "].into_iter().chain(words) {
            assert!(ran.err.contains(word), "{word} is not in {ran:#?}");
        }
    }
    assert_eq!(digest(&place.output), before, "nothing was touched");
}

#[test]
fn in_one_process() {
    let place = Place::new();
    let run = |job: &[String]| {
        let job: Vec<&str> = ["run"].into_iter().chain(job.iter().map(String::as_str)).collect();
        place.call(&job)
    };
    files_are_known_by_their_content(&place, &run);
    let output = place.output.to_str().unwrap();
    let again = place.call(&["failures", "replay", output]);
    assert_eq!((again.code, place.tasks()), (Some(0), 0), "the output has what the path has no more: {again:#?}");
    fs::remove_dir_all(place.output.join(".framefleet/files")).unwrap();
    let lost = place.call(&["failures", "replay", output]);
    assert!(lost.code == Some(78) && lost.err.contains("step caption: setting text names moved.txt"), "{lost:#?}");
}

#[test]
fn over_nats() {
    let (place, fleet) = (Place::new(), Fleet::start(1));
    let server = format!("http://{}", fleet.api);
    fleet.wait_for_api();
    let run = |job: &[String]| {
        let call = ["submit", "--server", &server, "--watch"].into_iter().chain(job.iter().map(String::as_str));
        place.call(&call.collect::<Vec<_>>())
    };
    files_are_known_by_their_content(&place, &run);
    // A program that does not know the stage does not know that its setting names a file.
    let job = place.job("text.txt");
    let other = place.output.with_file_name("other");
    let stranger =
        fleet.call("submit", &[&job[0], "--output", other.to_str().unwrap(), "--pipeline", &pipeline(&place)]);
    assert_eq!(stranger.code, Some(64), "{stranger:#?}");
    assert!(stranger.err.contains("setting text names text.txt: the request does not carry the file"), "{stranger:#?}");
    assert!(!other.exists(), "a job that is refused leaves nothing behind");
}

/// A pipeline of the stage as a file.
fn pipeline(place: &Place) -> String {
    place.write("caption.toml", "[steps.caption]\nsettings = { text = \"text.txt\" }\n");
    place.path("caption.toml").display().to_string()
}

#[test]
fn a_file_that_is_damaged_in_the_output_is_told_from_the_one_submitted() {
    let (place, mut fleet) = (Place::new(), Fleet::bus_only());
    fleet.start_orchestrator();
    fleet.wait_for_api();
    let server = format!("http://{}", fleet.api);
    let job = place.job("text.txt");
    let call = ["submit", "--server", &server, "--json"].into_iter().chain(job.iter().map(String::as_str));
    let submitted = place.call(&call.collect::<Vec<_>>());
    let name = serde_json::from_str::<Value>(&submitted.out).unwrap()["job"]["name"].as_str().unwrap().to_owned();
    fleet.wait_until(&name, "the job to begin", |_| place.output.join("job.json").exists());
    let kept = place.output.join(".framefleet/files").join(blake3::hash(b"hello").to_hex().as_str());
    fs::write(&kept, "hullo").unwrap();
    fleet.start_worker(&[]);
    let ended = fleet.wait(&name);
    assert_eq!(status(&ended), JobStatus::Failed, "{ended:#}");
    let message = ended["message"].as_str().unwrap();
    assert!(
        message.contains("setting text names text.txt: ") && message.contains("not that of its digest"),
        "{message}"
    );
}
