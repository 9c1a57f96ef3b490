//! The same answer however the work is cut, and the same as the version before.
use crate::harness::{Footage, tale};
use crate::offset::talking_face;
use framefleet_stage::Stage as _;
use framefleet_testkit_stage::golden;
use sync::{SyncSettings, SyncStage};

#[test]
fn borders_of_batches_do_not_change_results() {
    let said = &tale()[..64_000];
    let mut footage = Footage::talking(said, Some(said.to_vec()));
    let by_32 = footage.run(&SyncSettings::default());
    footage.film.batch = 7;
    let by_7 = footage.run(&SyncSettings::default());
    assert_eq!(by_32.all, by_7.all);
    assert_eq!(by_32.amended, by_7.amended);
    assert_eq!(by_32.mouths.len(), 100);
}

#[test]
fn golden_digest() {
    let (footage, processed) = talking_face();
    let results = footage.finish(&crate::harness::step(&SyncSettings::default()), processed);
    let mut text = String::new();
    for ((frame, instance), mouth) in &results.mouths {
        let [x, y] = [mouth.centre[0], mouth.centre[1]].map(|v| (v / 4.0).round());
        text += &format!("{frame} {instance} {x} {y} {:.0} {:.0}\n", mouth.width / 4.0, mouth.aperture * 8.0);
    }
    let offset = results.offset();
    text += &format!("{:?} {}\n", offset.state(), offset.offset_frames.unwrap().round() as i32);
    for (range, speaking) in &results.speaking {
        text += &format!("{range:?} {}\n", speaking.label);
    }
    golden(&text, SyncStage::VERSION, (3, "5cff518b0778a289"));
}

/// The runner gives process the defaults of what finish alone reads, and nobody may notice.
#[test]
fn process_reads_no_finish_setting() {
    let said = &tale()[..32_000];
    let films = [Footage::talking(said, Some(said.to_vec())).film];
    let settings = SyncSettings::default();
    let host = framefleet_testkit_models::host("sync", &SyncStage::needs(&settings)).unwrap();
    framefleet_testkit_stage::process_reads_no_finish_setting::<SyncStage>(&host, &settings, &films);
}
