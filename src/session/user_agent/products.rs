use Role::{Bot, Browser, Program};

/// What part something plays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Browser,
    Program,
    Bot,
}

pub(super) struct Product {
    pub(super) name: Option<&'static str>,
    pub(super) version: Option<u16>,
    pub(super) role: Role,
}

/// The word, in any case, that a product goes by in headers, with a version behind it; its name,
/// which is empty if the word only tells what kind of thing it is; its part. The first line that
/// matches counts, since almost everything also says it is Chrome or Safari.
#[rustfmt::skip]
const PRODUCTS: &[(&str, &str, Role)] = &[
    ("Googlebot", "Googlebot", Bot),
    ("AdsBot-Google", "Googlebot", Bot),
    ("bingbot", "Bingbot", Bot),
    ("DuckDuckBot", "DuckDuckBot", Bot),
    ("YandexBot", "YandexBot", Bot),
    ("Baiduspider", "Baiduspider", Bot),
    ("Applebot", "Applebot", Bot),
    ("GPTBot", "GPTBot", Bot),
    ("ChatGPT-User", "ChatGPT", Bot),
    ("ClaudeBot", "ClaudeBot", Bot),
    ("AhrefsBot", "AhrefsBot", Bot),
    ("SemrushBot", "SemrushBot", Bot),
    ("PetalBot", "PetalBot", Bot),
    ("facebookexternalhit", "Facebook", Bot),
    ("meta-externalagent", "Meta", Bot),
    ("Twitterbot", "Twitterbot", Bot),
    ("LinkedInBot", "LinkedInBot", Bot),
    ("Slackbot", "Slackbot", Bot),
    ("Slackbot-LinkExpanding", "Slackbot", Bot),
    ("Discordbot", "Discordbot", Bot),
    ("TelegramBot", "TelegramBot", Bot),
    ("WhatsApp", "WhatsApp", Bot),
    ("UptimeRobot", "UptimeRobot", Bot),

    ("curl", "curl", Program),
    ("Wget", "Wget", Program),
    ("HTTPie", "HTTPie", Program),
    ("PostmanRuntime", "Postman", Program),
    ("insomnia", "Insomnia", Program),
    ("WindowsPowerShell", "PowerShell", Program),
    ("PowerShell", "PowerShell", Program),
    ("python-requests", "Python", Program),
    ("python-httpx", "Python", Program),
    ("Python-urllib", "Python", Program),
    ("aiohttp", "Python", Program),
    ("Go-http-client", "Go", Program),
    ("okhttp", "OkHttp", Program),
    ("Java", "Java", Program),
    ("Java-http-client", "Java", Program),
    ("Apache-HttpClient", "Java", Program),
    ("axios", "Node.js", Program),
    ("node-fetch", "Node.js", Program),
    ("undici", "Node.js", Program),
    ("node", "Node.js", Program),
    ("GuzzleHttp", "PHP", Program),
    ("libwww-perl", "Perl", Program),
    ("Ruby", "Ruby", Program),
    ("Dart", "Dart", Program),
    ("reqwest", "Rust", Program),
    ("Dalvik", "", Program),
    ("CFNetwork", "", Program),

    ("FBAV", "Facebook", Browser),
    ("FBAN", "Facebook", Browser),
    ("FB_IAB", "Facebook", Browser),
    ("Instagram", "Instagram", Browser),
    ("MicroMessenger", "WeChat", Browser),
    ("Line", "LINE", Browser),
    ("KAKAOTALK", "KakaoTalk", Browser),
    ("Snapchat", "Snapchat", Browser),
    ("BytedanceWebview", "TikTok", Browser),
    ("Pinterest", "Pinterest", Browser),
    ("LinkedInApp", "LinkedIn", Browser),
    ("Twitter", "Twitter", Browser),
    ("GSA", "Google app", Browser),
    ("Electron", "", Browser),

    ("Edg", "Edge", Browser),
    ("EdgA", "Edge", Browser),
    ("EdgiOS", "Edge", Browser),
    ("Edge", "Edge", Browser),
    ("Vivaldi", "Vivaldi", Browser),
    ("YaBrowser", "Yandex Browser", Browser),
    ("SamsungBrowser", "Samsung Internet", Browser),
    ("UCBrowser", "UC Browser", Browser),
    ("XiaoMi", "Mi Browser", Browser),
    ("HuaweiBrowser", "Huawei Browser", Browser),
    ("VivoBrowser", "Vivo Browser", Browser),
    ("HeyTapBrowser", "HeyTap Browser", Browser),
    ("QQBrowser", "QQ Browser", Browser),
    ("MQQBrowser", "QQ Browser", Browser),
    ("Whale", "Whale", Browser),
    ("Silk", "Silk", Browser),
    ("DuckDuckGo", "DuckDuckGo", Browser),
    ("Ddg", "DuckDuckGo", Browser),
    ("OPR", "Opera", Browser),
    ("OPT", "Opera", Browser),
    ("OPiOS", "Opera", Browser),
    ("Mini", "Opera Mini", Browser),
    ("Focus", "Firefox Focus", Browser),
    ("Klar", "Firefox Focus", Browser),
    ("FxiOS", "Firefox", Browser),
    ("SeaMonkey", "SeaMonkey", Browser),
    ("PaleMoon", "Pale Moon", Browser),
    ("Waterfox", "Waterfox", Browser),
    ("Firefox", "Firefox", Browser),
    ("HeadlessChrome", "Headless Chrome", Program),
    ("Epiphany", "GNOME Web", Browser),
    ("Konqueror", "Konqueror", Browser),
    ("Falkon", "Falkon", Browser),
    ("wv", "", Browser),
    ("CriOS", "Chrome", Browser),
    ("Chromium", "Chromium", Browser),
    ("Chrome", "Chrome", Browser),
    ("Trident", "Internet Explorer", Browser),
    ("MSIE", "Internet Explorer", Browser),
    ("Lynx", "Lynx", Browser),
    ("w3m", "w3m", Browser),
    ("ELinks", "ELinks", Browser),
];

