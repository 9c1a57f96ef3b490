//! A folder of photographs that changes between runs: each change is done and told of by itself, and corrections stay with their pictures.
use crate::processes::process::with_test_stages;
use crate::program::{Ran, json, records};
use opencv::core::{CV_8UC3, Mat, Scalar, Vector};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Writes a photograph of a person (0: of nobody) with a number of its own.
fn photograph(path: &Path, person: u8, number: u16) {
    let [high, low] = number.to_be_bytes();
    let colour = Scalar::new(f64::from(low), f64::from(high), f64::from(person), 0.0);
    let picture = Mat::new_rows_cols_with_default(16, 48, CV_8UC3, colour).unwrap();
    assert!(opencv::imgcodecs::imwrite(path.to_str().unwrap(), &picture, &Vector::new()).unwrap());
}

/// A folder of photographs, what was written into it, and the output of the jobs on it.
struct Album {
    _place: tempfile::TempDir,
    folder: PathBuf,
    output: PathBuf,
    log: PathBuf,
    /// By name: person and number.
    photographs: BTreeMap<String, (u8, u16)>,
    next: u16,
}

impl Album {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("album");
        std::fs::create_dir(&folder).unwrap();
        let (output, log) = (place.path().join("out"), place.path().join("log"));
        Self { _place: place, folder, output, log, photographs: BTreeMap::new(), next: 0 }
    }

    /// Adds a photograph, or puts another in place of one.
    fn write(&mut self, name: &str, person: u8) -> u16 {
        self.next += 1;
        photograph(&self.folder.join(name), person, self.next);
        self.photographs.insert(name.to_owned(), (person, self.next));
        self.next
    }

    fn delete(&mut self, name: &str) {
        std::fs::remove_file(self.folder.join(name)).unwrap();
        self.photographs.remove(name).unwrap();
    }

    fn rename(&mut self, from: &str, to: &str) {
        std::fs::rename(self.folder.join(from), self.folder.join(to)).unwrap();
        let photograph = self.photographs.remove(from).unwrap();
        self.photographs.insert(to.to_owned(), photograph);
    }

    /// The program with the stages of the tests.
    fn program(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(with_test_stages()).args(arguments).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn try_run(&self, more: &[&str]) -> Ran {
        let (folder, output) = (self.folder.to_str().unwrap(), self.output.to_str().unwrap());
        let log = format!("portraits.log={:?}", self.log.to_str().unwrap());
        let job = ["run", folder, "--stages", "portraits", "--output", output, "--set", &log];
        self.program(&[&job[..], more].concat())
    }

    /// Runs the job; the numbers of the photographs that were looked at.
    fn run(&self) -> (BTreeSet<u16>, Ran) {
        let _ = std::fs::remove_file(&self.log);
        let ran = self.try_run(&[]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let numbers: Vec<u16> = log.lines().map(|line| line.split_once(':').unwrap().1.parse().unwrap()).collect();
        let seen: BTreeSet<u16> = numbers.iter().copied().collect();
        assert_eq!(seen.len(), numbers.len(), "nothing is looked at twice");
        (seen, ran)
    }

    fn edit(&self, arguments: &[&str]) -> Ran {
        let ran = self.program(&[&["edit", self.output.to_str().unwrap(), "portraits"], arguments].concat());
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        ran
    }

    /// Who is on each photograph, by the records: the name that their identity has.
    fn named(&self) -> BTreeMap<String, String> {
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
    fn name(&self, photograph: &str, name: &str) {
        self.edit(&["name", &format!("album:{photograph}:0"), name]);
    }

    /// Records and artifacts speak of the photographs that are there, under the names that they have, and of nothing else.
    fn check(&self) {
        let rows = records(&self.output, "portraits");
        let found: BTreeMap<String, u8> = rows
            .iter()
            .map(|row| {
                assert!(row["outcome"].is_null(), "{row}");
                let left = row["face"][0]["box"][0].as_f64().unwrap_or(0.0);
                (row["file"].as_str().unwrap().to_owned(), left as u8)
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
        let counts = json!({"result": self.photographs.len(), "failed": 0, "skipped": 0});
        assert_eq!(summary["items"]["album"], counts);
        let verified = self.program(&["verify", self.output.to_str().unwrap(), "--deep", "--json"]);
        assert_eq!(verified.code, Some(0), "{verified:#?}");
    }
}

/// What a run would do.
fn forecast(album: &Album) -> Value {
    let ran = album.try_run(&["--dry-run", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    serde_json::from_str::<Value>(&ran.out).unwrap()["dry_run"].clone()
}

#[test]
fn each_change_of_a_folder_changes_itself_alone() {
    let mut album = Album::new();
    for (name, person) in [("b.png", 1), ("d.png", 2), ("f.png", 1), ("h.png", 3), ("j.png", 0)] {
        album.write(name, person);
    }
    assert_eq!(album.run().0, (1..=5).collect());
    album.check();
    album.name("d.png", "Dora");
    album.name("h.png", "Hugo");
    assert_eq!(album.run().0, BTreeSet::new(), "a correction looks at nothing");
    assert_eq!(album.named()["h.png"], "Hugo");

    // In front, in the middle and at the end.
    let new: BTreeSet<u16> =
        [("a.png", 0), ("e.png", 3), ("z.png", 2)].map(|(name, person)| album.write(name, person)).into();
    assert_eq!(album.run().0, new);
    album.check();
    assert_eq!((album.named()["e.png"].as_str(), album.named()["z.png"].as_str()), ("Hugo", "Dora"));

    // Deleted: the first one, and one that lies in front of corrected ones.
    album.delete("a.png");
    album.delete("b.png");
    assert_eq!(album.run().0, BTreeSet::new());
    album.check();

    // Renamed, two of them in a circle.
    album.rename("d.png", "tmp.png");
    album.rename("h.png", "d.png");
    album.rename("tmp.png", "h.png");
    album.rename("f.png", "first.png");
    assert_eq!(album.run().0, BTreeSet::new());
    album.check();
    assert_eq!((album.named()["d.png"].as_str(), album.named()["h.png"].as_str()), ("Hugo", "Dora"));

    // Saved anew, with the same person at the same place: the correction follows the name, and says so.
    album.delete("e.png");
    album.delete("z.png");
    let again = album.write("d.png", 3);
    let (seen, ran) = album.run();
    assert_eq!(seen, [again].into());
    assert!(
        ran.err.contains("album/d.png has another content: the correction name \"Hugo\" follows its name"),
        "{ran:#?}"
    );
    album.check();
    assert_eq!(album.named()["d.png"], "Hugo");
    // From then on it knows the new content.
    album.rename("d.png", "k.png");
    let (_, ran) = album.run();
    assert!(!ran.err.contains("follows"), "{ran:#?}");
    assert_eq!(album.named()["k.png"], "Hugo");

    // Another person's picture under the name is nobody's: the correction is lost, and named.
    album.write("k.png", 9);
    let (_, ran) = album.run();
    assert!(ran.err.contains("album/k.png is not there any more: the correction name \"Hugo\" is lost"), "{ran:#?}");
    assert_eq!((album.named()["k.png"].as_str(), album.named()["h.png"].as_str()), ("", "Dora"));
    assert!(album.edit(&["list"]).out.contains("the correction name \"Hugo\" is lost"));
    assert!(std::fs::read_to_string(album.output.join("report.html")).unwrap().contains("is lost"));
    album.check();

    // A new setting does everything that is there, and nothing of what has gone.
    let elsewhere = Album { log: album.log.with_file_name("other"), ..album };
    let seen = elsewhere.run().0;
    assert_eq!(seen, elsewhere.photographs.values().map(|(_, number)| *number).collect());
    elsewhere.check();
    assert_eq!(elsewhere.run().0, BTreeSet::new());
}

#[test]
fn a_folder_becomes_a_film_and_stills_again_and_another_folder_is_refused() {
    let mut album = Album::new();
    for number in 1..=4 {
        album.write(&format!("shot_{number:02}.png"), number);
    }
    assert_eq!(album.run().0.len(), 4);
    album.name("shot_04.png", "Four");
    album.delete("shot_02.png");
    assert_eq!(album.run().0, BTreeSet::new(), "stills now, with the numbers that they had in the film");
    album.check();
    assert_eq!(album.named()["shot_04.png"], "Four");
    let new = album.write("shot_02.png", 7);
    assert!(album.run().0.contains(&new), "a film again");
    album.check();
    assert_eq!((album.named()["shot_04.png"].as_str(), album.named()["shot_02.png"].as_str()), ("Four", ""));

    for name in album.photographs.keys().cloned().collect::<Vec<_>>() {
        album.delete(&name);
    }
    album.write("holiday.png", 1);
    for more in [&[][..], &["--dry-run"]] {
        let ran = album.try_run(more);
        assert!(ran.code == Some(1) && ran.err.contains("other content"), "{ran:#?}");
    }
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    /// Names of photographs, each drawn once.
    fn draw(&mut self, names: &mut Vec<String>, count: usize) -> Vec<String> {
        (0..count).map(|_| names.swap_remove(self.roll(names.len()))).collect()
    }
}

/// Ten photographs are added, deleted, renamed and replaced each, anywhere. The numbers of those that are to be looked at.
fn change(album: &mut Album, dice: &mut Dice, round: u16) -> BTreeSet<u16> {
    let mut names: Vec<String> = album.photographs.keys().cloned().collect();
    let mut new = BTreeSet::new();
    for name in dice.draw(&mut names, 10) {
        album.delete(&name);
    }
    for (number, name) in dice.draw(&mut names, 10).into_iter().enumerate() {
        album.rename(&name, &format!("{:04}-renamed-{round}-{number}.png", dice.roll(10_000)));
    }
    for name in dice.draw(&mut names, 10) {
        let person = dice.roll(21) as u8;
        new.insert(album.write(&name, person));
    }
    for number in 0..10 {
        let person = dice.roll(21) as u8;
        new.insert(album.write(&format!("{:04}-added-{round}-{number}.png", dice.roll(10_000)), person));
    }
    new
}

#[test]
fn a_thousand_photographs_of_twenty_persons() {
    let mut album = Album::new();
    let mut dice = Dice(13);
    for number in 0..1000 {
        // Every person is on about ten photographs.
        let person = if dice.roll(5) == 0 { 1 + dice.roll(20) as u8 } else { 0 };
        album.write(&format!("{:04}-{number}.png", dice.roll(10_000)), person);
    }
    assert_eq!(album.run().0.len(), 1000);
    let summary = json(&album.output, "summary/portraits.json");
    assert_eq!(summary["identity"].as_array().unwrap().len(), 20);
    for person in 0..20 {
        album.edit(&["name", &person.to_string(), &format!("Person {}", person + 1)]);
    }
    assert_eq!(album.run().0, BTreeSet::new());
    for round in 0..2 {
        let changed = change(&mut album, &mut dice, round);
        let forecast = forecast(&album);
        let happened = json!([{"item": "album", "new": 10, "gone": 10, "renamed": 10, "replaced": 10}]);
        assert_eq!(forecast["folders"], happened);
        assert_eq!(
            (forecast["steps"][0]["to_do"].clone(), forecast["steps"][0]["reused"].clone()),
            (20.into(), 980.into())
        );

        let (seen, ran) = album.run();
        assert_eq!(seen, changed, "exactly the changed ones are looked at");
        assert!(!ran.err.contains("is lost"), "{ran:#?}");
        album.check();
        for (photograph, name) in album.named() {
            let person = album.photographs[&photograph].0;
            assert_eq!(name, format!("Person {person}"), "{photograph}");
        }
    }
}
