//! A folder of photographs with files that cannot be read, done by a fleet, while it changes and is repaired.
use super::Fleet;
use crate::album::{Album, Dice};
use framefleet_proto::control::JobStatus;
use std::collections::BTreeSet;

const PHOTOGRAPHS: usize = 200;
const BROKEN: usize = 12;
const PERSONS: usize = 10;

/// Photographs of persons, who have names once the first job is done, and files without a picture among them.
fn album(dice: &mut Dice) -> Album {
    let mut album = Album::new();
    for number in 0..PHOTOGRAPHS {
        // Everybody is on some.
        let person = if number < 2 * PERSONS { 1 + number % PERSONS } else { dice.roll(PERSONS + 1) };
        album.write(&format!("{:04}-{number}.png", dice.roll(10_000)), person as u8);
    }
    for number in 0..BROKEN {
        album.write_broken(&format!("{:04}-broken-{number}.png", dice.roll(10_000)), number % 2 == 0);
    }
    album
}

/// Everything is as the folder has it, and every name is on its person.
fn check(album: &Album) {
    album.check();
    assert_eq!(album.failed(), album.broken.keys().cloned().collect());
    for (photograph, name) in album.named() {
        assert_eq!(name, format!("Person {}", album.photographs[&photograph].0), "{photograph}");
    }
}

/// Some photographs and some broken files are deleted and renamed, some photographs are replaced and added, and a broken file comes. The
/// numbers of those that are to be seen.
fn change(album: &mut Album, dice: &mut Dice) -> BTreeSet<u16> {
    let mut names: Vec<String> = album.photographs.keys().cloned().collect();
    let mut broken: Vec<String> = album.broken.keys().cloned().collect();
    for name in dice.draw(&mut names, 8).iter().chain(&dice.draw(&mut broken, 2)) {
        album.delete(name);
    }
    for (number, name) in dice.draw(&mut names, 8).iter().chain(&dice.draw(&mut broken, 2)).enumerate() {
        album.rename(name, &format!("{:04}-renamed-{number}.png", dice.roll(10_000)));
    }
    let mut new = BTreeSet::new();
    for name in dice.draw(&mut names, 8) {
        new.insert(album.write(&name, dice.roll(PERSONS + 1) as u8));
    }
    for number in 0..8 {
        new.insert(album.write(&format!("{:04}-added-{number}.png", dice.roll(10_000)), dice.roll(PERSONS + 1) as u8));
    }
    album.write_broken("5000-broken-too.png", true);
    new
}

#[test]
fn photographs_that_cannot_be_read_are_named_and_done_once_they_are_repaired() {
    let mut dice = Dice(7);
    let mut album = album(&mut dice);
    let fleet = Fleet::start(2);
    let (seen, status) = album.submit(&fleet, &[]);
    assert_eq!((seen.len(), status), (PHOTOGRAPHS, JobStatus::Partial));
    for person in 0..PERSONS {
        album.edit(&["name", &person.to_string(), &format!("Person {}", person + 1)]);
    }
    assert_eq!(album.submit(&fleet, &[]), (BTreeSet::new(), JobStatus::Partial), "a correction looks at nothing");
    check(&album);

    let changed = change(&mut album, &mut dice);
    assert_eq!(album.submit(&fleet, &[]), (changed, JobStatus::Partial));
    check(&album);

    // All but two are repaired; those two fail once more, and nothing beside them is done again.
    let repaired: Vec<String> = album.broken.keys().skip(2).cloned().collect();
    let new = repaired.iter().map(|name| album.write(name, dice.roll(PERSONS + 1) as u8)).collect();
    assert_eq!(album.submit(&fleet, &["--retry-failed"]), (new, JobStatus::Partial));
    assert!(album.broken.len() == 2 && album.broken.values().any(|has_header| *has_header), "{:?}", album.broken);
    check(&album);

    for name in album.broken.clone().into_keys() {
        let new = [album.write(&name, 1)].into();
        let status = if album.broken.is_empty() { JobStatus::Done } else { JobStatus::Partial };
        assert_eq!(album.submit(&fleet, &["--retry-failed"]), (new, status));
        check(&album);
    }
}
