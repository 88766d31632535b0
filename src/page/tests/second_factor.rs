use super::*;

/// The pages about second factors, among those of the [gallery](super::gallery).
pub(super) fn second_factor<'a>(
    theme: &dyn Pages,
    frame: Frame<'a>,
    text: &'a str,
    (prompt, key): (PasskeyPrompt<'a>, &'a str),
) -> Vec<(&'static str, String)> {
    let app = |left| Some(EnrolledApp::new(time::OffsetDateTime::UNIX_EPOCH, left));
    let two_factor = |app, refused| TwoFactor::new(frame, app, [text; 3], refused);
    let by_passkey = |left, refused| {
        let codes = PasskeyCodes::new(left, prompt);
        theme.settings_two_factor(&two_factor(None, refused).with_passkey_codes(Some(codes)))
    };
    let verify = |refused, days| VerifyLogin::new(text, text, refused, days);
    let svg = "<svg viewBox=\"0 0 9 9\"><path d=\"M0 0h9v9H0z\"/></svg>";
    let backup_codes = ["7KQ2M-X9D4T", "0A1B2-C3D4E", text].map(str::to_owned);
    let asked = Some(prompt);
    vec![
        ("verify-login", theme.verify_login(&verify(false, Some(30)))),
        ("verify-login-refused", theme.verify_login(&verify(true, None))),
        (
            "verify-login-passkey",
            theme.verify_login(&verify(false, Some(30)).with_passkey(asked, true)),
        ),
        (
            "verify-login-only-passkey",
            theme.verify_login(&verify(false, None).with_passkey(asked, false)),
        ),
        ("step-up", theme.verify_login(&verify(false, Some(30)).in_session())),
        (
            "step-up-passkey",
            theme.verify_login(&verify(true, Some(30)).with_passkey(asked, true).in_session()),
        ),
        (
            "step-up-backup",
            theme.verify_login(
                &verify(false, None).with_passkey(asked, true).with_app(false).in_session(),
            ),
        ),
        (
            "step-up-only-passkey",
            theme.verify_login(&verify(false, Some(30)).with_passkey(asked, false).in_session()),
        ),
        ("two-factor-off", theme.settings_two_factor(&two_factor(None, None))),
        ("two-factor-on", theme.settings_two_factor(&two_factor(app(10), None))),
        (
            "two-factor-refused",
            theme.settings_two_factor(&two_factor(app(1), Some(TwoFactorForm::Disable))),
        ),
        ("two-factor-passkey", by_passkey(0, None)),
        ("two-factor-passkey-low", by_passkey(2, Some(TwoFactorForm::Regenerate))),
        (
            "two-factor-setup",
            theme.settings_two_factor_setup(&TwoFactorSetup::new(
                frame,
                [text; 2],
                (Some(svg), key),
                true,
            )),
        ),
        (
            "backup-codes",
            theme.settings_backup_codes(&BackupCodes::new(frame, &backup_codes, text)),
        ),
    ]
}
