//! Which files are images, by their names.
use std::ffi::OsStr;

/// Extensions of images.
const IMAGES: &[&str] = &[
    "jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "mpo", "insp", "png", "tif", "tiff", "btf", "tf8", "webp",
    "bmp", "dib", "tga", "pbm", "pgm", "ppm", "pnm", "pam",
];

/// Whether files with this extension are images.
pub fn is_image_extension(extension: &OsStr) -> bool {
    IMAGES.iter().any(|known| extension.eq_ignore_ascii_case(known))
}
