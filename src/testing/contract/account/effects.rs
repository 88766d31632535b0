//! What is written along with a transition.

use super::*;
use crate::audit::{Action, AuditEntry, Entry};
use crate::store::AuditFilter;

impl Kit {
    pub(super) async fn what_goes_along_is_written_with_the_change(&self) -> Result<(), Violation> {
        const RULE: &str = "what goes along is written if the change was made, and names its user";
        let (email, now) = (fresh_email(), epoch());
        let user = new_user(&email);
        let id = user.account.id().clone();
        let (fresh, taken) = (Along::new(), Along::new());
        let mut link = new_link(LinkPurpose::Confirm);
        link.effects = fresh.effects.clone();
        let limit = RateLimit { times: 1, ..LIMIT };
        self.store.register(&user, &link, &taken.effects, (limit, now)).await?;
        rule(RULE, self.wrote(&fresh, Some(&id)).await?, "a registration")?;
        rule(RULE, self.wrote(&taken, None).await?, "a registration was called a second one")?;
        for written in [true, false] {
            let taken = Along::new();
            let another = new_user(&email);
            self.store.register(&another, &link, &taken.effects, (limit, now)).await?;
            let owner = written.then_some(&id);
            rule(RULE, self.wrote(&taken, owner).await?, ("a taken address", written))?;
        }

        let (made, refused) = (Along::new(), Along::new());
        let seeded = new_user(&fresh_email());
        self.store.create_user(&seeded, &made.effects).await?;
        rule(RULE, self.wrote(&made, Some(seeded.account.id())).await?, "a new user")?;
        let again = NewUser { account: new_user(&email).account, ..seeded };
        self.store.create_user(&again, &refused.effects).await?;
        rule(RULE, self.wrote(&refused, None).await?, "a user that was there")?;

        let other = Redacted("another".to_owned());
        for (password, owner) in [(&other, None), (&password(), Some(&id))] {
            let along = Along::new();
            self.store
                .complete_login(&email, ADDRESS, (password, None), None, &along.effects)
                .await?;
            rule(RULE, self.wrote(&along, owner).await?, ("a login", owner))?;
        }
        for attempt in 1..=LOCKOUT.attempts + 2 {
            let along = Along::new();
            self.store
                .begin_login((&email, false), None, LOCKOUT, &along.effects, &[], now)
                .await?;
            let owner = (attempt == LOCKOUT.attempts + 1).then_some(&id);
            rule(RULE, self.wrote(&along, owner).await?, ("an attempt", attempt))?;
        }
        self.links_write_what_goes_along(&email, &id).await?;
        self.ends_write_what_goes_along(&id).await
    }

    async fn ends_write_what_goes_along(&self, id: &UserId) -> Result<(), Violation> {
        const RULE: &str = "what goes along with the end of a session is written with it";
        let (session, now, end) = (new_session(Some(id.as_str())), epoch(), SessionEnd::Revoked);
        self.sessions.create_session(&session).await?;
        for owner in [Some(id), None] {
            let along = Along::new();
            self.sessions.end_session_along(id, session.id, end, &along.effects, now).await?;
            rule(RULE, self.wrote(&along, owner).await?, ("one", owner))?;
        }
        for end in [SessionEnd::Revoked, SessionEnd::SignedOutEverywhere] {
            let along = Along::new();
            self.sessions.end_sessions_along(id, None, end, &along.effects, now).await?;
            rule(RULE, self.wrote(&along, Some(id)).await?, ("all", end))?;
        }
        Ok(())
    }

    async fn links_write_what_goes_along(&self, email: &str, id: &UserId) -> Result<(), Violation> {
        const RULE: &str = "what goes along is written if the change was made, and names its user";
        for purpose in [LinkPurpose::Confirm, LinkPurpose::Reset] {
            let sent = Along::new();
            let link = NewLink { effects: sent.effects.clone(), ..new_link(purpose) };
            self.store.request_link(email, &link, LIMIT, epoch()).await?;
            rule(RULE, self.wrote(&sent, Some(id)).await?, (purpose, "was asked for"))?;
            let used = followed(&link, email, id);
            for owner in [Some(id), None] {
                let along = Along::new();
                if purpose == LinkPurpose::Confirm {
                    self.store.confirm_email(&used, &along.effects, at(1)).await?;
                } else {
                    let new = password();
                    self.store.reset_password(&used, &new, &along.effects, at(1)).await?;
                }
                rule(RULE, self.wrote(&along, owner).await?, (purpose, "was used", owner))?;
            }
        }
        let unknown = Along::new();
        let effects = unknown.effects.clone();
        let link = NewLink { effects, ..new_link(LinkPurpose::Reset) };
        self.store.request_link(&fresh_email(), &link, LIMIT, epoch()).await?;
        rule(RULE, self.wrote(&unknown, None).await?, "a link for nobody")
    }

    /// Whether all of it was written, about this user; or, without one, none of it.
    async fn wrote(&self, along: &Along, user: Option<&UserId>) -> Result<bool, Violation> {
        let filter = AuditFilter { action: Some(along.name.clone()), ..AuditFilter::default() };
        let entries: Vec<AuditEntry> = self.audit.audit_entries(&filter, 10).await?;
        let mailed = self.mails_written().await?.contains(&along.mail);
        let told = entries.iter().map(|entry| (entry.id, entry.user.as_ref()));
        Ok(mailed == user.is_some() && told.eq(user.map(|user| (along.entry, Some(user)))))
    }
}

/// An entry and a mail, to be found again.
struct Along {
    name: String,
    entry: Uuid,
    mail: Uuid,
    effects: Effects,
}

impl Along {
    fn new() -> Self {
        let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
        let action = Action::host(&name).unwrap_or(Action::CREATE);
        let entry = Entry::new(action).at(epoch(), &SystemRandom);
        let mail = new_delivery();
        let (mail_id, entry_id) = (mail.id, entry.id);
        let effects = Effects::from(mail).and_entry(entry);
        Self { name, entry: entry_id, mail: mail_id, effects }
    }
}
