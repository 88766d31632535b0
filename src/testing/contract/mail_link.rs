use std::sync::Arc;

use time::Duration;

use super::account::{followed, new_link, new_user, owner_of};
use super::session::new_session;
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::audit::{Action, Entry};
use crate::crypto::{KeyedHash, RandomExt as _, Redacted, SystemRandom};
use crate::scope::{Account, SessionEnd, UserId};
use crate::store::{
    AuditFilter, AuditStore, CodeTries, Effects, FollowedLink, LinkLogin, LinkPurpose, LinkRequest,
    LinkUse, MailLinkStore, MailedCode, NewLink, OthersEnd, RateLimit, SessionStore, UserStore,
};

const HOUR: i64 = 3600;
const OFTEN: RateLimit = RateLimit { times: 1000, window: Duration::HOUR };
const LOGIN: LinkLogin = LinkLogin { epoch: 0, session: None, takes_over: false };
const TRIES: CodeTries = CodeTries { each: 5, address: OFTEN };

/// Proves the contract of a [`MailLinkStore`] whose users are in `users` and `sessions`, and whose
/// entries `audit` shows.
///
/// # Errors
/// The first [`Violation`].
pub async fn mail_links(
    store: Arc<dyn MailLinkStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, sessions, audit };
    kit.a_code_is_tried_as_often_as_allowed().await?;
    kit.another_code_gives_no_more_tries_than_the_address_has().await?;
    kit.a_code_is_there_for_its_purpose_while_its_link_is().await?;
    kit.a_link_logs_in_once().await?;
    kit.a_link_logs_in_for_its_purpose_until_it_expires().await?;
    kit.no_login_by_a_link_outlives_a_reset().await?;
    kit.signing_out_everywhere_leaves_no_way_in().await?;
    kit.ending_all_others_leaves_one_way_in().await?;
    kit.no_login_by_a_link_outlives_a_sign_out().await?;
    kit.what_goes_along_with_a_login_is_written_with_it().await
}

struct Kit {
    store: Arc<dyn MailLinkStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
}

impl Kit {
    async fn a_code_is_tried_as_often_as_allowed(&self) -> Result<(), Violation> {
        const RULE: &str = "a code is tried as often as is allowed, by any number of callers";
        let (email, id) = self.user().await?;
        let link = self.mail(&email, LinkPurpose::Confirm, 7).await?;
        let tries = race(|_| {
            let (store, email) = (Arc::clone(&self.store), email.clone());
            async move { store.begin_code(LinkPurpose::Confirm, &email, TRIES, at(1)).await }
        })
        .await?;
        let admitted: Vec<_> = tries.into_iter().flatten().collect();
        rule(RULE, admitted.len() == TRIES.each as usize, admitted.len())?;
        let knows = |mailed: &MailedCode| {
            mailed.account.id() == &id && mailed.token == link.token && mailed.code == code(7)
        };
        rule("a try knows what it is compared with", admitted.iter().all(knows), admitted.first())?;
        // The link goes on to work.
        let confirmed = self.users.confirm_email(&link, &Effects::none(), at(1)).await?;
        rule("a code that is used up leaves its link", confirmed == LinkUse::Done(id), confirmed)
    }

    async fn another_code_gives_no_more_tries_than_the_address_has(&self) -> Result<(), Violation> {
        const RULE: &str = "another code gives no more tries than the address has";
        let limit = RateLimit { times: 7, window: Duration::minutes(30) };
        let tries = CodeTries { each: 5, address: limit };
        let (email, _) = self.user().await?;
        let mut admitted = Vec::new();
        for number in 0..2 {
            self.mail(&email, LinkPurpose::Confirm, number).await?;
            for _ in 0..6 {
                let begun =
                    self.store.begin_code(LinkPurpose::Confirm, &email, tries, at(1)).await?;
                admitted.push(begun.is_some());
            }
        }
        let expected = [[true; 5].as_slice(), &[false, true], &[false; 5]].concat();
        // The sixth try at the first code is one of the seven of the address.
        rule(RULE, admitted == expected, &admitted)?;
        self.mail(&email, LinkPurpose::Confirm, 3).await?;
        let later = at(1) + limit.window;
        let begun = self.store.begin_code(LinkPurpose::Confirm, &email, tries, later).await?;
        rule("a window of tries ends", begun.is_some(), begun)
    }

