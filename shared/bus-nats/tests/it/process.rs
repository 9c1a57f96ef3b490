//! Tests of this program that run in a process of their own, to be killed.
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Tells a child where to work.
const FOLDER: &str = "FRAMEFLEET_TEST_FOLDER";

/// Runs one ignored test of this program in a process of its own, begun by the words of `prefix`.
pub fn child(prefix: &[&str], test: &str, folder: &Path) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut words: Vec<&str> = prefix.to_vec();
    words.push(program.to_str().unwrap());
    Command::new(words[0])
        .args(&words[1..])
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Where to work, in a child; nowhere otherwise.
pub fn folder() -> Option<std::path::PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}

/// Waits until a child has printed a word; what follows it in that line.
pub fn wait_for(child: &mut Child, word: &str) -> String {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
    let found = lines.find_map(|line| Some(line.split_once(word)?.1.trim().to_owned()));
    found.unwrap_or_else(|| panic!("the child never said {word}"))
}
