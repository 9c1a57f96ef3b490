//! A folder of photographs that changes between runs: each change is done and told of by itself, and corrections stay with their pictures.
use crate::album::{Album, Dice};
use crate::program::json;
use serde_json::{Value, json};
use std::collections::BTreeSet;

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
    album.log.set_file_name("other");
    let elsewhere = album;
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
