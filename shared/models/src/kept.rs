//! Files that come with the program: small, permissively licensed, made by our recipes.
use crate::error::ModelError;

/// Name below `models/`, and content.
const FILES: [(&str, &[u8]); 3] = [
    ("yunet-2023mar.onnx", include_bytes!("../../../models/yunet-2023mar.onnx")),
    ("selfie-square.onnx", include_bytes!("../../../models/selfie-square.onnx")),
    ("selfie-landscape.onnx", include_bytes!("../../../models/selfie-landscape.onnx")),
];

/// The content of a kept file.
pub(crate) fn content(name: &str) -> Result<&'static [u8], ModelError> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes).ok_or_else(|| {
        let known: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        ModelError::Archive {
            archive: "this program".to_owned(),
            path: name.to_owned(),
            reason: format!("it holds {}", known.join(", ")),
        }
    })
}
