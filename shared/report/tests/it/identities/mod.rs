//! The page of identities as a person has it.
use crate::browser::HOSTILE;
use crate::fixture::{film, head, task};
use crate::webdriver::Browser;
use fantoccini::key::Key;
use framefleet_frames::annotation::Value;
use framefleet_frames::{
    Annotation, AnnotationBlock, FrameRange, Identity, Image, InstanceRef, PixelFormat, ScopedAnnotation,
};
use framefleet_ledger::{CommitFile, Ledger, OpenOptions, Output, PartKind, TaskKey};
use framefleet_proto::v1::{Entry, StepManifest, TaskId, TaskKind, TaskResult};
use framefleet_records::{RecordsOptions, complete_step};
use framefleet_report::{encode_jpeg, identity_pages};
use std::path::{Path, PathBuf};

/// Name, faces, tracks and crops of the identities, by number.
const PERSONS: [(&str, u64, u32, u8); 4] =
    [("", 40, 3, 4), (HOSTILE, 7, 1, 2), ("", 90, 1, 20), ("Zoë \"Z\" O'Neil", 5, 2, 1)];
/// Numbers in the order of the page: named ones, then those seen most.
const ORDER: [usize; 4] = [1, 3, 2, 0];

/// The colour of the faces of an identity.
fn colour(number: usize) -> [u8; 3] {
    [[200, 30, 30], [30, 180, 30], [30, 30, 220], [200, 200, 40]][number]
}

/// A new output whose step `faces` found these persons, and its page of them.
pub async fn write(folder: &Path) -> PathBuf {
    let output = Output::parse(folder.to_str().unwrap()).unwrap();
    let ledger = Ledger::open(output, OpenOptions::default()).await.unwrap();
    let crops = tempfile::tempdir().unwrap();
    let (mut block, mut files) = (AnnotationBlock::default(), Vec::new());
    for (number, (name, faces, tracks, shown)) in PERSONS.into_iter().enumerate() {
        let crop = |at: u8| format!("identities/{number:04}/{at:02}.jpg");
        for at in 0..shown {
            let path = crops.path().join(format!("{number}-{at}.jpg"));
            std::fs::write(&path, face(number)).unwrap();
            files.push(CommitFile { kind: PartKind::Artifact, name: crop(at), frame: None, path });
        }
        let identity = Identity {
            number: number as u32,
            name: name.to_owned(),
            faces,
            tracks,
            items: vec!["my film.mov".to_owned()],
            medoid: Some(InstanceRef { item: "my film.mov".to_owned(), frame: 10 * number as u64, instance: 1 }),
            cohesion: 0.8,
            silhouette: Some(0.3),
            crops: (0..shown).map(crop).collect(),
        };
        let annotation = Annotation { instance: number as u32, value: Some(Value::Identity(identity)) };
        block.scoped.push(ScopedAnnotation { annotation: Some(annotation), ..ScopedAnnotation::default() });
    }
    commit(&ledger, block, files).await;
    let [page] = &identity_pages(&ledger).await.unwrap()[..] else { panic!("one step has identities") };
    assert_eq!((page.path.as_str(), page.title.as_str()), ("report/identities-faces.html", "Identities of faces"));
    let path = folder.join(&page.path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &page.html).unwrap();
    ledger.close().await.unwrap();
    path
}

/// A face of an identity: its colour.
fn face(number: usize) -> Vec<u8> {
    let pixels = colour(number).repeat(112 * 112);
    encode_jpeg(&Image::new(PixelFormat::Rgb8, 112, 112, pixels).unwrap(), 112).unwrap()
}

/// A process half without anything, and the finish half that reported persons.
async fn commit(ledger: &Ledger, block: AnnotationBlock, files: Vec<CommitFile>) {
    let key = |number: u8| TaskKey::from_bytes(&[number; 32]).unwrap().as_bytes().to_vec();
    let films = [(film("my film.mov", 300), 300)];
    let id = |kind: TaskKind| TaskId { kind: kind.into(), step: "faces".to_owned(), ..TaskId::default() };
    let range = Some(FrameRange { start: 0, end: 300 });
    let process = TaskId { item: films[0].0.name.clone(), range, ..id(TaskKind::Process) };
    let entry = |number: u8, id: TaskId| Entry {
        key: key(number).into(),
        id: Some(id),
        stage: "face-clustering".to_owned(),
        ..Entry::default()
    };
    let seen = Entry { frames_done: 300, ..entry(1, process) };
    ledger.commit(seen, AnnotationBlock::default(), Vec::new()).await.unwrap();
    ledger.commit(entry(2, id(TaskKind::Finish)), block, files).await.unwrap();
    let mut writer = ledger.write_manifest();
    writer.item(&films[0].0).await.unwrap();
    writer.task(TaskResult { key: key(1).into(), ..task(300) }).await.unwrap();
    let manifest = StepManifest { finish_key: key(2).into(), ..head("faces") };
    let manifest = writer.finish(manifest).await.unwrap();
    complete_step(ledger, manifest, RecordsOptions { parquet: false, ..RecordsOptions::default() }).await.unwrap();
}

