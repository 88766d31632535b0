use std::borrow::Cow;

/// Each line is a field, its English text, and its documentation.
macro_rules! messages {
    ($($name:ident: $text:literal,)*) => {
        /// Every sentence that a user reads. The default is English; a host that speaks another
        /// language, or in another voice, changes what it likes.
        ///
        /// A word in braces, such as `{product}`, is replaced by what it stands for. A text that
        /// leaves it out simply does not say it.
        ///
        /// ```
        /// use donjon::page::Messages;
        ///
        /// let messages = Messages { login_title: "Servus!".into(), ..Messages::default() };
        /// assert_eq!(messages.login_submit, "Log in");
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Messages {
            $(#[doc = $text] pub $name: Cow<'static, str>,)*
        }

        impl Default for Messages {
            fn default() -> Self {
                Self { $($name: Cow::Borrowed($text),)* }
            }
        }
    };
}

messages! {
    email_label: "Email address",
    password_label: "Password",
    new_password_label: "New password",
    logged_in_as: "Logged in as",
    back_to_login: "Back to login",

    login_title: "Welcome back",
    login_lead: "Log in to {product}.",
    login_again: "Please log in again, so that we know it is you.",
    login_submit: "Log in",
    login_other: "Log in with {name}",
    login_or: "or",
    remember_label: "Keep me logged in",
    forgot_link: "Forgot it?",
    register_prompt: "New to {product}?",
    register_link: "Create an account",
    login_refused: "That email address and password don’t match. After several wrong tries we pause for a few minutes to keep your account safe.",
    login_confirmed: "Your email address is confirmed. You can log in now.",
    login_timed_out: "That took a little long, or something changed in between. Please log in again.",
    login_kept: "Your account stays. Log in to go on.",
    login_password_set: "Your new password is set. Log in with it.",

    code_label: "Code",
    verify_title: "One more step",
    verify_lead: "Enter the code that your authenticator app shows.",
    verify_hint: "Six digits. Without the app, one of your backup codes works too.",
    verify_trust_label: "Trust this browser for {days} days",
    verify_submit: "Log in",
    verify_refused: "That code doesn’t work. Each one works once, and not for long: try the next. After several wrong ones we pause for a few minutes to keep your account safe.",

    register_title: "Create your account",
    register_lead: "One address and a good password, and you are in.",
    register_submit: "Create account",
    login_prompt: "Already have an account?",
    login_link: "Log in",
    password_hint: "At least {min} characters. A few random words work well.",
    email_invalid: "This doesn’t look like an email address. Is a letter missing?",
    password_too_short: "That is a little short. Use at least {min} characters.",
    password_too_long: "That is too long. Use at most {max} characters.",
    password_common: "Many people use this password, so it is among the first that are tried. Please choose another.",
    password_breached: "This password has leaked from another site, so it is among the first that are tried. Please choose another.",
    password_unchanged: "That is the password you have already. Please choose another.",
    password_unchecked: "We can’t check this password right now. Please try again in a moment.",
    password_guessable: "This password is easy to guess. {advice}",
    advice_personal: "Leave out your name, your address and the name of this site.",
    advice_similar: "It is close to a very common one, and a few changed letters don’t hide that.",
    advice_word: "One word is soon found. Add two or three that have nothing to do with it.",
    advice_name: "Names are soon found. Add a few words that have nothing to do with them.",
    advice_keys: "Rows of keys are soon found. A few random words work better.",
    advice_repeats: "Repeating adds little. Add a few words instead.",
    advice_sequence: "Sequences such as abc or 6543 are soon found. A few random words work better.",
    advice_date: "Dates and years are soon found. Add a few words that have nothing to do with them.",
    advice_more: "Add another word or two; unusual ones are best.",

    check_mail_title: "Check your mail",
    check_mail_register: "We have sent a message to {email}. Open the link in it to go on.",
    check_mail_confirm: "Please confirm your address before you log in. If {email} is waiting to be confirmed, a message with a link is on its way.",
    check_mail_reset: "If {email} has an account here, a message with a link to choose a new password is on its way.",
    check_mail_spam: "Nothing there after a minute? Have a look in your spam folder.",
    resend_submit: "Send it again",

    confirm_title: "Confirm your email address",
    confirm_text: "One click, and {email} is yours.",
    confirm_submit: "Confirm my address",
    confirm_password_text: "An account for {email} was made in another browser. If that was you, enter the password you chose for it.",
    confirm_refused: "That password doesn’t match. After several wrong tries we pause for a few minutes to keep the account safe.",
    confirm_reset_prompt: "Didn’t choose one, or forgot it?",
    confirm_reset_link: "Choose a new password",

    link_over_title: "This link doesn’t work any more",
    link_over_confirm: "It was used already, was replaced by a newer one, or is too old. Log in, and we can send you a new one.",
    link_over_reset: "It was used already, was replaced by a newer one, or is too old.",
    link_over_reset_next: "Get a new link",

    forgot_title: "Forgot your password?",
    forgot_lead: "It happens. Tell us your email address, and we will send you a link to choose a new one.",
    forgot_submit: "Send me a link",

    reset_title: "Choose a new password",
    reset_lead: "For {email}.",
    reset_submit: "Set new password",
    reset_note: "You will be logged out on all your devices.",

    settings_title: "Your account",
    settings_nav_label: "Account pages",
    settings_overview: "Overview",
    settings_lead: "What {product} knows about you, and how you get in.",
    settings_email_title: "Email address",
    settings_email_confirmed: "Confirmed",
    settings_email_unconfirmed: "Not confirmed",
    settings_no_email: "No address",
    settings_home: "Back to {product}",

    settings_password: "Password",
    current_password_label: "Current password",
    password_change_lead: "When you change it, you are logged out everywhere but here.",
    password_first_lead: "You log in without a password so far. With one you have another way in.",
    password_current_refused: "That is not your current password. After several wrong tries we pause for a few minutes to keep your account safe.",
    password_changed: "Your new password is set, and you are logged out everywhere else.",
    new_password_title: "Choose another password",
    new_password_lead: "Before you go on, please choose another password for {email}.",

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

    settings_tokens: "API tokens",
    tokens_lead: "For scripts and programs that use {product} in your name. Whoever has a token can do what it allows.",
    tokens_none: "There are none yet.",
    tokens_expired: "Expired",
    tokens_made: "Made {date}",
    tokens_last_used: "last used {date}",
    tokens_never_used: "never used",
    tokens_ends: "works until {date}",
    tokens_ended: "worked until {date}",
    tokens_revoke: "Revoke",
    tokens_new_title: "New token",
    tokens_name_label: "Name",
    tokens_name_hint: "What it is for, so that you recognise it later.",
    tokens_scopes_label: "It may",
    tokens_lifetime_label: "It works for",
    tokens_lifetime_days: "{days} days",
    tokens_lifetime_never: "Until you revoke it",
    tokens_submit: "Make a token",
    tokens_problem_name: "Give the token a name of at most 100 characters.",
    tokens_problem_scopes: "Choose at least one thing that the token may do.",
    tokens_problem_lifetime: "A token can’t work for that long. Choose one of the times below.",
    tokens_problem_many: "You have as many tokens as you can have. Revoke one that you don’t need any more.",
    token_created_title: "Your new token",
    token_created_lead: "Copy it now: it is shown only this once. Keep it as you keep a password.",
    token_created_done: "I have copied it",
    admin_title: "Administration",
    admin_users: "Users",
    admin_user: "User",
    admin_audit: "Audit log",
    admin_prefix_label: "Address begins with",
    admin_action_label: "Action begins with",
    admin_user_label: "About the user (id)",
    admin_search: "Search",
    admin_next: "More",
    admin_open: "Open",
    admin_disabled: "Disabled",
    admin_leaving: "Going to be deleted",
    admin_deleted: "Deleted",
    admin_refused: "Refused",
    admin_sessions: "Sessions",
    admin_actions: "What you can do",
    admin_revoke_sessions: "End all sessions",
    admin_send_reset: "Mail a link to a new password",
    admin_remove_factor: "Turn off two-step login",
    admin_disable: "Disable account",
    admin_enable: "Enable account",
    admin_impersonate: "Act as this user",
    admin_reason_label: "Why do you have to act as this user?",
    admin_reason_refused: "Please say why, in at most 500 characters.",
    impersonation_banner: "You are acting as {account}.",
    impersonation_stop: "Stop",

    settings_export: "Your data",
    export_lead: "Everything that {product} knows about you and your account, in one file (JSON). It says what it leaves out, such as passwords.",
    export_submit: "Download",

    settings_delete: "Delete account",
    delete_lead: "You will be logged out everywhere, and applications that you let in lose their access. After {days} days your account at {product} is deleted. Until then you can keep it: just log in, or follow the link that we mail you.",
    delete_lead_now: "Your account at {product} is deleted at once, and you are logged out everywhere. There is no way back.",
    delete_or_code_label: "Or a code from your authenticator app",
    delete_confirm_label: "Yes, delete my account",
    delete_submit: "Delete my account",
    delete_unconfirmed: "Please check the box, so that we know you mean it.",
    delete_not_proven: "That doesn’t match. After several wrong tries we pause for a few minutes to keep your account safe.",
    delete_cooling_down: "You have kept your account only recently. You can ask again from {date}.",
    delete_sole_owner: "You are the only owner of {names}, where others still work. Please make somebody else an owner first.",
    leaving_title: "Your account will be deleted",
    leaving_text: "That happens on {date}. If you think better of it, log in before then.",
    left_title: "Your account is deleted",
    left_text: "Thank you for having been with {product}.",
    keep_title: "Keep your account?",
    keep_text: "Your account is going to be deleted on {date}.",
    keep_submit: "Keep my account",
    settings_organizations: "Organizations",
    organizations_lead: "Where you work with others. What you do counts for the one you act in.",
    organizations_none: "You don’t belong to any yet.",
    organization_current: "Acting here",
    organization_you: "You",
    organization_switch: "Switch",
    organization_leave: "Leave",
    organization_create_title: "Start another",
    organization_create_submit: "Create organization",
    organization_name_label: "Name",
    organization_slug_label: "Name in addresses (optional)",
    organization_slug_hint: "Small letters, digits and hyphens. It can’t be changed later.",
    organization_members: "Members",
    organization_more: "More members",
    organization_role_label: "Role",
    organization_role_submit: "Change",
    organization_remove_submit: "Remove",
    organization_invite_title: "Invite somebody",
    organization_invite_lead: "They get a message with a link that works once, for that address.",
    organization_invite_submit: "Send invitation",
    organization_revoke_submit: "Take back",
    organization_rename_title: "Rename",
    organization_rename_submit: "Save",
    organization_factor_on: "Members need two-step login to act here.",
    organization_factor_off: "Members may act here with one step.",
    organization_factor_enable: "Require two-step login",
    organization_factor_disable: "Don’t require it any more",
    organization_delete_title: "Delete",
    organization_delete_lead: "For everybody, at once. The name in addresses isn’t given to anybody else.",
    organization_delete_label: "Type its name in addresses to confirm",
    organization_delete_submit: "Delete organization",
    organization_name_invalid: "A name is one line of at most 100 characters.",
    organization_slug_invalid: "A name in addresses has 3 to 63 small letters, digits and hyphens, begins with a letter, and is none that we keep for ourselves.",
    organization_slug_taken: "Another organization has this name in addresses. Please choose another.",
    organization_too_many: "You have started a lot of organizations today. Please go on tomorrow.",
    organization_last_owner: "Nobody else owns this organization. Make somebody else an owner first.",
    organization_already_member: "They belong to this organization already.",
    organization_inviter_limit: "You have invited a lot of people today. Please go on tomorrow.",
    organization_limit: "A lot of people were invited to this organization today. Please go on tomorrow.",
    organization_changed: "That didn’t work, because something has changed in between. This is how it is now.",

    invitation_title: "Join {organization}",
    invitation_ready: "You are logged in as {email}, who is invited.",
    invitation_accept: "Accept the invitation",
    invitation_visitor: "{email} is invited.",
    invitation_login: "Log in to accept",
    invitation_register: "Create account and accept",
    invitation_taken: "This address has an account. Log in to accept the invitation.",
    invitation_over: "The invitation was used already, was replaced or taken back, or is too old. Ask for a new one.",
    invitation_other_title: "This invitation isn’t for you",
    invitation_other: "It is for another address than that of {account}. If it was sent to you, log out, and open the link again.",
    invitation_unconfirmed_title: "Confirm your address first",
    invitation_unconfirmed: "{email} is invited, but has not been confirmed yet. Follow the link in the message that we sent you when you signed up, then open this one again.",

    logout_title: "Do you want to log out?",
    logout_submit: "Log out",
    logout_cancel: "Stay",
    logged_out_title: "You are logged out",
    logged_out_text: "See you soon at {product}.",
    login_again_link: "Log in again",

    consent_page_title: "Allow access",
    consent_title: "{client} would like to use your {product} account",
    consent_scopes: "It will be able to",
    consent_resources: "It will use these services",
    consent_approve: "Allow",
    consent_deny: "Cancel",
    consent_target: "You will go on to {target}. Allow this only if you trust it.",
    consent_privacy: "Privacy policy",
    consent_terms: "Terms of service",
    scope_openid: "Know who you are",
    scope_profile: "See your name and profile",
    scope_email: "See your email address",
    scope_address: "See your postal address",
    scope_phone: "See your phone number",
    scope_offline_access: "Keep access while you are away",

    form_post_title: "Almost there",
    form_post_text: "Go on to finish what you began.",
    form_post_submit: "Continue",

    error_title: "That didn’t work",
    error_code_label: "Error code:",
    error_login_required: "Please log in first.",
    error_impersonating: "You can’t do this while you act as somebody else.",
    error_unavailable: "We can’t do this right now. Please try again in a moment.",
    error_busy: "A lot of people are logging in right now. Please try again in a few seconds.",
    error_form: "The form didn’t arrive as we sent it. Please go back, reload the page, and try again.",
    error_method: "This address can’t be used like that. Please start from the login page.",

    rejected_invalid_title: "We didn’t understand that",
    rejected_invalid: "What your browser sent is not what we can work with. Please go back, reload the page, and try again.",
    rejected_login_required_title: "Who is there?",
    rejected_login_required: "This address is only for those who have logged in, and for programs with an access token.",
    rejected_cross_origin_title: "That came from somewhere else",
    rejected_cross_origin: "To keep your account safe we accept a form only from our own pages, and this one was sent by another site. Nothing was changed. If it was you, open the page here and try again.",
    rejected_forbidden_title: "This is not open to you",
    rejected_forbidden: "You may not see or do this. If you think you should, ask whoever runs this application.",
    rejected_not_found_title: "There is nothing here",
    rejected_not_found: "The address may be mistyped, or what was here is gone.",
    rejected_method_title: "This address works differently",
    rejected_method: "It can’t be used like that. Please start from a page, not from its address.",
    rejected_too_slow_title: "That took too long",
    rejected_too_slow: "What you sent did not arrive in time. Nothing was changed. Please try again.",
    rejected_too_large_title: "That is too much at once",
    rejected_too_large: "What you sent is longer than we accept here. Nothing was changed. Please go back and send less.",
    rejected_misdirected_title: "We are not known by that name",
    rejected_misdirected: "Your browser asked for another address than ours. Please open the right one.",
    rejected_too_many_title: "One moment, please",
    rejected_too_many: "You have asked for this very often. Please wait a few minutes, and try again.",
    rejected_failed_title: "Something broke",
    rejected_failed: "It is our fault, not yours, and we have made a note of it. Please try again in a moment.",
    rejected_unavailable_title: "Back in a moment",
    rejected_home: "Go to the start page",

    mail_link_hint: "If the button doesn’t work, open this address:",
    mail_confirm_subject: "Confirm your email address",
    mail_confirm_text: "Welcome to {product}! Please confirm that this address is yours. The link works for two days; in another browser than the one you signed up with, it asks for your password.",
    mail_confirm_button: "Confirm my address",
    mail_confirm_footnote: "You didn’t sign up? Then somebody mistyped their address, and you can ignore this message.",
    mail_taken_subject: "You already have an account",
    mail_taken_text: "Somebody, probably you, tried to sign up at {product} with this address, but it already has an account. Log in as usual, or choose a new password if you have forgotten yours.",
    mail_taken_button: "Choose a new password",
    mail_taken_footnote: "It wasn’t you? Nothing has changed, and you can ignore this message.",
    mail_invitation_subject: "You are invited to {organization}",
    mail_invitation_text: "{inviter} invites you to join {organization} at {product}. The link works once, for this address, for seven days.",
    mail_invitation_host_text: "You are invited to join {organization} at {product}. The link works once, for this address, for seven days.",
    mail_invitation_button: "See the invitation",
    mail_invitation_footnote: "You don’t know what this is about? Then you can ignore this message.",
    mail_reset_subject: "Choose a new password",
    mail_reset_text: "Somebody, hopefully you, asked for a new password for your {product} account. The link works once, for one hour.",
    mail_reset_button: "Choose a new password",
    mail_reset_footnote: "It wasn’t you? Your password stays as it is, and you can ignore this message.",
    mail_password_set_subject: "Your password was changed",
    mail_password_set_text: "The password of your {product} account was just changed, and you were logged out on all devices.",
    mail_password_set_button: "Choose another password",
    mail_password_set_footnote: "If it was you, all is well. If it wasn’t, choose another password now.",
    mail_password_changed_subject: "Your password was changed",
    mail_password_changed_text: "The password of your {product} account was just changed, and you were logged out everywhere else.",
    mail_password_added_subject: "Your account has a password now",
    mail_password_added_text: "A password was just set for your {product} account, which had none before.",
    mail_locked_subject: "We have paused logins to your account",
    mail_locked_text: "Somebody tried to log in to your {product} account several times with a wrong password, so we have paused logins for a few minutes. Browsers that you have logged in with before still work, unless it was one of them.",
    mail_locked_button: "Choose a new password",
    mail_locked_footnote: "If it was you, wait a little and try again, or choose a new password now.",
    mail_factor_locked_subject: "Somebody has your password",
    mail_factor_locked_text: "Somebody logged in to your {product} account with the right password, and then entered several wrong codes. They did not get in, and we have paused codes for a few minutes.",
    mail_factor_locked_button: "Choose a new password",
    mail_factor_locked_footnote: "If it was you, wait a little and try again. If it wasn’t, choose a new password now.",
    mail_token_subject: "A new API token",
    mail_token_text: "The token “{name}” was just made for your {product} account. Programs that have it can act in your name.",
    mail_token_button: "See your tokens",
    mail_token_footnote: "If it was you, all is well. If it wasn’t, revoke it there, and choose another password.",
    mail_factor_removed_subject: "Two-step login was turned off",
    mail_factor_removed_text: "Logging in to your {product} account takes no code any more, only the password.",
    mail_factor_removed_button: "Choose a new password",
    mail_factor_removed_footnote: "If it was you, all is well. If it wasn’t, choose a new password now.",
    mail_deletion_subject: "Your account will be deleted",
    mail_deletion_text: "You asked us to delete your {product} account. That happens on {date}; until then nobody can use it. If you think better of it, keep it.",
    mail_deletion_button: "Keep my account",
    mail_deletion_footnote: "It wasn’t you? Then keep the account, and choose a new password.",
    mail_kept_subject: "Your account stays",
    mail_kept_text: "Your {product} account is not going to be deleted.",
    mail_kept_button: "Choose a new password",
    mail_kept_footnote: "If it was you, all is well. If it wasn’t, choose a new password now.",
    mail_deleted_subject: "Your account is deleted",
    mail_deleted_text: "Your {product} account is deleted, as you asked.",
    mail_deleted_button: "Go to our site",
    mail_deleted_footnote: "This is the last message from us.",
}

/// Replaces each `{name}` by its value. What is replaced is not looked at again, so that a value
/// with braces stays what it is.
pub(super) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after.split_once('}').and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, after))
        });
        match value {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn a_value_is_not_looked_at_again() {
        let values = [("client", "{product}"), ("product", "Acme")];
        assert_eq!(fill("{client} at {product} {x} {", &values), "{product} at Acme {x} {");
    }
}
