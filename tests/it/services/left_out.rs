//! What a job of a fleet does not take of its source is shown to whoever watches it, as `run` shows it.
use super::Fleet;
use crate::footage::{folder, moving};

#[test]
fn watch_and_status_say_what_is_left_out() {
    let work = folder();
    let source = work.path().join("source");
    std::fs::create_dir(&source).unwrap();
    moving(&source.join("film.mp4"), 6);
    std::fs::write(source.join("a.heic"), "?").unwrap();
    let fleet = Fleet::start(1);
    let job = fleet.submit(&source, &work.path().join("out"), &["--stages", "lighting"]);
    let ended = fleet.wait(&job);
    assert_eq!(ended["left_out"], serde_json::json!(["1 file of a kind not read: 1 .heic"]), "{ended:#}");
    for verb in ["watch", "status"] {
        let said = fleet.call_for_person(verb, &[&job]);
        assert_eq!(said.code, Some(0), "{said:#?}");
        assert!(said.err.contains("1 file of a kind not read: 1 .heic"), "{said:#?}");
    }
}
