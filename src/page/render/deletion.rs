//! The pages about an account as a whole: its data, and its end.

use super::*;

template!(DeletePage, "settings/delete.html", DeleteAccount<'a> {
    lead: String, problem: Option<String>
});

pub(in crate::page) fn settings_delete(theme: &Theme, data: &DeleteAccount<'_>) -> String {
    let m = &theme.messages;
    let lead = match data.grace_days {
        0 => theme.say(&m.delete_lead_now),
        days => theme.say_with(&m.delete_lead, "days", &days.to_string()),
    };
    let problem = data.problem.as_ref().map(|problem| match problem {
        DeletionProblem::Unconfirmed => m.delete_unconfirmed.to_string(),
        DeletionProblem::NotProven => m.delete_not_proven.to_string(),
        DeletionProblem::CoolingDown { until } => {
            theme.say_with(&m.delete_cooling_down, "date", &until.date().to_string())
        }
        DeletionProblem::SoleOwner(names) => {
            theme.say_with(&m.delete_sole_owner, "names", &names.join(", "))
        }
    });
    page(&DeletePage { theme, m, page: data, lead, problem })
}

template!(ExportPage, "settings/export.html", ExportAccount<'a> {});

pub(in crate::page) fn settings_export(theme: &Theme, data: &ExportAccount<'_>) -> String {
    page(&ExportPage { theme, m: &theme.messages, page: data })
}

template!(LeavingPage, "account_leaving.html", AccountLeaving<'a> { title: &'a str, text: String });

pub(in crate::page) fn account_leaving(theme: &Theme, data: &AccountLeaving<'_>) -> String {
    let m = &theme.messages;
    let (title, text) = match data.at {
        Some(at) => (
            m.leaving_title.as_ref(),
            theme.say_with(&m.leaving_text, "date", &at.date().to_string()),
        ),
        None => (m.left_title.as_ref(), theme.say(&m.left_text)),
    };
    page(&LeavingPage { theme, m, page: data, title, text })
}

template!(KeepPage, "keep_account.html", KeepAccount<'a> { text: String });

pub(in crate::page) fn keep_account(theme: &Theme, data: &KeepAccount<'_>) -> String {
    let m = &theme.messages;
    let text = theme.say_with(&m.keep_text, "date", &data.at.date().to_string());
    page(&KeepPage { theme, m, page: data, text })
}