/// Words of the list that count without a slash behind them. The others are words of their own too:
/// there is a phone called "motorola edge".
const WITHOUT_VERSION: &[&str] = &[
    "Instagram",
    "KAKAOTALK",
    "LinkedInApp",
    "MSIE",
    "Slackbot-LinkExpanding",
    "TelegramBot",
    "Twitter",
    "wv",
];

/// What the words of a header say it is.
pub(super) fn product(words: &[&str]) -> Product {
    let listed = PRODUCTS.iter().find_map(|&(key, name, role)| {
        let at = words.iter().position(|word| is_product(word, key))?;
        Some(if name.is_empty() {
            Product { name: None, version: None, role }
        } else {
            Product { name: Some(name), version: version(words, at, key), role }
        })
    });
    match listed {
        Some(product) if product.role != Browser => product,
        // What is built on Chrome, and says that it is a bot.
        _ if words.iter().any(|word| is_bot(word)) => {
            Product { name: None, version: None, role: Bot }
        }
        Some(product) => product,
        None => safari(words),
    }
}

fn is_product(word: &str, key: &str) -> bool {
    match word.split_once('/') {
        Some((name, _)) => name.eq_ignore_ascii_case(key),
        None => word == key && WITHOUT_VERSION.contains(&key),
    }
}

/// The digits after the slash, or at the beginning of the next word.
fn version(words: &[&str], at: usize, key: &str) -> Option<u16> {
    let text = match words.get(at)?.split_once('/') {
        Some((_, version)) => version,
        None => words.get(at + 1)?,
    };
    let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
    let version: u16 = digits.parse().ok()?;
    // Internet Explorer tells the version of its engine.
    if key == "Trident" { version.checked_add(4) } else { Some(version) }
}

/// Safari tells its version apart, and the browser of old Androids calls itself Safari. On other
/// systems it is something that is built on the same engine.
fn safari(words: &[&str]) -> Product {
    let has = |key: &str| words.iter().any(|word| is_product(word, key));
    let on = |systems: &[&str]| words.iter().any(|word| systems.contains(word));
    let version = words.iter().position(|word| is_product(word, "Version"));
    let version = version.and_then(|at| self::version(words, at, "Version"));
    let name = match version {
        Some(_) if !has("Safari") => None,
        Some(_) if on(&["Macintosh", "iPhone", "iPad", "iPod"]) => Some("Safari"),
        Some(_) if on(&["Android"]) => Some("Android Browser"),
        _ => None,
    };
    Product { name, version: version.filter(|_| name.is_some()), role: Browser }
}

/// Crawlers give their name a version, or themselves an address; a phone that is called CUBOT does
/// neither.
fn is_bot(word: &str) -> bool {
    let ends = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["bot", "crawler", "spider"].iter().any(|end| name.ends_with(end))
    };
    word.starts_with("+http") || word.split_once('/').is_some_and(|(name, _)| ends(name))
}
