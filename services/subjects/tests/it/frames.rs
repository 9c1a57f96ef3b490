//! Which parts of a frame are of one person.
use crate::harness::{Person, film, mask, subjects};
use framefleet_frames::Subject;

/// (face, pose, mask) of every subject of the only frame.
fn joined(found: [Vec<framefleet_frames::annotation::Value>; 3]) -> Vec<[Option<u32>; 3]> {
    let parts = |of: &Subject| [of.face, of.pose, of.mask];
    subjects(&film(1, |_| found.clone()))[0].iter().map(parts).collect()
}

#[test]
fn one_person_is_one_record_whatever_the_order_of_the_parts() {
    let (ada, bo, cy) = (Person::at(60.0), Person::at(150.0), Person::at(260.0));
    let faces = vec![cy.face(), ada.face(), bo.face()];
    let masks = vec![bo.mask(None), cy.mask(None), ada.mask(None)];
    let found = joined([faces, vec![ada.pose(), bo.pose(), cy.pose()], masks]);
    assert_eq!(found, [[Some(1), Some(0), Some(2)], [Some(2), Some(1), Some(0)], [Some(0), Some(2), Some(1)]]);
}

#[test]
fn who_stands_before_whom_does_not_matter() {
    // Bodies overlap by half; the one behind shows the head above the other's.
    let (front, behind) = (Person { x: 110.0, y: 50.0, height: 130.0 }, Person { x: 128.0, y: 24.0, height: 150.0 });
    let found = joined([
        vec![behind.face(), front.face()],
        vec![front.pose(), behind.pose()],
        vec![behind.mask(None), front.mask(None)],
    ]);
    assert_eq!(found, [[Some(1), Some(0), Some(1)], [Some(0), Some(1), Some(0)]]);
}

#[test]
fn a_mask_is_of_the_pose_that_it_was_made_for() {
    let (a, b) = (Person::at(100.0), Person::at(118.0));
    let masks = vec![a.mask(Some(1)), b.mask(Some(0))];
    assert_eq!(joined([vec![], vec![a.pose(), b.pose()], masks]), [[None, Some(0), Some(1)], [None, Some(1), Some(0)]]);
}

#[test]
fn what_belongs_to_nobody_else_is_a_subject_by_itself() {
    let (whole, behind, near) = (Person::at(60.0), Person::at(150.0), Person::at(280.0));
    let dog = mask([140.0, 40.0, 170.0, 60.0], "dog", None);
    let found = subjects(&film(1, |_| {
        [
            vec![near.face(), whole.face()],
            vec![whole.pose(), behind.pose_from_behind()],
            vec![dog.clone(), whole.mask(None), behind.mask(None)],
        ]
    }));
    let of = |subject: &Subject| (subject.label.clone(), [subject.face, subject.pose, subject.mask]);
    let person = || "person".to_owned();
    assert_eq!(
        found[0].iter().map(of).collect::<Vec<_>>(),
        [
            (person(), [Some(1), Some(0), Some(1)]),
            (person(), [None, Some(1), Some(2)]),
            ("dog".to_owned(), [None, None, Some(0)]),
            (person(), [Some(0), None, None]),
        ]
    );
}

#[test]
fn a_face_before_anothers_body_stays_apart() {
    // The pose shows its head elsewhere; the face of somebody small stands before the body, inside the mask.
    let (adult, child) = (Person { x: 160.0, y: 10.0, height: 165.0 }, Person { x: 162.0, y: 90.0, height: 80.0 });
    let found = joined([vec![child.face(), adult.face()], vec![adult.pose()], vec![adult.mask(None)]]);
    assert_eq!(found, [[Some(1), Some(0), Some(0)], [Some(0), None, None]]);
}

#[test]
fn boxes_lie_in_the_picture_and_are_those_of_the_surest_outline() {
    let cut = Person { x: 8.0, y: 100.0, height: 140.0 };
    let found = subjects(&film(3, |frame| match frame {
        0 => [vec![cut.face()], vec![cut.pose()], vec![]],
        1 => [vec![cut.face()], vec![cut.pose()], vec![mask([0.0, 100.0, 26.0, 180.0], "person", None)]],
        _ => [vec![Person::at(-300.0).face()], vec![], vec![]],
    }));
    assert_eq!(found[0][0].r#box, [0.0, 100.0, 8.0 + 0.14 * 140.0, 180.0]);
    assert_eq!((&found[1][0].r#box[..], found[1][0].score), (&[0.0, 100.0, 26.0, 180.0][..], 0.7));
    assert!(found[2].is_empty(), "{:?}", found[2]);
}

#[test]
fn a_face_is_of_the_mask_that_covers_it_where_nobody_has_a_pose() {
    let (a, b) = (Person::at(100.0), Person::at(200.0));
    assert_eq!(
        joined([vec![b.face(), a.face()], vec![], vec![a.mask(None), b.mask(None)]]),
        [[Some(1), None, Some(0)], [Some(0), None, Some(1)]]
    );
}
