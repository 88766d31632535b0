use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// Modules of light around the code (ISO/IEC 18004, section 9.1).
const QUIET_ZONE: usize = 4;

/// A QR code as one SVG element to put into HTML. The dark modules are one path on a light square
/// of their own, so that the page's colours do not matter; colours are attributes, which a content
/// security policy has nothing against. `None` if `text` is too long for a QR code.
pub(super) fn svg(text: &str, label: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let side = width + 2 * QUIET_ZONE;
    let mut path = String::new();
    for (row, modules) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        for run in modules.chunk_by(|left, right| left == right) {
            if run.first() == Some(&Color::Dark) {
                let (x, y, length) = (column + QUIET_ZONE, row + QUIET_ZONE, run.len());
                // A String takes everything that is written to it.
                let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
            }
            column += run.len();
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" \
         aria-label=\"{}\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>",
        escape(label)
    ))
}

fn escape(text: &str) -> String {
    let escaped = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        c if c.is_control() => " ".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws the SVG as its viewer would, four pixels to a module, and reads the picture.
    fn read(svg: &str) -> Vec<String> {
        let side: usize =
            svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let path = svg.split("fill=\"#000\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut dark = vec![vec![false; side]; side];
        for run in path.split('M').skip(1) {
            let (x, rest) = run.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let length: usize = rest.split('v').next().unwrap().parse().unwrap();
            assert_eq!(rest, format!("{length}v1h-{length}z"));
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            dark[y][x..x + length].fill(true);
        }
        let light = |x: usize, y: usize| if dark[y / 4][x / 4] { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side * 4, side * 4, light);
        image.detect_grids().iter().map(|grid| grid.decode().unwrap().1).collect()
    }

    #[test]
    fn another_reader_reads_the_same() {
        for text in [
            "otpauth://totp/Acme:alice%40example.test?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            &"https://example.test/".repeat(20),
        ] {
            assert_eq!(read(&svg(text, "QR").unwrap()), [text]);
        }
    }

    #[test]
    fn the_element_is_whole_and_carries_no_script_or_style() {
        let svg = svg("text", "Scan \"me\" <script>&'\n").unwrap();
        assert!(svg.contains("aria-label=\"Scan &quot;me&quot; &lt;script&gt;&amp;&#39; \""));
        for bad in ["<script", "style", "<?xml", "href", "\n"] {
            assert!(!svg.contains(bad), "{bad}");
        }
        assert_eq!(svg.matches('<').count(), 4);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(svg(&"a".repeat(2_331), "").is_some());
        assert!(svg(&"a".repeat(2_332), "").is_none());
    }
}
