//! The pages about second factors.

use super::*;

template!(VerifyPage, "verify_login.html", VerifyLogin<'a> {
    problem: Option<&'a str>, trust: Option<String>
});

pub(in crate::page) fn verify_login(theme: &Theme, data: &VerifyLogin<'_>) -> String {
    let m = &theme.messages;
    let passkey_refused = data.passkey.is_some_and(|prompt| prompt.refused);
    let problem = match (data.refused, passkey_refused) {
        (true, _) => Some(m.verify_refused.as_ref()),
        (false, true) => Some(m.verify_passkey_refused.as_ref()),
        (false, false) => None,
    };
    let trust = data
        .trust_days
        .map(|days| theme.say_with(&m.verify_trust_label, "days", &days.to_string()));
    page(&VerifyPage { theme, m, page: data, problem, trust })
}

template!(TwoFactorPage, "settings/two_factor.html", TwoFactor<'a> {
    left: String, is_low: bool, new_codes_refused: Option<&'a str>, disable_refused: Option<&'a str>
});

pub(in crate::page) fn settings_two_factor(theme: &Theme, data: &TwoFactor<'_>) -> String {
    let m = &theme.messages;
    let beside_passkeys = data.passkey_codes.map_or(0, |codes| codes.left);
    let left = data.enrolled.map_or(beside_passkeys, |app| app.backup_codes_left);
    let refused = |form| (data.refused == Some(form)).then_some(m.two_factor_refused.as_ref());
    page(&TwoFactorPage {
        theme,
        m,
        page: data,
        left: theme.say_with(&m.two_factor_codes_left, "count", &left.to_string()),
        is_low: left <= 2,
        new_codes_refused: refused(TwoFactorForm::Regenerate),
        disable_refused: match data.refused {
            Some(TwoFactorForm::DisableNeeded) => Some(m.sso_factor_needed.as_ref()),
            _ => refused(TwoFactorForm::Disable),
        },
    })
}

template!(SetupPage, "settings/two_factor_setup.html", TwoFactorSetup<'a> {
    problem: Option<&'a str>
});

pub(in crate::page) fn settings_two_factor_setup(
    theme: &Theme,
    data: &TwoFactorSetup<'_>,
) -> String {
    let m = &theme.messages;
    let problem = data.refused.then_some(m.two_factor_setup_refused.as_ref());
    page(&SetupPage { theme, m, page: data, problem })
}

template!(BackupCodesPage, "settings/backup_codes.html", BackupCodes<'a> {});

pub(in crate::page) fn settings_backup_codes(theme: &Theme, data: &BackupCodes<'_>) -> String {
    page(&BackupCodesPage { theme, m: &theme.messages, page: data })
}
