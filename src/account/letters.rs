use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::config::Paths;
use super::mailed::link_key;
use super::trip::Trip;
use super::{CodeFor, Email, MailCode, settings};
use crate::crypto::{Keyring, OpaqueToken, Purpose, Random, RandomExt as _};
use crate::delivery::{self, Message};
use crate::page::{Letter, Pages, SeenDevice, UnknownLogin};
use crate::scope::UserId;
use crate::store::{LinkPurpose, NewDelivery, NewLink};

const CONFIRM_CODE: Purpose = Purpose::new("account/confirm-code");

/// Writes the mails of the account pages, sealed and ready for the outbox.
///
/// Every mail that a transition might need is written before it is known whether it will be, so
/// that nothing is told by how long it takes.
#[derive(Debug)]
pub(super) struct Letters {
    pub(super) pages: Arc<dyn Pages>,
    pub(super) keyring: Keyring,
    pub(super) random: Arc<dyn Random>,
    /// Without a slash at the end.
    pub(super) base_url: String,
    /// Where to choose another password: the way out for the owner who did not do what a notice
    /// tells of. Absolute.
    pub(super) forgot_password: String,
}

impl Letters {
    /// A fresh link to confirm an address, with the mail that carries it and the code for those who
    /// read it elsewhere. The code is good for this user.
    pub(super) fn confirmation(
        &self,
        user: &UserId,
        to: &Email,
        (paths, trip): (&Paths, &Trip),
        (now, works_for): (OffsetDateTime, Duration),
    ) -> NewLink {
        let (token, code) = (self.random.token(), MailCode::generate(&*self.random));
        let (purpose, hash) = (LinkPurpose::Confirm, token.hash());
        let link = mailed_path(&paths.confirm, trip, &token);
        let (link, digits) = (self.absolute(&link), code.expose());
        let letter = Letter::Confirm { link: &link, code: &digits };
        let mail = self.write(to.as_str(), &letter, now);
        let code = code.hash(&self.keyring, confirm_code(user, to));
        NewLink {
            purpose,
            token: hash,
            key: link_key(&self.keyring, purpose, &hash),
            code: Some(code),
            expires_at: now + works_for,
            effects: mail.into(),
        }
    }

    /// A fresh link, with the mail that carries it.
    pub(super) fn link(
        &self,
        purpose: Linked,
        to: &Email,
        (paths, trip): (&Paths, &Trip),
        (now, works_for): (OffsetDateTime, Duration),
    ) -> NewLink {
        let token = self.random.token();
        let path = match purpose {
            Linked::Reset => &paths.reset_password,
            Linked::Login => &paths.open_login_link,
            Linked::Keep => &paths.keep_account,
        };
        let link = self.absolute(&mailed_path(path, trip, &token));
        let (purpose, letter) = match purpose {
            Linked::Reset => (LinkPurpose::Reset, Letter::Reset { link: &link }),
            Linked::Login => (LinkPurpose::Login, Letter::LoginLink { link: &link }),
            Linked::Keep => {
                let at = now + works_for;
                (LinkPurpose::Keep, Letter::DeletionRequested { keep: &link, at })
            }
        };
        let mail = self.write(to.as_str(), &letter, now);
        let (token, expires_at) = (token.hash(), now + works_for);
        let key = link_key(&self.keyring, purpose, &token);
        NewLink { purpose, token, key, code: None, expires_at, effects: mail.into() }
    }

    /// Tells the owner what has happened. The letter gets the link for those who did not do it.
    pub(super) fn notice<'a>(
        &'a self,
        to: &str,
        letter: impl FnOnce(&'a str) -> Letter<'a>,
        now: OffsetDateTime,
    ) -> NewDelivery {
        self.write(to, &letter(&self.forgot_password), now)
    }

    /// Tells the owner that an API token was made.
    pub(super) fn token_created(
        &self,
        to: &str,
        name: &str,
        tokens: &str,
        now: OffsetDateTime,
    ) -> NewDelivery {
        let tokens = self.absolute(tokens);
        self.write(to, &Letter::TokenCreated { name, tokens: &tokens }, now)
    }

    /// Tells the former owner that the account is deleted.
    pub(super) fn deleted(&self, to: &str, paths: &Paths, now: OffsetDateTime) -> NewDelivery {
        let home = self.absolute(&paths.home);
        self.write(to, &Letter::Deleted { home: &home }, now)
    }

    /// Tells somebody that they are invited; `path` leads to the invitation.
    pub(super) fn invitation(
        &self,
        to: &Email,
        path: &str,
        (organization, inviter): (&str, Option<&str>),
        now: OffsetDateTime,
    ) -> NewDelivery {
        let link = self.absolute(path);
        self.write(to.as_str(), &Letter::Invitation { link: &link, organization, inviter }, now)
    }

    /// The link that shows that an address is the visitor's, who came by a provider.
    #[cfg(feature = "social")]
    pub(super) fn provider_email(
        &self,
        to: &Email,
        path: &str,
        provider: &str,
        now: OffsetDateTime,
    ) -> NewDelivery {
        let link = self.absolute(path);
        self.write(to.as_str(), &Letter::ProviderEmail { link: &link, provider }, now)
    }

    /// Tells the owner of a login with a browser that they are not known by; whether it came from a
    /// network that is strange too.
    pub(super) fn unknown_login(
        &self,
        to: &str,
        device: &SeenDevice,
        is_strange: bool,
        paths: &Paths,
        now: OffsetDateTime,
    ) -> NewDelivery {
        let sessions = self.absolute(&settings::sessions_path(paths));
        let login = UnknownLogin::new(device, now, &sessions);
        let letter = match is_strange {
            true => Letter::SuspiciousLogin(login),
            false => Letter::NewDevice(login),
        };
        self.write(to, &letter, now)
    }

    pub(super) fn write(&self, to: &str, letter: &Letter<'_>, now: OffsetDateTime) -> NewDelivery {
        let mail = self.pages.mail(letter);
        let message = Message {
            // The delivery has one.
            id: uuid::Uuid::nil(),
            to: to.to_owned(),
            subject: mail.subject,
            text: mail.text,
            html: mail.html,
        };
        delivery::seal(&self.keyring, &*self.random, &message, now)
    }

    pub(super) fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
}

/// Tells that the password was chosen by somebody who was logged in.
pub(super) fn password_chosen(is_first: bool, forgot: &str) -> Letter<'_> {
    match is_first {
        true => Letter::PasswordAdded { forgot },
        false => Letter::PasswordChanged { forgot },
    }
}

/// What a link without a code is mailed for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Linked {
    Reset,
    Login,
    Keep,
}

/// What a code to confirm an address is good for.
pub(super) fn confirm_code<'a>(user: &'a UserId, email: &'a Email) -> CodeFor<'a> {
    CodeFor { purpose: CONFIRM_CODE, user, email }
}

fn mailed_path(path: &str, trip: &Trip, token: &OpaqueToken) -> String {
    trip.mailed().via_with(path, &[("token", &token.expose())])
}

/// The secret of the link that a visitor came by.
pub(super) fn token(text: Option<&str>) -> Option<OpaqueToken> {
    text.and_then(OpaqueToken::parse)
}