    async fn a_code_is_there_for_its_purpose_while_its_link_is(&self) -> Result<(), Violation> {
        const RULE: &str = "a code is there for its purpose, while its link is";
        let (email, _) = self.user().await?;
        let begin = async |purpose, email: &str, now| {
            let begun = self.store.begin_code(purpose, email, TRIES, now).await?;
            Ok::<_, Violation>(begun.is_some())
        };
        let confirm = LinkPurpose::Confirm;
        rule(RULE, !begin(confirm, &email, at(1)).await?, "there was none yet")?;
        let link = self.mail(&email, confirm, 1).await?;
        rule(RULE, begin(confirm, &email, at(1)).await?, "there is one")?;
        rule(RULE, !begin(LinkPurpose::Reset, &email, at(1)).await?, "for another purpose")?;
        rule(RULE, !begin(confirm, "nobody@example.test", at(1)).await?, "for nobody")?;
        rule(RULE, !begin(confirm, &email, at(HOUR)).await?, "it is over")?;
        self.users.confirm_email(&link, &Effects::none(), at(1)).await?;
        rule(RULE, !begin(confirm, &email, at(1)).await?, "its link was used")
    }

    async fn a_link_logs_in_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a link logs in once";
        let (email, id) = self.user().await?;
        let confirm = self.mail(&email, LinkPurpose::Confirm, 1).await?;
        let token = self.mail(&email, LinkPurpose::Login, 1).await?;
        for another in [
            FollowedLink { user: UserId::from(SystemRandom.uuid_v7(epoch())), ..token.clone() },
            FollowedLink { email: "another@example.test".to_owned(), ..token.clone() },
        ] {
            let none = Effects::none();
            let used = self.store.complete_link_login(&another, LOGIN, &none, at(1)).await?;
            rule("a link logs in whom it is for", used == LinkUse::Invalid, used)?;
        }
        let other = LinkLogin { epoch: 1, ..LOGIN };
        let stale = self.store.complete_link_login(&token, other, &Effects::none(), at(1)).await?;
        rule("a link logs in at its epoch", stale == LinkUse::Invalid, stale)?;
        let uses = race(|_| {
            let (store, token) = (Arc::clone(&self.store), token.clone());
            async move { store.complete_link_login(&token, LOGIN, &Effects::none(), at(1)).await }
        })
        .await?;
        let done = uses.iter().filter(|used| **used == LinkUse::Done(id.clone())).count();
        let invalid = uses.iter().filter(|used| **used == LinkUse::Invalid).count();
        rule(RULE, done == 1 && invalid == CALLERS - 1, uses)?;
        let account = self.users.find_account(&id).await?;
        let verified = account.as_ref().is_some_and(Account::email_verified);
        rule("a login by a link confirms the address", verified, account)?;
        let left = self.users.load_link(LinkPurpose::Confirm, &confirm.token, at(1)).await?;
        rule("what is confirmed needs no link", left.is_none(), left)
    }

    async fn a_link_logs_in_for_its_purpose_until_it_expires(&self) -> Result<(), Violation> {
        const RULE: &str = "a link to log in logs in until it expires, and no other does";
        let (email, _) = self.user().await?;
        let reset = self.mail(&email, LinkPurpose::Reset, 1).await?;
        let login = self.mail(&email, LinkPurpose::Login, 1).await?;
        for (token, now) in [(reset, at(1)), (login.clone(), at(HOUR))] {
            let used = self.store.complete_link_login(&token, LOGIN, &Effects::none(), now).await?;
            rule(RULE, used == LinkUse::Invalid, used)?;
        }
        let confirmed = self.users.confirm_email(&login, &Effects::none(), at(1)).await?;
        rule("a link to log in does nothing else", confirmed == LinkUse::Invalid, confirmed)
    }

    async fn signing_out_everywhere_leaves_no_way_in(&self) -> Result<(), Violation> {
        const RULE: &str = "whoever signs out everywhere ends the links by which somebody comes in";
        let now = at(1);
        for end in [SessionEnd::SignedOutEverywhere, SessionEnd::Revoked] {
            let (email, id) = self.user().await?;
            let kept = new_session(Some(id.as_str()));
            self.sessions.create_session(&kept).await?;
            let purposes = [LinkPurpose::Login, LinkPurpose::Reset, LinkPurpose::Confirm];
            let mut links = Vec::new();
            for purpose in purposes {
                links.push((purpose, self.mail(&email, purpose, 1).await?));
            }
            // To end some sessions is not to end all.
            for (except, left) in [(Some(kept.id), [true; 3]), (None, [false, false, true])] {
                self.sessions.end_sessions_of(&id, except, end, now).await?;
                for ((purpose, token), expected) in links.iter().zip(left) {
                    let found = self.users.load_link(*purpose, &token.token, now).await?.is_some();
                    rule(RULE, found == expected, (purpose, except.is_some(), found))?;
                }
            }
            const MOVES: &str = "signing out everywhere moves the epoch, by one";
            for (epoch, done) in [(0, false), (2, false), (1, true)] {
                let token = self.mail(&email, LinkPurpose::Login, 1).await?;
                let (login, none) = (LinkLogin { epoch, ..LOGIN }, Effects::none());
                let used = self.store.complete_link_login(&token, login, &none, now).await?;
                rule(MOVES, (used == LinkUse::Done(id.clone())) == done, (epoch, used))?;
            }
        }
        Ok(())
    }

    async fn ending_all_others_leaves_one_way_in(&self) -> Result<(), Violation> {
        const RULE: &str = "ending all other sessions leaves one way in";
        let (now, end, none) = (at(1), SessionEnd::Revoked, Effects::none());
        let (email, id) = self.user().await?;
        let (kept, other) = (new_session(Some(id.as_str())), new_session(Some(id.as_str())));
        for session in [&kept, &other] {
            self.sessions.create_session(session).await?;
        }
        let mut links = Vec::new();
        for purpose in [LinkPurpose::Login, LinkPurpose::Reset, LinkPurpose::Confirm] {
            links.push((purpose, self.mail(&email, purpose, 1).await?));
        }
        let done = OthersEnd::Done { ended: 1, device_epoch: Some(1) };
        // The second time for one that is over itself: it ends nothing.
        for (session, expected) in [(&kept, done), (&other, OthersEnd::Gone)] {
            let told = self.sessions.end_other_sessions(&id, session.id, end, &none, now).await?;
            rule(RULE, told == expected, told)?;
            let left = self.sessions.sessions_of(&id, now).await?;
            rule(RULE, left.iter().map(|left| left.id).eq([kept.id]), &left)?;
            for ((purpose, token), expected) in links.iter().zip([false, false, true]) {
                let found = self.users.load_link(*purpose, &token.token, now).await?.is_some();
                rule(RULE, found == expected, (purpose, found))?;
            }
        }
        for (epoch, done) in [(0, false), (2, false), (1, true)] {
            let token = self.mail(&email, LinkPurpose::Login, 1).await?;
            let login = LinkLogin { epoch, ..LOGIN };
            let used = self.store.complete_link_login(&token, login, &none, now).await?;
            rule(RULE, (used == LinkUse::Done(id.clone())) == done, (epoch, used))?;
        }
        Ok(())
    }

    /// A session is written before its login is complete; one whose login completes all the same has
    /// come after the sign-out.
    async fn no_login_by_a_link_outlives_a_sign_out(&self) -> Result<(), Violation> {
        const RULE: &str = "no login by a link that was begun before a sign-out outlives it";
        for _ in 0..3 {
            let (email, id) = self.user().await?;
            let token = self.mail(&email, LinkPurpose::Login, 1).await?;
            race(|caller| {
                let (store, sessions) = (Arc::clone(&self.store), Arc::clone(&self.sessions));
                let (id, token) = (id.clone(), token.clone());
                async move {
                    if caller == CALLERS / 2 {
                        let end = SessionEnd::SignedOutEverywhere;
                        return sessions.end_sessions_of(&id, None, end, at(1)).await.map(drop);
                    }
                    let session = new_session(Some(id.as_str()));
                    sessions.create_session(&session).await?;
                    let login = LinkLogin { session: Some(session.id), ..LOGIN };
                    let none = Effects::none();
                    let used = store.complete_link_login(&token, login, &none, at(1)).await?;
                    if used == LinkUse::Invalid {
                        let end = SessionEnd::LoggedOut;
                        sessions.end_session(&id, session.id, end, at(1)).await?;
                    }
                    Ok(())
                }
            })
            .await?;
            let left = self.sessions.sessions_of(&id, at(1)).await?;
            rule(RULE, left.is_empty(), left.len())?;
        }
        Ok(())
    }

    async fn no_login_by_a_link_outlives_a_reset(&self) -> Result<(), Violation> {
        const RULE: &str = "no login by a link that was begun before a reset outlives it";
        for _ in 0..5 {
            let (email, id) = self.user().await?;
            let reset = self.mail(&email, LinkPurpose::Reset, 1).await?;
            let token = self.mail(&email, LinkPurpose::Login, 1).await?;
            race(|caller| {
                let (store, users) = (Arc::clone(&self.store), Arc::clone(&self.users));
                let (sessions, id) = (Arc::clone(&self.sessions), id.clone());
                let (reset, token) = (reset.clone(), token.clone());
                async move {
                    let none = Effects::none();
                    if caller == CALLERS / 2 {
                        let new = Redacted("$argon2id$reset".to_owned());
                        users.reset_password(&reset, &new, &none, at(1)).await?;
                        return Ok(());
                    }
                    let session = new_session(Some(id.as_str()));
                    sessions.create_session(&session).await?;
                    let used = store.complete_link_login(&token, LOGIN, &none, at(1)).await?;
                    if used == LinkUse::Invalid {
                        sessions.end_session(&id, session.id, SessionEnd::Revoked, at(1)).await?;
                    }
                    Ok(())
                }
            })
            .await?;
            let left = self.sessions.sessions_of(&id, at(1)).await?;
            rule(RULE, left.is_empty(), left.len())?;
        }
        Ok(())
    }

    async fn what_goes_along_with_a_login_is_written_with_it(&self) -> Result<(), Violation> {
        const RULE: &str = "what goes along is written if the change was made, and names its user";
        let (email, id) = self.user().await?;
        let token = self.mail(&email, LinkPurpose::Login, 1).await?;
        for owner in [Some(&id), None] {
            let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
            let action = Action::host(&name).unwrap_or(Action::CREATE);
            let along = Entry::new(action).at(epoch(), &SystemRandom).into();
            self.store.complete_link_login(&token, LOGIN, &along, at(1)).await?;
            let filter = AuditFilter { action: Some(name), ..AuditFilter::default() };
            let entries = self.audit.audit_entries(&filter, 10).await?;
            let told = entries.iter().map(|entry| entry.user.as_ref());
            rule(RULE, told.eq(owner.map(Some)), owner)?;
        }
        Ok(())
    }

    /// A user whose address nobody has confirmed.
    async fn user(&self) -> Result<(String, UserId), Violation> {
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        let user = new_user(&email);
        self.users.create_user(&user, &Effects::none()).await?;
        Ok((email, user.account.id().clone()))
    }

    /// Mails a link, with a code if it confirms.
    async fn mail(
        &self,
        email: &str,
        purpose: LinkPurpose,
        number: u8,
    ) -> Result<FollowedLink, Violation> {
        let code = (purpose == LinkPurpose::Confirm).then(|| code(number));
        let link = NewLink { code, ..new_link(purpose) };
        let sent = self.users.request_link(email, &link, OFTEN, epoch()).await?;
        rule("a link is written for an account", sent == LinkRequest::Sent, sent)?;
        let owner = owner_of(&*self.users, email).await?;
        Ok(followed(&link, email, &owner))
    }
}

fn code(number: u8) -> KeyedHash {
    KeyedHash::from_bytes([number; 32])
}
