//! What is said of the second step, and of authenticator apps and backup codes.

macro_rules! two_factor {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            verify_backup_lead: "Enter one of your backup codes.",

            code_label: "Code",
            verify_title: "One more step",
            verify_lead: "Enter the code that your authenticator app shows.",
            verify_hint: "Six digits. Without the app, one of your backup codes works too.",
            verify_trust_label: "Trust this browser for {days} days",
            verify_submit: "Log in",
            verify_refused: "That code doesn’t work. Each one works once, and not for long: try the next. After several wrong ones we pause for a few minutes to keep your account safe.",

            settings_two_factor: "Two-step login",
            two_factor_lead: "With a second step, somebody who learns your password still doesn’t get in.",
            two_factor_app: "Authenticator app",
            two_factor_on: "On",
            two_factor_off: "Off",
            two_factor_back: "Not now",
            two_factor_app_code_label: "Code from the app",
            two_factor_refused: "That code doesn’t work. Each one works once: try the next. After several wrong ones we pause for a few minutes.",
            two_factor_setup_link: "Set up",
            two_factor_setup_title: "Set up your authenticator app",
            two_factor_setup_lead: "Scan this picture with the app, then enter the code that it shows.",
            two_factor_qr_label: "QR code for your authenticator app",
            two_factor_secret_title: "Can’t scan? Enter this key by hand",
            two_factor_setup_submit: "Turn on",
            two_factor_setup_refused: "That code doesn’t match. Is the clock of your phone right? Try the next code.",
            two_factor_passkey_codes_lead: "Each of them logs you in once in place of your passkey, should you lose it. Your passkey makes new ones; the old ones stop working.",
            two_factor_codes: "Backup codes",
            two_factor_codes_left: "{count} left",
            two_factor_codes_low: "Running low",
            two_factor_codes_fresh: "Two-step login is on, and these are your backup codes.",
            two_factor_codes_lead: "Print them or keep them in a safe place: each one gets you in once when your phone is not at hand. They are shown only now.",
            two_factor_codes_done: "I have kept them",
            two_factor_regenerate_title: "New backup codes",
            two_factor_regenerate_lead: "The old ones stop working. This takes a code from the app.",
            two_factor_regenerate_submit: "Make new codes",
            two_factor_disable_title: "Turn off",
            two_factor_disable_lead: "Takes a code from the app, or a backup code. Browsers that you trusted are forgotten.",
            two_factor_disable_submit: "Turn off two-step login",
        }
    };
}
