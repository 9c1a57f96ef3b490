//! Selections of an output with people whose sharpness, sizes, shots and identities are known.
#![cfg(test)]

use framefleet_frames::{Frame, Image, Item, Pictures, PixelFormat};
use framefleet_ledger::{Ledger, Output};
use framefleet_records::{RecordsOptions, complete_step};
use framefleet_selection::{Criteria, Selection, SelectionError, choose, contact_sheet};
use framefleet_testkit_ledger::people::{self, FILM, SIZE, STEPS, STILLS};

async fn output() -> Ledger {
    let (ledger, manifests) = people::write(&Output::in_memory(), &STEPS).await.unwrap();
    for manifest in manifests {
        let options = RecordsOptions { parquet: false, ..RecordsOptions::default() };
        complete_step(&ledger, manifest, options).await.unwrap();
    }
    ledger
}

/// The same picture of light and dark for all frames of the film but the last, and others for the rest.
struct Painted;

impl Pictures for Painted {
    fn picture(&mut self, item: &Item, number: u64) -> Result<Option<Frame>, String> {
        let stills = STILLS.iter().find(|(name, _)| *name == item.name);
        let (width, height) = stills.map_or(SIZE, |(_, files)| (files[number as usize].1, files[number as usize].2));
        let is_other = item.name != FILM || number == people::FRAMES - 1;
        let grey = |at: u32| {
            let (x, y) = (at % width, at / width);
            (if is_other { 250 - 4 * y.min(60) } else { 4 * x.min(60) }) as u8
        };
        let data: Vec<u8> = (0..width * height).flat_map(|at| [grey(at); 3]).collect();
        let image = Image::new(PixelFormat::Rgb8, width, height, data).unwrap();
        Ok(Some(Frame { number, pts_ns: 0, image }))
    }
}

/// Item, frame and instance of what is chosen.
async fn chosen(criteria: Criteria) -> Vec<(String, u64, u32)> {
    let selection = choose(&output().await, "test", &criteria, &mut Painted).await.unwrap();
    let frames = selection.frames().iter();
    frames.flat_map(|frame| frame.objects.iter().map(|one| (frame.item.clone(), frame.frame, one.instance))).collect()
}

fn film(of: &[(u64, u32)]) -> Vec<(String, u64, u32)> {
    of.iter().map(|(frame, instance)| (FILM.to_owned(), *frame, *instance)).collect()
}

#[tokio::test]
async fn the_sharpest_of_each_person_are_taken() {
    let two = chosen(Criteria { sharpest: Some(2), ..Criteria::default() }).await;
    // Of Ada the stills are sharper than any frame; of the other person the film's last frames are.
    let stills = [("photos", 0), ("photos", 1)].map(|(item, frame)| (item.to_owned(), frame, 0));
    assert_eq!(two, [film(&[(5, 1), (7, 1)]), stills.to_vec()].concat());
}

#[tokio::test]
async fn people_are_chosen_by_name_or_number() {
    let ada = chosen(Criteria { identities: vec!["Ada".to_owned()], ..Criteria::default() }).await;
    assert_eq!(ada, chosen(Criteria { identities: vec!["0".to_owned()], ..Criteria::default() }).await);
    assert!(ada.len() == 6 + 3 && ada.iter().all(|(.., instance)| *instance == 0), "{ada:?}");
    let criteria = Criteria { identities: vec!["Eve".to_owned()], ..Criteria::default() };
    let unknown = choose(&output().await, "test", &criteria, &mut Painted).await.unwrap_err();
    assert!(matches!(&unknown, SelectionError::Unknown { known, .. } if known.contains("Ada")), "{unknown}");
}

#[tokio::test]
async fn one_picture_of_each_person_is_taken_of_every_shot() {
    let one = chosen(Criteria { one_per_shot: true, ..Criteria::default() }).await;
    let stills = STILLS.iter().flat_map(|(item, files)| (0..files.len() as u64).map(|at| ((*item).to_owned(), at, 0)));
    assert_eq!(one, film(&[(2, 0), (2, 1), (7, 0), (7, 1)]).into_iter().chain(stills).collect::<Vec<_>>());
}

#[tokio::test]
async fn small_ones_are_left_out() {
    // People of the film are 12 pixels wide, but for the first frame, in which the edge cuts one; those of stills are 10 wide.
    let large = chosen(Criteria { min_size: Some(11.0), ..Criteria::default() }).await;
    assert!(large.len() == 11 && large.iter().all(|(item, ..)| item == FILM) && large[0] == (FILM.to_owned(), 0, 1));
}

#[tokio::test]
async fn of_pictures_that_look_alike_the_sharpest_stays() {
    let criteria = Criteria { max_similar: Some(0.9), identities: vec!["1".to_owned()], ..Criteria::default() };
    assert_eq!(chosen(criteria).await, film(&[(5, 1), (7, 1)]));
}

#[tokio::test]
async fn a_selection_is_kept_in_the_output_and_is_the_last() {
    let ledger = output().await;
    assert!(matches!(Selection::read(ledger.store(), None).await, Err(SelectionError::Missing(_))));
    let criteria = Criteria { sharpest: Some(1), ..Criteria::default() };
    let first = choose(&ledger, "first", &criteria, &mut Painted).await.unwrap();
    let path = first.write(ledger.store()).await.unwrap();
    let second = choose(&ledger, "second", &criteria, &mut Painted).await.unwrap();
    second.write(ledger.store()).await.unwrap();
    assert_eq!(Selection::read(ledger.store(), None).await.unwrap(), second);
    assert_eq!(Selection::read(ledger.store(), Some("first")).await.unwrap(), first);
    // The same criteria make the same file, byte by byte.
    let bytes = ledger.store().read(&path).await.unwrap();
    choose(&ledger, "first", &criteria, &mut Painted).await.unwrap().write(ledger.store()).await.unwrap();
    assert_eq!(ledger.store().read(&path).await.unwrap(), bytes);
    for name in ["", "..", "a/b"] {
        let wrong = choose(&ledger, name, &criteria, &mut Painted).await;
        assert!(matches!(wrong, Err(SelectionError::Name(_))), "{name}");
    }
}

#[tokio::test]
async fn a_sheet_shows_what_was_chosen() {
    let ledger = output().await;
    let selection =
        choose(&ledger, "sheet", &Criteria { min_size: Some(1.0), ..Criteria::default() }, &mut Painted).await.unwrap();
    let manifests = ledger.manifests().await.unwrap();
    let sheet = contact_sheet(&selection, &manifests, &mut Painted).unwrap();
    let bytes = opencv::core::Vector::<u8>::from_iter(sheet.clone());
    let picture = opencv::imgcodecs::imdecode(&bytes, opencv::imgcodecs::IMREAD_GRAYSCALE).unwrap();
    use opencv::prelude::*;
    // Two rows of eight, with captions: 15 pictures.
    assert!(picture.cols() > 8 * 200 && (2 * 200..3 * 200).contains(&picture.rows()), "{:?}", picture.size());
    let light = opencv::core::mean_def(&Mat::roi(&picture, opencv::core::Rect::new(70, 60, 60, 100)).unwrap()).unwrap();
    assert!(light[0] != 32.0, "there is a picture in the first place");
    assert_eq!(sheet, contact_sheet(&selection, &manifests, &mut Painted).unwrap());
}
