//! The page of administrators about mails that were given up.

use super::*;

template!(AdminMailsPage, "admin/mails.html", AdminMails<'a> { days: Vec<(u32, String)> });

pub(in crate::page) fn admin_mails(theme: &Theme, data: &AdminMails<'_>) -> String {
    let m = &theme.messages;
    let text = |days: u32| match days {
        0 => m.admin_mails_all.clone().into_owned(),
        days => theme.say_with(&m.admin_mails_days, "days", &days.to_string()),
    };
    let days = data.days.iter().map(|days| (*days, text(*days))).collect();
    page(&AdminMailsPage { theme, m, page: data, days })
}
