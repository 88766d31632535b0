use super::DeviceKind::{self, Desktop, Phone, Tablet, Television, Unknown};

/// The word that tells a system; its name; the kind of device it mostly runs on. The first line
/// that matches counts, since many say that they are like others, which come later.
#[rustfmt::skip]
const SYSTEMS: &[(&str, &str, DeviceKind)] = &[
    ("Xbox", "Xbox", Television),
    ("PlayStation", "PlayStation", Television),
    ("Nintendo", "Nintendo", Unknown),
    ("iPhone", "iPhone", Phone),
    ("iPad", "iPad", Tablet),
    ("iPod", "iPod", Phone),
    ("KAIOS", "KaiOS", Phone),
    ("OpenHarmony", "HarmonyOS", Phone),
    ("HarmonyOS", "HarmonyOS", Phone),
    ("Tizen", "Tizen", Phone),
    ("Web0S", "webOS", Television),
    ("Android", "Android", Phone),
    ("CrOS", "ChromeOS", Desktop),
    ("Windows", "Windows", Desktop),
    ("Macintosh", "macOS", Desktop),
    ("FreeBSD", "FreeBSD", Desktop),
    ("OpenBSD", "OpenBSD", Desktop),
    ("Linux", "Linux", Desktop),
    ("X11", "Linux", Desktop),
];

/// What a header's words say it runs on.
pub(super) fn system(words: &[&str]) -> Option<(&'static str, DeviceKind)> {
    if words.windows(2).any(|two| two == ["Windows", "Phone"]) {
        return Some(("Windows Phone", Phone));
    }
    let has = |word: &str| words.iter().any(|other| other.split('/').next() == Some(word));
    let &(_, name, kind) = SYSTEMS.iter().find(|(word, ..)| has(word))?;
    Some(match name {
        "Tizen" if words.iter().any(|word| is_television(word)) => (name, Television),
        "Android" if words.iter().any(|word| is_television(word)) => ("Android TV", Television),
        // Phones say that they are mobile, but for Opera Mini.
        "Android" if !has("Mobile") && !has("Opera") => (name, Tablet),
        _ => (name, kind),
    })
}

/// Amazon's sticks and televisions are called AFT and some letters.
fn is_television(word: &str) -> bool {
    let amazon = word.strip_prefix("AFT").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    });
    amazon || ["TV", "SMART-TV", "SmartTV", "GoogleTV", "BRAVIA", "AndroidTV"].contains(&word)
}
