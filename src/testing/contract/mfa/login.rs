//! Logins that wait for a code: how many may be tried, and how a reset ends them.

use super::super::session::new_session;
use super::*;
use crate::scope::SessionEnd;
use crate::store::NewLink;

impl Kit {
    pub(super) async fn attempts_of_both_kinds_are_counted_together(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "any number of callers get the allowed attempts at codes and no more";
        let user = self.enrolled().await?;
        let attempts =
            race(|_| {
                let (store, id) = (Arc::clone(&self.store), user.id.clone());
                async move {
                    store.begin_second_factor(&id, LOCKOUT, &Effects::none(), &[], epoch()).await
                }
            })
            .await?;
        let admitted = attempts.iter().filter(|attempt| attempt.locked_until.is_none()).count();
        rule(RULE, admitted == LOCKOUT.attempts as usize, admitted)?;
        let whole = attempts.iter().all(|attempt| {
            attempt.user.as_ref().is_some_and(|found| found.secret.as_ref() == Some(&user.secret))
        });
        rule("an attempt knows what it is compared with", whole, attempts.first())?;

        // A code that was right forgets the attempts, whichever kind it was of.
        for proof in [FactorProof::Totp(101), FactorProof::BackupCode(user.code()?)] {
            let used = self.use_code(&user.id, proof, Some(0)).await?;
            rule("a good code is used", used == FactorUse::Done, (proof, used))?;
            for attempt in 0..=LOCKOUT.attempts {
                let locked = self.begin(&user.id).await?.locked_until.is_some();
                rule(
                    "a good code forgets the attempts",
                    locked == (attempt == LOCKOUT.attempts),
                    (proof, attempt),
                )?;
            }
        }
        let password = self
            .users
            .begin_login((&user.email, false), None, LOCKOUT, &Effects::none(), &[], epoch())
            .await?;
        let open = password.locked_until.is_none();
        rule("attempts at codes and at passwords are counted apart", open, password.locked_until)
    }

    pub(super) async fn a_lock_of_codes_ends_and_comes_again(&self) -> Result<(), Violation> {
        let id = self.enrolled().await?.id;
        let mut begins = epoch();
        let begin = async |now| {
            let none = Effects::none();
            Ok::<_, Violation>(
                self.store.begin_second_factor(&id, LOCKOUT, &none, &[], now).await?.locked_until,
            )
        };
        for _ in 0..2 {
            let until = begins + LOCKOUT.lock_for;
            for _ in 0..LOCKOUT.attempts {
                begin(begins).await?;
            }
            let locked = begin(begins).await?;
            rule("a lock of codes comes again", locked == Some(until), locked)?;
            let locked = begin(until - Duration::SECOND).await?;
            rule("trying does not prolong a lock of codes", locked == Some(until), locked)?;
            let locked = begin(until).await?;
            rule("a lock of codes ends", locked.is_none(), locked)?;
            begins = until + LOCKOUT.lock_for;
        }
        Ok(())
    }

    pub(super) async fn no_pending_login_outlives_a_reset(&self) -> Result<(), Violation> {
        const RULE: &str = "no login that was begun before a reset outlives it";
        for _ in 0..3 {
            let user = self.enrolled().await?;
            let link = NewLink { expires_at: at(60), ..new_link(LinkPurpose::Reset) };
            self.users.request_link(&user.email, &link, LIMIT, epoch()).await?;
            race(|caller| {
                let (store, users) = (Arc::clone(&self.store), Arc::clone(&self.users));
                let (sessions, id) = (Arc::clone(&self.sessions), user.id.clone());
                let (token, code) =
                    (followed(&link, &user.email, &user.id), user.codes.get(caller).copied());
                async move {
                    if caller == CALLERS / 2 {
                        let new = Redacted("$argon2id$reset".to_owned());
                        users.reset_password(&token, &new, &new_delivery().into(), at(1)).await?;
                        return Ok(());
                    }
                    let session = new_session(Some(id.as_str()));
                    sessions.create_session(&session).await?;
                    let (step, none) = (101 + caller as i64, Effects::none());
                    let used = match code {
                        Some(code) => store.consume_backup_code(&id, &code, Some(0), &none).await?,
                        None => store.complete_totp(&id, step, Some(0), &none).await?,
                    };
                    if used == FactorUse::Refused {
                        sessions.end_session(&id, session.id, SessionEnd::Revoked, at(1)).await?;
                    }
                    Ok(())
                }
            })
            .await?;
            let left = self.sessions.sessions_of(&user.id, at(1)).await?;
            rule(RULE, left.is_empty(), left.len())?;
            for proof in [FactorProof::Totp(999), FactorProof::BackupCode(user.code()?)] {
                let late = self.use_code(&user.id, proof, Some(0)).await?;
                rule(RULE, late == FactorUse::Refused, (proof, late))?;
            }
            let renewed = self.use_code(&user.id, FactorProof::Totp(999), Some(1)).await?;
            rule("a reset leaves the second factor", renewed == FactorUse::Done, renewed)?;
        }
        Ok(())
    }
}

impl Enrolled {
    fn code(&self) -> Result<KeyedHash, Violation> {
        let code = self.codes.first().copied();
        code.ok_or(Violation { rule: "an app has codes", seen: String::new() })
    }
}
