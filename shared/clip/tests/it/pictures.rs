//! Pictures to numbers.
use crate::harness::{cat, fixture, prefix};
use framefleet_clip::{Family, Preprocessing};
use ndarray::{Array3, s};

#[test]
fn pixels_are_those_of_the_references() {
    for family in [Family::Clip, Family::Siglip] {
        let reference = std::fs::read(fixture(&format!("cat_{}_224.u8", prefix(family)))).unwrap();
        let levels = Preprocessing::of(family, 224).levels(cat().view()).unwrap();
        assert_eq!(levels.len(), reference.len());
        let different = levels.permuted_axes([2, 0, 1]).iter().zip(&reference).filter(|(a, b)| a != b).count();
        assert_eq!(different, 0, "{family}: of {} levels", reference.len());
    }
}

#[test]
fn clip_cuts_the_middle_out_and_siglip_sees_the_whole() {
    // Black on the left, white in the middle, black on the right.
    let mut wide = Array3::<u8>::zeros((64, 192, 3));
    wide.slice_mut(s![.., 64..128, ..]).fill(255);
    let seen = |family| Preprocessing::of(family, 64).levels(wide.view()).unwrap();
    assert!(seen(Family::Clip).iter().all(|level| *level == 255));
    let whole = seen(Family::Siglip);
    assert!(whole.slice(s![.., ..20, ..]).iter().chain(whole.slice(s![.., 44.., ..])).all(|level| *level == 0));
    assert!(whole.slice(s![.., 22..42, ..]).iter().all(|level| *level == 255));
    let numbers = Preprocessing::of(Family::Siglip, 64).apply(wide.view()).unwrap();
    assert_eq!((numbers[[0, 0, 0]], numbers[[2, 32, 32]]), (-1.0, 1.0));
}

#[test]
fn pictures_that_are_none_are_refused() {
    let clip = Preprocessing::of(Family::Clip, 64);
    assert!(clip.apply(Array3::<u8>::zeros((0, 5, 3)).view()).is_err());
    assert!(clip.apply(Array3::<u8>::zeros((5, 5, 4)).view()).is_err());
    assert!(clip.apply(Array3::<u8>::zeros((1, 30_000, 3)).view()).is_err());
    assert_eq!(clip.apply(Array3::<u8>::zeros((1, 7, 3)).view()).unwrap().dim(), (3, 64, 64));
}
