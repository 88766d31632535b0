//! Logins that are refused after their password was looked at.

use super::*;
use crate::audit::{Action, Entry};
use crate::store::LoginRefusal;

impl Kit {
    pub(super) async fn a_refused_login_mails_the_link_only_to_whom_it_waits_for(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "a refused login is noted in any case";
        let user = self.register().await?;
        self.fail(&user.email, LOCKOUT.attempts, epoch()).await?;
        self.mails_written().await?;

        let wrong = self.refuse(&user.email, &refusal(None)).await?;
        rule("a wrong password sends no link", wrong == LinkRequest::NoAccount, wrong)?;
        let locked = self.begin(&user.email, epoch()).await?.locked_until;
        rule("a wrong password forgets no attempts", locked.is_some(), locked)?;
        // The mail that the address is locked.
        let mails = self.mails_written().await?.len();
        rule("a wrong password sends no link", mails == 1, mails)?;

        let refusals: Vec<_> = (0..CALLERS).map(|_| refusal(Some(ADDRESS))).collect();
        let outcomes = race(|index| {
            let (store, email) = (Arc::clone(&self.store), user.email.clone());
            let refusal = refusals.get(index).cloned().unwrap_or_else(|| refusal(None));
            async move { store.refuse_login(&email, &refusal, epoch()).await }
        })
        .await?;
        let sent = outcomes.iter().filter(|outcome| **outcome == LinkRequest::Sent).count();
        let limited = outcomes.iter().filter(|outcome| **outcome == LinkRequest::Limited).count();
        let exact = sent == LIMIT.times as usize && limited == CALLERS - sent;
        rule("links of refused logins are limited exactly", exact, (sent, limited))?;
        let mails = self.mails_written().await?.len();
        rule("links of refused logins are limited exactly", mails == sent, mails)?;
        let attempt = self.begin(&user.email, epoch()).await?;
        rule("a right password forgets its attempts", attempt.locked_until.is_none(), attempt)?;
        let request = new_link(LinkPurpose::Confirm);
        let asked = self.store.request_link(&user.email, &request, LIMIT, epoch()).await?;
        rule("they count as requests for the link", asked == LinkRequest::Limited, asked)?;

        let confirmed = self.confirmed().await?;
        let useless = self.refuse(&confirmed, &refusal(Some(ADDRESS))).await?;
        rule("who is confirmed gets no link", useless == LinkRequest::NoAccount, useless)?;
        let nobody = self.refuse(&fresh_email(), &refusal(None)).await?;
        rule("nobody gets no link", nobody == LinkRequest::NoAccount, nobody)?;
        let entries = self.audit.audit_entries(&Default::default(), 1_000).await?;
        let noted = entries.iter().filter(|entry| entry.action.as_str() == ACTION).count();
        rule(RULE, noted == CALLERS + 3, noted)
    }

    async fn refuse(&self, email: &str, refusal: &LoginRefusal) -> Result<LinkRequest, Violation> {
        Ok(self.store.refuse_login(email, refusal, epoch()).await?)
    }

    async fn confirmed(&self) -> Result<String, Violation> {
        let user = self.register().await?;
        self.store.confirm_email(&user.confirm, &Effects::none(), epoch()).await?;
        Ok(user.email)
    }
}

const ACTION: &str = "contract.refused_login";

fn refusal(unconfirmed: Option<LoginCounter>) -> LoginRefusal {
    let entry =
        Entry::new(Action::host(ACTION).unwrap_or(Action::LOG_IN)).at(epoch(), &SystemRandom);
    let link = new_link(LinkPurpose::Confirm);
    LoginRefusal { refused: entry.into(), unconfirmed, link, limit: LIMIT }
}
