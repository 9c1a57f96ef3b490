//! A folder of photographs of persons for tests, and what a job made of it. What was written is known, so all that is said of it can be checked.
use crate::processes::process::with_test_stages;
use crate::processes::{Fleet, status};
use crate::program::{Ran, json, records};
use framefleet_proto::control::JobStatus;
use opencv::core::{CV_8UC3, Mat, Scalar, Vector};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Numbers that look random and are the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    /// Names of photographs, each drawn once.
    pub fn draw(&mut self, names: &mut Vec<String>, count: usize) -> Vec<String> {
        (0..count).map(|_| names.swap_remove(self.roll(names.len()))).collect()
    }
}

/// Where the pixels of a PNG begin.
const PNG_PIXELS: usize = 41;

/// Writes a photograph of a person (0: of nobody) with a number of its own.
fn photograph(path: &Path, person: u8, number: u16) {
    let [high, low] = number.to_be_bytes();
    let colour = Scalar::new(f64::from(low), f64::from(high), f64::from(person), 0.0);
    let picture = Mat::new_rows_cols_with_default(16, 48, CV_8UC3, colour).unwrap();
    assert!(opencv::imgcodecs::imwrite(path.to_str().unwrap(), &picture, &Vector::new()).unwrap());
}

/// A folder of photographs, what was written into it, and the output of the jobs on it.
pub struct Album {
    _place: tempfile::TempDir,
    pub folder: PathBuf,
    pub output: PathBuf,
    pub log: PathBuf,
    /// By name: person and number.
    pub photographs: BTreeMap<String, (u8, u16)>,
    /// Files without a picture, by name: whether one has a header, so that it counts as a photograph.
    pub broken: BTreeMap<String, bool>,
    next: u16,
}

