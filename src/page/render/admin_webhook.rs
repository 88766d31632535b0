//! The pages of administrators about webhook endpoints.

use super::*;

template!(AdminWebhooksPage, "admin/webhooks.html", AdminWebhooks<'a> {});

pub(in crate::page) fn admin_webhooks(theme: &Theme, data: &AdminWebhooks<'_>) -> String {
    page(&AdminWebhooksPage { theme, m: &theme.messages, page: data })
}

template!(AdminWebhookPage, "admin/webhook.html", AdminWebhook<'a> {
    problem: Option<&'a str>, overlaps: Vec<(u32, String)>
});

pub(in crate::page) fn admin_webhook(theme: &Theme, data: &AdminWebhook<'_>) -> String {
    let m = &theme.messages;
    let problem = data.problem.map(|problem| match problem {
        AdminWebhookProblem::TooManySecrets => m.admin_webhook_many_secrets.as_ref(),
        AdminWebhookProblem::Sealed => m.admin_webhook_sealed.as_ref(),
        AdminWebhookProblem::Changed => m.organization_changed.as_ref(),
    });
    let overlaps = data.overlaps.iter().map(|hours| (*hours, overlap(theme, *hours))).collect();
    page(&AdminWebhookPage { theme, m, page: data, problem, overlaps })
}

template!(AdminSecretPage, "admin/webhook_secret.html", AdminWebhookSecret<'a> { overlap: String });

pub(in crate::page) fn admin_webhook_secret(
    theme: &Theme,
    data: &AdminWebhookSecret<'_>,
) -> String {
    let (m, overlap) = (&theme.messages, overlap(theme, data.overlap));
    page(&AdminSecretPage { theme, m, page: data, overlap })
}

/// How long the old secret signs beside the new one.
fn overlap(theme: &Theme, hours: u32) -> String {
    match hours {
        0 => theme.messages.admin_webhook_no_overlap.clone().into_owned(),
        hours => theme.say_with(&theme.messages.admin_webhook_overlap, "hours", &hours.to_string()),
    }
}
