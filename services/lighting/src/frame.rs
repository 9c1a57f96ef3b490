//! One frame: all measurements, in order.
use crate::photometry::{Photometry, WHITE};
use crate::plane::{Plane, analysis_plane, cell_means, levels_mat};
use crate::rounding::published;
use crate::settings::LightingSettings;
use crate::{direction, illuminant, shadows, tone};
use framefleet_frames::{Image, Lighting, PixelFormat};
use framefleet_vision::{VisionError, colour};

/// Measures how a frame is lit.
///
/// # Errors
/// A picture that is not 8-bit RGB, or has no pixels.
pub fn measure(image: &Image, settings: &LightingSettings) -> Result<Lighting, VisionError> {
    check(image)?;
    let photometry = Photometry::measure(image.data());
    let mut lighting = tone::measure(&photometry);
    if settings.temperature {
        lighting.illuminant = Some(illuminant::measure(&photometry));
    }
    let levels = levels_mat(&photometry.luminance, image.width(), image.height())?;
    let plane = analysis_plane(&levels, settings.analysis_side)?;
    spread_over_frame(&plane, settings.grid, &mut lighting)?;
    if settings.direction {
        lighting.source = Some(direction::measure(&plane, lighting.key(), settings.direction_confidence)?);
    }
    if settings.shadows {
        lighting.shadows = Some(shadows::measure(&plane, &full_plane(&photometry, image), settings.shadow_stops)?);
    }
    Ok(lighting)
}

/// Proxies are 8-bit RGB.
fn check(image: &Image) -> Result<(), VisionError> {
    let (width, height) = (image.width(), image.height());
    match image.format() {
        PixelFormat::Rgb8 if width == 0 || height == 0 => Err(VisionError::Empty { width, height }),
        PixelFormat::Rgb8 => Ok(()),
        format => Err(VisionError::Format { operation: "lighting", format, accepted: "8-bit RGB" }),
    }
}

/// Luminance of every pixel of the frame.
fn full_plane(photometry: &Photometry, image: &Image) -> Plane {
    let values = photometry.luminance.iter().map(|&level| f32::from(level) / WHITE as f32).collect();
    Plane { width: image.width() as usize, height: image.height() as usize, values }
}

/// Lightness of the parts of the frame, and how unevenly it is spread.
fn spread_over_frame(plane: &Plane, cells: u32, lighting: &mut Lighting) -> Result<(), VisionError> {
    let cells = cell_means(plane, cells)?;
    let lightness: Vec<f64> = cells.iter().map(|&mean| colour::lightness(f64::from(mean))).collect();
    let mean = lightness.iter().sum::<f64>() / lightness.len() as f64;
    let variance = lightness.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / lightness.len() as f64;
    lighting.grid_lightness = lightness.into_iter().map(published).collect();
    lighting.grid_variance = published(variance);
    Ok(())
}