impl Album {
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("album");
        std::fs::create_dir(&folder).unwrap();
        let (output, log) = (place.path().join("out"), place.path().join("log"));
        Self { _place: place, folder, output, log, photographs: BTreeMap::new(), broken: BTreeMap::new(), next: 0 }
    }

    /// Adds a photograph, or puts another in place of one.
    pub fn write(&mut self, name: &str, person: u8) -> u16 {
        self.next += 1;
        photograph(&self.folder.join(name), person, self.next);
        self.photographs.insert(name.to_owned(), (person, self.next));
        self.broken.remove(name);
        self.next
    }

    /// Adds a file without a picture: broken behind its header, or no image at all.
    pub fn write_broken(&mut self, name: &str, has_header: bool) {
        self.next += 1;
        let path = self.folder.join(name);
        photograph(&path, 0, self.next);
        let mut bytes = std::fs::read(&path).unwrap();
        if has_header {
            bytes[PNG_PIXELS..].fill(b'x');
        } else {
            bytes = format!("no picture {}", self.next).into_bytes();
        }
        std::fs::write(&path, bytes).unwrap();
        self.broken.insert(name.to_owned(), has_header);
    }

    pub fn delete(&mut self, name: &str) {
        std::fs::remove_file(self.folder.join(name)).unwrap();
        assert!(self.photographs.remove(name).is_some() || self.broken.remove(name).is_some(), "there is no {name}");
    }

    pub fn rename(&mut self, from: &str, to: &str) {
        std::fs::rename(self.folder.join(from), self.folder.join(to)).unwrap();
        match self.photographs.remove(from) {
            Some(photograph) => {
                self.photographs.insert(to.to_owned(), photograph);
            }
            None => {
                let has_header = self.broken.remove(from).unwrap();
                self.broken.insert(to.to_owned(), has_header);
            }
        }
    }

    /// The program with the stages of the tests.
    pub fn program(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(with_test_stages()).args(arguments).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub fn try_run(&self, more: &[&str]) -> Ran {
        let (folder, output) = (self.folder.to_str().unwrap(), self.output.to_str().unwrap());
        let choices = self.choices();
        let job = ["run", folder, "--output", output].into_iter().chain(choices.iter().map(String::as_str));
        self.program(&job.chain(more.iter().copied()).collect::<Vec<_>>())
    }

    /// What a job is, for the verb that does it.
    pub fn choices(&self) -> [String; 4] {
        let log = format!("portraits.log={:?}", self.log.to_str().unwrap());
        ["--stages".to_owned(), "portraits".to_owned(), "--set".to_owned(), log]
    }

    /// Runs the job; the numbers of the photographs that the stage has seen.
    pub fn run(&self) -> (BTreeSet<u16>, Ran) {
        let _ = std::fs::remove_file(&self.log);
        let ran = self.try_run(&[]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        (self.seen(), ran)
    }

    /// Does the job in a fleet; the numbers of the photographs that the stage has seen, and how the job ended.
    pub fn submit(&self, fleet: &Fleet, more: &[&str]) -> (BTreeSet<u16>, JobStatus) {
        let _ = std::fs::remove_file(&self.log);
        let choices = self.choices();
        let arguments: Vec<&str> = choices.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let job = fleet.wait(&fleet.submit(&self.folder, &self.output, &arguments));
        (self.seen(), status(&job))
    }

    fn seen(&self) -> BTreeSet<u16> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let numbers: Vec<u16> = log.lines().map(|line| line.split_once(':').unwrap().1.parse().unwrap()).collect();
        let seen: BTreeSet<u16> = numbers.iter().copied().collect();
        assert_eq!(seen.len(), numbers.len(), "nothing is seen twice");
        seen
    }

    pub fn edit(&self, arguments: &[&str]) -> Ran {
        let ran = self.program(&[&["edit", self.output.to_str().unwrap(), "portraits"], arguments].concat());
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        ran
    }

    /// Who is on each photograph, by the records: the name that their identity has.
    pub fn named(&self) -> BTreeMap<String, String> {
        let summary = json(&self.output, "summary/portraits.json");
        let names: BTreeMap<u64, String> = summary["identity"]
            .as_array()
            .unwrap()
            .iter()
            .map(|identity| (identity["number"].as_u64().unwrap(), identity["name"].as_str().unwrap().to_owned()))
            .collect();
        let tracks = summary["face_track"].as_array().unwrap();
        tracks
            .iter()
            .map(|track| {
                (track["file"].as_str().unwrap().to_owned(), names[&track["identity"].as_u64().unwrap()].clone())
            })
            .collect()
    }

    /// Names a person, by one of their photographs.
    pub fn name(&self, photograph: &str, name: &str) {
        self.edit(&["name", &format!("album:{photograph}:0"), name]);
    }

    /// Names of the files that have failed, by the list of failures.
    pub fn failed(&self) -> BTreeSet<String> {
        // It is not there when nothing has failed.
        let text = std::fs::read_to_string(self.output.join("failures.jsonl")).unwrap_or_default();
        let failures = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        // What is no image is no picture of the folder: it is named by itself.
        let name = |failure: Value| failure["file"].as_str().or(failure["item"].as_str()).unwrap().to_owned();
        failures.map(name).map(|name| name.trim_start_matches("album/").to_owned()).collect()
    }

    /// Records and artifacts speak of the photographs that are there, under the names that they have, and of nothing else.
    pub fn check(&self) {
        let rows = records(&self.output, "portraits");
        let file = |row: &Value| row["file"].as_str().unwrap().to_owned();
        let (without, rows): (Vec<Value>, Vec<Value>) = rows.into_iter().partition(|row| !row["outcome"].is_null());
        let broken = self.broken.iter().filter(|(_, has_header)| **has_header).map(|(name, _)| name.clone());
        assert_eq!(without.iter().map(file).collect::<BTreeSet<_>>(), broken.collect());
        let found: BTreeMap<String, u8> = rows
            .iter()
            .map(|row| {
                let left = row["face"][0]["box"][0].as_f64().unwrap_or(0.0);
                (file(row), left as u8)
            })
            .collect();
        assert_eq!(found.len(), rows.len(), "each photograph has one row");
        let expected: BTreeMap<String, u8> =
            self.photographs.iter().map(|(name, (person, _))| (name.clone(), *person)).collect();
        assert_eq!(found, expected);
        let folder = self.output.join("artifacts/portraits/album");
        let mut artifacts = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            artifacts
                .insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap());
        }
        let expected: BTreeMap<String, String> = self
            .photographs
            .iter()
            .map(|(name, (person, number))| {
                (name.rsplit_once('.').unwrap().0.to_owned(), format!("{person}:{number}\n"))
            })
            .collect();
        assert_eq!(artifacts, expected);
        let summary = json(&self.output, "summary/portraits.json");
        let counts = json!({"result": self.photographs.len(), "failed": 0, "skipped": without.len()});
        assert_eq!(summary["items"]["album"], counts);
        let verified = self.program(&["verify", self.output.to_str().unwrap(), "--deep", "--json"]);
        assert_eq!(verified.code, Some(0), "{verified:#?}");
    }
}
