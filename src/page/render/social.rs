//! The pages about logins by other providers.

use super::*;

template!(LinkIdentityPage, "link_identity.html", LinkIdentity<'a> {
    title: String, text: String, submit: String, logs_in: bool, confirms: bool
});

pub(in crate::page) fn link_identity(theme: &Theme, data: &LinkIdentity<'_>) -> String {
    let m = &theme.messages;
    let (text, submit) = match data.step {
        LinkStep::LogIn => (&m.link_identity_log_in, &m.link_identity_log_in_link),
        LinkStep::OtherAccount => (&m.link_identity_other, &m.logout_submit),
        LinkStep::Confirm => (&m.link_identity_confirm, &m.link_identity_submit),
    };
    let say = |text: &str| theme.say_with(text, "provider", data.provider);
    page(&LinkIdentityPage {
        theme,
        m,
        page: data,
        title: say(&m.link_identity_title),
        text: say(text),
        submit: say(submit),
        logs_in: data.step != LinkStep::Confirm,
        confirms: data.step == LinkStep::Confirm,
    })
}

template!(ProviderEmailPage, "provider_email.html", ProviderEmail<'a> {
    title: &'a str, text: String, wrong_email: Option<&'a str>, asks: bool, token: Option<&'a str>
});

pub(in crate::page) fn provider_email(theme: &Theme, data: &ProviderEmail<'_>) -> String {
    let m = &theme.messages;
    let (title, text) = match &data.step {
        ProviderEmailStep::Ask { .. } => (&m.provider_email_title, &m.provider_email_ask),
        ProviderEmailStep::Sent => (&m.check_mail_title, &m.provider_email_sent),
        ProviderEmailStep::Confirm { .. } => (&m.confirm_title, &m.confirm_text),
        ProviderEmailStep::OtherBrowser => (&m.link_over_title, &m.provider_email_other),
    };
    let name =
        if text.contains("{email}") { ("email", data.email) } else { ("provider", data.provider) };
    page(&ProviderEmailPage {
        theme,
        m,
        page: data,
        title,
        text: theme.say_with(text, name.0, name.1),
        wrong_email: (data.step == ProviderEmailStep::Ask { invalid: true })
            .then_some(m.email_invalid.as_ref()),
        asks: matches!(data.step, ProviderEmailStep::Ask { .. }),
        token: match data.step {
            ProviderEmailStep::Confirm { token } => Some(token),
            _ => None,
        },
    })
}

template!(ConnectionsPage, "settings/connections.html", Connections<'a> {
    good: Option<&'a str>, bad: Option<&'a str>, offers: Vec<(&'a str, String)>
});

pub(in crate::page) fn settings_connections(theme: &Theme, data: &Connections<'_>) -> String {
    let m = &theme.messages;
    let text = |notice| -> &str {
        match notice {
            ConnectionNotice::Linked => &m.connections_linked,
            ConnectionNotice::Unlinked => &m.connections_unlinked,
            ConnectionNotice::LastWayIn => &m.connections_last_way_in,
            ConnectionNotice::Taken => &m.connections_taken,
            ConnectionNotice::Another => &m.connections_another,
            ConnectionNotice::Personal => &m.login_provider_personal,
            ConnectionNotice::Cancelled => &m.connections_cancelled,
            ConnectionNotice::Unavailable => &m.login_provider_unavailable,
            ConnectionNotice::Failed => &m.connections_failed,
        }
    };
    let label = |name| theme.say_with(&m.connections_link, "provider", name);
    page(&ConnectionsPage {
        theme,
        m,
        page: data,
        good: data.notice.filter(|notice| notice.is_good()).map(text),
        bad: data.notice.filter(|notice| !notice.is_good()).map(text),
        offers: data.offers.iter().map(|offer| (offer.provider, label(offer.name))).collect(),
    })
}
