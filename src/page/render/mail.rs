//! The mails: what each says, as text and as HTML.

use askama::Template;

use super::super::*;
use super::{page, unknown_login};

struct LetterText<'a> {
    subject: String,
    text: String,
    /// A code, to be typed, with what is said of it.
    code: Option<(&'a str, &'a str)>,
    button: &'a str,
    link: &'a str,
    footnote: String,
}

#[derive(Template)]
#[template(path = "mail/mail.html")]
struct MailHtml<'a> {
    theme: &'a Theme,
    m: &'a Messages,
    letter: &'a LetterText<'a>,
}

#[derive(Template)]
#[template(path = "mail/mail.txt")]
struct MailText<'a> {
    theme: &'a Theme,
    letter: &'a LetterText<'a>,
}

pub(in crate::page) fn mail(theme: &Theme, letter: &Letter<'_>) -> Mail {
    let m = &theme.messages;
    let (subject, text, button, link, footnote) = match letter {
        Letter::LoginLink { link } => (
            &m.mail_login_link_subject,
            &m.mail_login_link_text,
            &m.mail_login_link_button,
            link,
            &m.mail_login_link_footnote,
        ),
        Letter::Confirm { link, .. } => (
            &m.mail_confirm_subject,
            &m.mail_confirm_text,
            &m.mail_confirm_button,
            link,
            &m.mail_confirm_footnote,
        ),
        Letter::EmailTaken { forgot } => (
            &m.mail_taken_subject,
            &m.mail_taken_text,
            &m.mail_taken_button,
            forgot,
            &m.mail_taken_footnote,
        ),
        Letter::ChangeEmail { link, .. } => (
            &m.mail_change_email_subject,
            &m.mail_change_email_text,
            &m.mail_change_email_button,
            link,
            &m.mail_change_email_footnote,
        ),
        Letter::EmailWanted { home } => (
            &m.mail_email_wanted_subject,
            &m.mail_email_wanted_text,
            &m.mail_email_wanted_button,
            home,
            &m.mail_email_wanted_footnote,
        ),
        Letter::EmailChangeAsked { forgot, .. } => (
            &m.mail_email_asked_subject,
            &m.mail_email_asked_text,
            &m.mail_email_asked_button,
            forgot,
            &m.mail_email_asked_footnote,
        ),
        Letter::EmailChanged { home, .. } => (
            &m.mail_email_changed_subject,
            &m.mail_email_changed_text,
            &m.mail_email_changed_button,
            home,
            &m.mail_email_changed_footnote,
        ),
        Letter::Invitation { link, inviter, .. } => (
            &m.mail_invitation_subject,
            match inviter {
                Some(_) => &m.mail_invitation_text,
                None => &m.mail_invitation_host_text,
            },
            &m.mail_invitation_button,
            link,
            &m.mail_invitation_footnote,
        ),
        Letter::MemberRemoved { organizations, .. } => (
            &m.mail_member_removed_subject,
            &m.mail_member_removed_text,
            &m.mail_member_button,
            organizations,
            &m.mail_member_footnote,
        ),
        Letter::RoleChanged { organizations, .. } => (
            &m.mail_role_changed_subject,
            &m.mail_role_changed_text,
            &m.mail_member_button,
            organizations,
            &m.mail_member_footnote,
        ),
        Letter::BreakGlass { settings, .. } => (
            &m.mail_break_glass_subject,
            &m.mail_break_glass_text,
            &m.mail_break_glass_button,
            settings,
            &m.mail_break_glass_footnote,
        ),
        Letter::BreakGlassSuspected { settings, .. } => (
            &m.mail_break_glass_suspected_subject,
            &m.mail_break_glass_suspected_text,
            &m.mail_break_glass_button,
            settings,
            &m.mail_break_glass_suspected_footnote,
        ),
        Letter::Reset { link } => (
            &m.mail_reset_subject,
            &m.mail_reset_text,
            &m.mail_reset_button,
            link,
            &m.mail_reset_footnote,
        ),
        Letter::PasswordSet { forgot } => (
            &m.mail_password_set_subject,
            &m.mail_password_set_text,
            &m.mail_password_set_button,
            forgot,
            &m.mail_password_set_footnote,
        ),
        Letter::PasswordChanged { forgot } => (
            &m.mail_password_changed_subject,
            &m.mail_password_changed_text,
            &m.mail_password_set_button,
            forgot,
            &m.mail_password_set_footnote,
        ),
        Letter::PasswordAdded { forgot } => (
            &m.mail_password_added_subject,
            &m.mail_password_added_text,
            &m.mail_password_set_button,
            forgot,
            &m.mail_password_set_footnote,
        ),
        Letter::Locked { forgot } => (
            &m.mail_locked_subject,
            &m.mail_locked_text,
            &m.mail_locked_button,
            forgot,
            &m.mail_locked_footnote,
        ),
        Letter::SecondFactorLocked { forgot } => (
            &m.mail_factor_locked_subject,
            &m.mail_factor_locked_text,
            &m.mail_factor_locked_button,
            forgot,
            &m.mail_factor_locked_footnote,
        ),
        Letter::TokenCreated { tokens, .. } => (
            &m.mail_token_subject,
            &m.mail_token_text,
            &m.mail_token_button,
            tokens,
            &m.mail_token_footnote,
        ),
        Letter::PasskeyAdded { forgot } => (
            &m.mail_passkey_added_subject,
            &m.mail_passkey_added_text,
            &m.mail_passkey_added_button,
            forgot,
            &m.mail_passkey_added_footnote,
        ),
        Letter::PasskeyRemoved { forgot } => (
            &m.mail_passkey_removed_subject,
            &m.mail_passkey_removed_text,
            &m.mail_passkey_removed_button,
            forgot,
            &m.mail_passkey_removed_footnote,
        ),
        Letter::PasskeySuspected { forgot } => (
            &m.mail_passkey_suspected_subject,
            &m.mail_passkey_suspected_text,
            &m.mail_passkey_suspected_button,
            forgot,
            &m.mail_passkey_suspected_footnote,
        ),
        Letter::AppAdded { forgot } => (
            &m.mail_app_added_subject,
            &m.mail_app_added_text,
            &m.mail_factor_removed_button,
            forgot,
            &m.mail_app_added_footnote,
        ),
        Letter::BackupCodesReplaced { forgot } => (
            &m.mail_backup_codes_subject,
            &m.mail_backup_codes_text,
            &m.mail_factor_removed_button,
            forgot,
            &m.mail_factor_removed_footnote,
        ),
        Letter::BackupCodeUsed { forgot, .. } => (
            &m.mail_backup_code_subject,
            &m.mail_backup_code_text,
            &m.mail_factor_removed_button,
            forgot,
            &m.mail_factor_removed_footnote,
        ),
        Letter::AppRemoved { forgot } => (
            &m.mail_app_removed_subject,
            &m.mail_app_removed_text,
            &m.mail_factor_removed_button,
            forgot,
            &m.mail_factor_removed_footnote,
        ),
        Letter::ProviderEmail { link, .. } => (
            &m.mail_provider_email_subject,
            &m.mail_provider_email_text,
            &m.mail_confirm_button,
            link,
            &m.mail_provider_email_footnote,
        ),
        Letter::IdentityLinked { forgot, .. } => (
            &m.mail_identity_linked_subject,
            &m.mail_identity_linked_text,
            &m.mail_locked_button,
            forgot,
            &m.mail_identity_linked_footnote,
        ),
        Letter::IdentityUnlinked { forgot, .. } => (
            &m.mail_identity_unlinked_subject,
            &m.mail_identity_unlinked_text,
            &m.mail_locked_button,
            forgot,
            &m.mail_identity_unlinked_footnote,
        ),
        Letter::NewDevice(login) => (
            &m.mail_new_device_subject,
            &m.mail_new_device_text,
            &m.mail_new_device_button,
            &login.sessions,
            &m.mail_new_device_footnote,
        ),
        Letter::SuspiciousLogin(login) => (
            &m.mail_suspicious_subject,
            &m.mail_suspicious_text,
            &m.mail_new_device_button,
            &login.sessions,
            &m.mail_new_device_footnote,
        ),
        Letter::SecondFactorRemoved { forgot } => (
            &m.mail_factor_removed_subject,
            &m.mail_factor_removed_text,
            &m.mail_factor_removed_button,
            forgot,
            &m.mail_factor_removed_footnote,
        ),
        Letter::DeletionRequested { keep, .. } => (
            &m.mail_deletion_subject,
            &m.mail_deletion_text,
            &m.mail_deletion_button,
            keep,
            &m.mail_deletion_footnote,
        ),
        Letter::DeletionCancelled { forgot } => (
            &m.mail_kept_subject,
            &m.mail_kept_text,
            &m.mail_kept_button,
            forgot,
            &m.mail_kept_footnote,
        ),
        Letter::Deleted { home } => (
            &m.mail_deleted_subject,
            &m.mail_deleted_text,
            &m.mail_deleted_button,
            home,
            &m.mail_deleted_footnote,
        ),
    };
    let (date, device, place, time, number);
    let values = match letter {
        Letter::DeletionRequested { at, .. } => {
            date = at.date().to_string();
            vec![("date", date.as_str())]
        }
        Letter::TokenCreated { name, .. } => vec![("name", *name)],
        Letter::EmailChangeAsked { email, .. } | Letter::EmailChanged { email, .. } => {
            vec![("email", *email)]
        }
        Letter::BackupCodeUsed { left, .. } => {
            number = left.to_string();
            vec![("left", number.as_str())]
        }
        Letter::MemberRemoved { organization, .. } => vec![("organization", *organization)],
        Letter::RoleChanged { organization, role, .. } => {
            vec![("organization", *organization), ("role", *role)]
        }
        Letter::BreakGlass { organization, member, .. }
        | Letter::BreakGlassSuspected { organization, member, .. } => {
            vec![("organization", *organization), ("member", *member)]
        }
        Letter::Invitation { organization, inviter, .. } => {
            vec![("organization", *organization), ("inviter", inviter.unwrap_or_default())]
        }
        Letter::NewDevice(login) | Letter::SuspiciousLogin(login) => {
            (device, place, time) = unknown_login(m, login);
            vec![("device", device.as_str()), ("place", place.as_str()), ("time", time.as_str())]
        }
        _ => letter.provider().map(|provider| ("provider", provider)).into_iter().collect(),
    };
    let code = match letter {
        Letter::Confirm { code, .. } => Some((m.mail_code_hint.as_ref(), *code)),
        Letter::ChangeEmail { code, .. } => Some((m.mail_change_email_code_hint.as_ref(), *code)),
        _ => None,
    };
    let letter = LetterText {
        code,
        subject: theme.say_all(subject, &values),
        text: theme.say_all(text, &values),
        button,
        link,
        footnote: theme.say_all(footnote, &values),
    };
    Mail {
        text: page(&MailText { theme, letter: &letter }),
        html: page(&MailHtml { theme, m, letter: &letter }),
        subject: letter.subject,
    }
}
