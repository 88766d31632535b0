//! What is said of where a user is logged in.

macro_rules! sessions {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            settings_sessions: "Where you are logged in",
            sessions_lead: "Browsers and devices that are logged in to your {product} account. Is there one you don’t know? Log it out, and choose a new password.",
            sessions_app: "{app}, on {device}",
            sessions_this: "This device",
            sessions_impersonated: "Support, in your name",
            sessions_used: "Last used {time}",
            sessions_began: "Logged in {time}",
            sessions_revoke: "Log out",
            sessions_revoked: "That device is logged out.",
            sessions_others_title: "All other devices",
            sessions_others_lead: "You stay logged in here. No other browser is trusted any more, and links that we mailed you stop working.",
            sessions_others_submit: "Log out all others",
            sessions_others_revoked: "All other devices are logged out.",
            sessions_browsers_title: "Trusted browsers",
            sessions_browsers_lead: "Browsers that you trust don’t ask for the second step. Forget them, this one too, and the next login takes it again. Nobody is logged out.",
            sessions_browsers_submit: "Forget trusted browsers",
            sessions_browsers_forgotten: "No browser is trusted any more.",
            sessions_all_title: "Everywhere",
            sessions_all_lead: "You are logged out here, too.",
            sessions_all_apps: "Also take back what I let other apps do, and revoke my API tokens",
            sessions_all_submit: "Log out everywhere",
            device_on: "{browser} on {system}",
            device_unknown: "A device we don’t know",
            place_unknown: "a place we don’t know",
        }
    };
}
