//! QR codes for authenticator apps, as images that need no request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

/// The text is too long for a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for a QR code")]
pub struct QrError;

/// How many pixels wide a module is. A browser can scale the image without loss.
const MODULE: u32 = 10;

/// A `data:` URL of an SVG image, for the `src` of an `<img>`: the QR code of a
/// [`provisioning_uri`](super::provisioning_uri), black on white, with the quiet zone of four
/// modules that scanners need. The error correction is level M, as in the reference.
///
/// The image holds the key: it must not be cached or logged.
///
/// # Errors
/// [`QrError`] if the text is longer than about 2,300 bytes.
pub fn svg_data_url(text: &str) -> Result<Zeroizing<String>, QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| QrError)?;
    let image = code
        .render::<svg::Color<'_>>()
        .module_dimensions(MODULE, MODULE)
        .build();
    let image = Zeroizing::new(image);
    let mut url = Zeroizing::new(String::from("data:image/svg+xml;base64,"));
    STANDARD.encode_string(image.as_bytes(), &mut url);
    Ok(url)
}
