//! The pages about sessions, and what they call a device.

use time::OffsetDateTime;

use super::*;
use crate::page::fill::fill;

template!(AgainPage, "login_again.html", LoginAgain<'a> {
    initial: String, problem: Option<&'a str>, doors: Vec<(String, &'a str)>,
    provider: Option<(String, &'a str)>
});

pub(in crate::page) fn login_again(theme: &Theme, data: &LoginAgain<'_>) -> String {
    let m = &theme.messages;
    let refused = match (data.asks_password, data.asks_code) {
        (true, true) => &m.again_either_refused,
        (false, true) => &m.verify_refused,
        (_, false) => &m.again_refused,
    };
    let problem = if data.passkey.is_some_and(|prompt| prompt.refused) {
        Some(m.verify_passkey_refused.as_ref())
    } else {
        data.refused.then_some(refused.as_ref())
    };
    let label = |name| theme.say_with(&m.login_other, "name", name);
    let doors = data.others.iter().map(|door| (label(door.name), door.href)).collect();
    let provider = data.provider.as_ref().map(|door| (label(door.name), door.href));
    let initial = initial(data.account);
    page(&AgainPage { theme, m, page: data, initial, problem, doors, provider })
}

template!(SessionsPage, "settings/sessions.html", SessionList<'a> {
    notice: Option<&'a str>,
    rows: Vec<(&'a SessionItem, String, String, String, Option<String>)>
});

pub(in crate::page) fn settings_sessions(theme: &Theme, data: &SessionList<'_>) -> String {
    let m = &theme.messages;
    let notice = data.notice.map(|notice| match notice {
        SessionsNotice::Revoked => m.sessions_revoked.as_ref(),
        SessionsNotice::OthersRevoked => m.sessions_others_revoked.as_ref(),
        SessionsNotice::BrowsersForgotten => m.sessions_browsers_forgotten.as_ref(),
    });
    let row = |session: &'_ SessionItem| {
        let used = theme.say_with(&m.sessions_used, "time", &moment(session.last_used));
        let began = theme.say_with(&m.sessions_began, "time", &moment(session.began));
        let device = device(m, &session.device);
        let device = match &session.app {
            Some(app) => fill(&m.sessions_app, &[("app", app), ("device", &device)]),
            None => device,
        };
        (device, used, began, place(&session.device))
    };
    let rows = data.sessions.iter().map(|session| {
        let (device, used, began, place) = row(session);
        (session, device, used, began, place)
    });
    page(&SessionsPage { theme, m, page: data, notice, rows: rows.collect() })
}

/// What a device is called.
pub(super) fn device(m: &Messages, device: &SeenDevice) -> String {
    match (device.name, device.system) {
        (Some(name), Some(system)) => fill(&m.device_on, &[("browser", name), ("system", system)]),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => m.device_unknown.to_string(),
    }
}

/// With what, from where and when somebody logged in, in words.
pub(super) fn unknown_login(m: &Messages, login: &UnknownLogin<'_>) -> (String, String, String) {
    let place = place(login.device).unwrap_or_else(|| m.place_unknown.to_string());
    (device(m, login.device), place, moment(login.at))
}

/// Where it is, as far as anybody knows.
pub(super) fn place(device: &SeenDevice) -> Option<String> {
    let address = device.address.map(|address| address.to_string());
    let known = [device.place.clone().filter(|place| !place.is_empty()), address];
    let known: Vec<String> = known.into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join(" · "))
}

/// To the minute.
pub(super) fn moment(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02} UTC", time.date(), time.hour(), time.minute())
}
