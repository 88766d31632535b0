//! The page about passkeys.

use super::*;

template!(PasskeysPage, "settings/passkeys.html", PasskeySettings<'a> {
    problem: Option<&'a str>, passkeys: Vec<(&'a PasskeyEntry<'a>, String)>
});

pub(in crate::page) fn settings_passkeys(theme: &Theme, data: &PasskeySettings<'_>) -> String {
    let m = &theme.messages;
    let problem = data.notice.map(|notice| match notice {
        PasskeyNotice::Refused => m.passkeys_refused.as_ref(),
        PasskeyNotice::TooMany => m.passkeys_too_many.as_ref(),
        PasskeyNotice::LastWayIn => m.passkeys_last_way_in.as_ref(),
        PasskeyNotice::LastToComeIn => m.sso_factor_needed.as_ref(),
    });
    let used = |passkey: &PasskeyEntry<'_>| match passkey.last_used {
        Some(time) => theme.say_with(&m.passkeys_used, "date", &time.date().to_string()),
        None => theme.say(&m.passkeys_unused),
    };
    let passkeys = data.passkeys.iter().map(|passkey| (passkey, used(passkey))).collect();
    page(&PasskeysPage { theme, m, page: data, problem, passkeys })
}
