//! A film whose sound was changed: what listens to it is done again, and nothing else.
use crate::faces::done;
use crate::program::{digest, json, with_models};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Two films of a face, each with a tone on eight channels: sound enough that its middle is in neither megabyte by which an
/// item is known again.
struct Films {
    films: PathBuf,
    pipeline: PathBuf,
    output: PathBuf,
    folder: tempfile::TempDir,
}

impl Films {
    fn new(pipeline: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let new = Self { films: at("films"), pipeline: at("job.toml"), output: at("out"), folder };
        std::fs::create_dir(&new.films).unwrap();
        std::fs::write(&new.pipeline, pipeline).unwrap();
        for (name, tone) in [("a.mov", 300), ("b.mov", 400)] {
            film(&new.films.join(name), tone);
        }
        new
    }

    fn run_into(&self, output: &Path) {
        let (films, pipeline) = (self.films.to_str().unwrap(), self.pipeline.to_str().unwrap());
        done(&["run", films, "--pipeline", pipeline, "--output", output.to_str().unwrap()]);
    }

    fn run(&self) {
        self.run_into(&self.output);
    }

    /// Tasks that the last run did, by step.
    fn tasks(&self) -> Vec<(String, u64)> {
        let job = json(&self.output, "job.json");
        let steps = job["results"]["timings"]["steps"].as_array().unwrap();
        let tasks =
            steps.iter().map(|step| (step["step"].as_str().unwrap().to_owned(), step["tasks"].as_u64().unwrap()));
        tasks.filter(|(_, tasks)| *tasks > 0).collect()
    }

    /// The digest of what a new output would hold.
    fn expected(&self) -> String {
        let output = self.folder.path().join("expected");
        self.run_into(&output);
        let expected = digest(&output);
        std::fs::remove_dir_all(&output).unwrap();
        expected
    }

    /// What `verify` says of the items.
    fn problems(&self, deep: bool) -> Vec<String> {
        let mut words = vec!["verify", self.output.to_str().unwrap(), "--json"];
        words.extend(deep.then_some("--deep"));
        let ran = with_models(&words);
        let reported: Value = serde_json::from_str(&ran.out).unwrap();
        let problems: Vec<String> = reported["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| problem.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ran.code, Some(i32::from(!problems.is_empty())), "{ran:#?}");
        problems
    }
}

/// 36 frames of a portrait, and 1.44 s of sound.
fn film(path: &Path, tone: u32) {
    let picture = framefleet_testkit::sample("faces/obama.jpg").unwrap();
    let sound = format!(
        "sine=frequency={tone}:sample_rate=96000:duration=1.44,pan=octagonal|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0|c6=c0|c7=c0"
    );
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-loop", "1", "-framerate", "25", "-i"])
        .arg(picture)
        .args([
            "-f",
            "lavfi",
            "-i",
            &sound,
            "-t",
            "1.44",
            "-vf",
            "crop=700:800:100:0,scale=480:-2,crop=400:300,format=yuv420p",
        ])
        .args(["-c:v", "libx264", "-g", "12", "-c:a", "pcm_s32le"])
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

/// Writes noise over one packet of sound in the middle of a film; its length stays.
fn change_sound(film: &Path) {
    let arguments = ["-v", "error", "-select_streams", "a", "-show_entries", "packet=pos,size", "-of", "csv=p=0"];
    let reported = Command::new("ffprobe").args(arguments).arg(film).output().unwrap();
    let reported = String::from_utf8(reported.stdout).unwrap();
    let packets: Vec<[usize; 2]> = reported
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split(',').filter_map(|number| number.parse().ok());
            Some([numbers.next()?, numbers.next()?])
        })
        .collect();
    let [one, other] = packets[packets.len() / 2];
    let (size, place) = (one.min(other), one.max(other));
    let mut bytes = std::fs::read(film).unwrap();
    assert!(place > 1 << 20 && place + size + (1 << 20) < bytes.len(), "{place}+{size} of {}", bytes.len());
    for (number, byte) in bytes[place..place + size].iter_mut().enumerate() {
        *byte = (number.wrapping_mul(2_654_435_761) >> 13) as u8;
    }
    std::fs::write(film, bytes).unwrap();
}

/// Everything that works with a film's sound or beside it: sync listens, assemble copies it, the others see pictures.
#[test]
fn a_changed_sound_redoes_what_listens_and_what_copies_it() {
    for model in ["yunet-2023mar", "sface-2021dec", "face-mesh-attention", "silero-vad"] {
        framefleet_testkit_models::model(model).unwrap();
    }
    let films = Films::new(
        "[steps.lighting]\n[steps.motion]\n[steps.face-clustering]\n[steps.sync]\n\
         [steps.assemble.settings]\nencoding = \"h264\"\n[steps.mute]\nstage = \"assemble\"\n\
         [steps.mute.settings]\nencoding = \"h264\"\naudio = \"none\"\n",
    );
    films.run();
    assert!(films.tasks().len() >= 6, "{:?}", films.tasks());
    assert_eq!(films.problems(true), [""; 0]);
    let before = digest(&films.output);
    films.run();
    assert_eq!(films.tasks(), []);

    change_sound(&films.films.join("b.mov"));
    assert_eq!(films.problems(false), [""; 0], "the output is whole: only its source is another");
    let problems = films.problems(true);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("b.mov: its sound") && problems[0].contains("sync"), "{problems:?}");
    films.run();
    let one = |step: &str| (step.to_owned(), 1);
    let mut tasks = films.tasks();
    tasks.sort();
    assert_eq!(tasks, [one("assemble"), one("sync")], "one finish each, and no frame of anything");
    assert_eq!(films.problems(true), [""; 0]);
    let after = digest(&films.output);
    assert_ne!(after, before);
    assert_eq!(after, films.expected());
}
