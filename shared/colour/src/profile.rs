//! ICC profiles of named colours: image files say their colour by a profile.
use super::tags::Tags;
use framefleet_frames::Colour;
use moxcms::{CicpColorPrimaries, CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics};

/// The profile of RGB pictures with the primaries and transfer of a colour. `None` when it does not name both.
///
/// # Errors
/// Primaries or a transfer that no profile is known for.
pub fn profile(colour: &Colour) -> Result<Option<Vec<u8>>, String> {
    if colour.primaries.is_empty() || colour.transfer.is_empty() {
        return Ok(None);
    }
    let unknown = || format!("no ICC profile is known for {} with {}", colour.primaries, colour.transfer);
    let (primaries, transfer) = Tags::of_rgb(colour).code_points().ok_or_else(unknown)?;
    let cicp = CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).map_err(|_| unknown())?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).map_err(|_| unknown())?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    };
    let profile = ColorProfile::new_from_cicp(cicp);
    if profile.red_trc.is_none() {
        return Err(unknown());
    }
    profile.encode().map(Some).map_err(|error| format!("{}: {error}", unknown()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(primaries: &str, transfer: &str) -> Colour {
        Colour { primaries: primaries.to_owned(), transfer: transfer.to_owned(), ..Colour::default() }
    }

    #[test]
    fn a_named_colour_has_its_profile() {
        let bytes = profile(&colour("smpte432", "iec61966-2-1")).unwrap().unwrap();
        let read = ColorProfile::new_from_slice(&bytes).unwrap();
        let p3 = ColorProfile::new_display_p3();
        let near = |a: f64, b: f64| (a - b).abs() < 2e-4;
        assert!(near(read.red_colorant.x, p3.red_colorant.x) && near(read.green_colorant.y, p3.green_colorant.y));
        assert_eq!(profile(&colour("smpte432", "iec61966-2-1")).unwrap().unwrap(), bytes, "the same at any time");
    }

    #[test]
    fn what_is_not_named_has_none() {
        assert_eq!(profile(&colour("bt709", "")), Ok(None));
        assert_eq!(profile(&Colour::default()), Ok(None));
        assert!(profile(&colour("nowhere", "bt709")).unwrap_err().contains("nowhere with bt709"));
    }
}