/// Reads the page that is open; `output` is the folder of its output.
pub async fn read(browser: &Browser, output: &Path) {
    everybody_is_there(browser).await;
    faces_are_those_of_the_person(browser).await;
    commands_are_what_a_shell_takes(browser, output).await;
    a_click_selects_one_command(browser).await;
    the_keyboard_reaches_everything(browser).await;
    browser.fits(390).await;
    browser.fits(0).await;
    browser.click("main > p a").await;
    assert_eq!(browser.script("return document.querySelectorAll('.item').length").await, 2, "back in the report");
}

async fn everybody_is_there(browser: &Browser) {
    let headings =
        browser.script("return [...document.querySelectorAll('.identity h2')].map((h) => h.textContent)").await;
    let name = |number: usize| match PERSONS[number].0 {
        "" => format!("Identity {number}"),
        name => name.to_owned(),
    };
    assert_eq!(headings, serde_json::json!(ORDER.map(name)));
    assert_eq!(browser.script("return window.hacked === undefined").await, true);
    let words =
        browser.script("return document.querySelector('#identity-0 p').textContent.replace(/\\s+/g, ' ')").await;
    assert_eq!(words, "40 faces in 3 tracks · my film.mov · cohesion 0.80 · silhouette 0.30 · my film.mov:0:1");
}

async fn faces_are_those_of_the_person(browser: &Browser) {
    for (number, (_, _, _, crops)) in PERSONS.into_iter().enumerate() {
        let strip = format!("#identity-{number} .strip");
        let middles = format!(
            "return (async () => {{
                document.querySelector('{strip}').scrollIntoView();
                const images = [...document.querySelectorAll('{strip} img')];
                images.forEach((image) => {{ image.loading = 'eager'; }});
                await Promise.all(images.map((image) => image.decode()));
                return images.map((image) => {{
                    const canvas = Object.assign(document.createElement('canvas'), {{ width: 112, height: 112 }});
                    canvas.getContext('2d').drawImage(image, 0, 0);
                    return [...canvas.getContext('2d').getImageData(56, 56, 1, 1).data].slice(0, 3);
                }});
            }})()"
        );
        let middles: Vec<[u8; 3]> = serde_json::from_value(browser.script(&middles).await).unwrap();
        assert_eq!(middles.len(), usize::from(crops.min(16)), "faces of {number}");
        let near =
            |middle: &[u8; 3]| middle.iter().zip(colour(number)).all(|(found, truth)| found.abs_diff(truth) < 12);
        assert!(middles.iter().all(near), "{number}: {middles:?}");
    }
}

async fn commands_are_what_a_shell_takes(browser: &Browser, output: &Path) {
    let commands = browser.script("return [...document.querySelectorAll('pre')].map((pre) => pre.textContent)").await;
    let words = |command: &serde_json::Value| {
        let script = format!("for word in {}; do printf '%s\\n' \"$word\"; done", command.as_str().unwrap());
        let out = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let given: Vec<Vec<String>> = commands.as_array().unwrap().iter().map(words).collect();
    let output = output.to_str().unwrap();
    let edit = |verb: &[&str]| {
        let words = ["framefleet", "edit", output, "faces"].into_iter().chain(verb.iter().copied());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        given,
        [
            edit(&["name", "1", "A name"]),
            edit(&["merge", "1", "3"]),
            edit(&["split", "my film.mov:30:1"]),
            edit(&["drop", "0"])
        ]
    );
}

async fn a_click_selects_one_command(browser: &Browser) {
    browser.click("pre:nth-of-type(2)").await;
    let selected =
        browser.script("return [getSelection().toString(), document.querySelectorAll('pre')[1].textContent]").await;
    assert_eq!(selected[0], selected[1]);
}

/// Tab goes from the link through every row of faces, and rows that are wider than the page move by keys.
async fn the_keyboard_reaches_everything(browser: &Browser) {
    browser.script("getSelection().removeAllRanges(); document.querySelector('main > p a').focus()").await;
    let mut reached = Vec::new();
    for _ in ORDER {
        browser.keys(":focus", Key::Tab).await;
        let named = browser.script("return document.activeElement.getAttribute('aria-label')").await;
        reached.push(named.as_str().unwrap().to_owned());
    }
    let person = |number: usize| match PERSONS[number].0 {
        "" => format!("Faces of identity {number}"),
        name => format!("Faces of {name}"),
    };
    assert_eq!(reached, ORDER.map(person));
    browser.script("document.querySelector('#identity-2 .strip').focus()").await;
    browser.keys(":focus", Key::Right).await;
    browser.until("return document.querySelector('#identity-2 .strip').scrollLeft > 0").await;
}
