use std::sync::Arc;

use super::breached::{BreachError, BreachedPasswords, WhenUnknown};
use super::common::is_common;
use super::policy::check_length;
use super::pool::{Busy, PasswordPool};
use super::spelling::normalized;
use super::strength::{Score, Strength, Words, estimate};
use crate::crypto::Redacted;
use crate::page::{PasswordAdvice, PasswordLength, PasswordProblem};

/// What may be a password. In the spirit of NIST SP 800-63B-4, section 3.1.1.2: long enough, not
/// on a list of common or leaked ones, not the user's name or the product's; and no rules of which
/// characters to mix.
///
/// The minimal score goes on where lists end: with the default, whatever an attacker finds within
/// a million guesses is refused. Who holds that such a rule is one of the "other complexity
/// requirements" that NIST forbids turns it off.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use donjon::account::password::{
///     HashCost, PasswordCheckError, PasswordPool, PasswordRules, PoolSize, Score,
/// };
/// use donjon::crypto::{Redacted, SystemRandom};
/// use donjon::page::{PasswordAdvice, PasswordProblem};
///
/// let pool = PasswordPool::new(HashCost::default(), PoolSize::default(), Arc::new(SystemRandom))?;
/// let rules = PasswordRules::default().min_score(Some(Score::SafelyUnguessable));
///
/// let about = ["alice@example.test", "Acme"];
/// let chosen = Redacted("alice2026".to_owned());
/// match rules.check(&pool, &chosen, &about).await {
///     Err(PasswordCheckError::Refused(PasswordProblem::Guessable(advice))) => {
///         assert_eq!(advice, PasswordAdvice::Personal);
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct PasswordRules {
    length: PasswordLength,
    min_score: Option<Score>,
    refuse_common: bool,
    breached: Option<Arc<dyn BreachedPasswords>>,
    when_unknown: WhenUnknown,
}

impl Default for PasswordRules {
    /// 8 to 128 characters; [`Score::SomewhatGuessable`] or better; not among the common ones.
    /// Nobody outside is asked.
    fn default() -> Self {
        Self {
            length: PasswordLength { min: 8, max: 128 },
            min_score: Some(Score::SomewhatGuessable),
            refuse_common: true,
            breached: None,
            when_unknown: WhenUnknown::Allow,
        }
    }
}

/// Why a password may not be chosen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordCheckError {
    /// Choose another.
    #[error("the password may not be chosen: {0:?}")]
    Refused(PasswordProblem),
    /// Too many passwords at a time.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Nobody could tell whether it has leaked, and [`WhenUnknown::Refuse`] is set.
    #[error(transparent)]
    Unknown(#[from] BreachError),
}

impl PasswordRules {
    /// How long it is, in characters.
    #[must_use]
    pub fn length(self, length: PasswordLength) -> Self {
        Self { length, ..self }
    }

    /// How long it may be.
    pub(in crate::account) fn bounds(&self) -> PasswordLength {
        self.length
    }

    /// How hard it is to guess, at least; `None` for any.
    #[must_use]
    pub fn min_score(self, min_score: Option<Score>) -> Self {
        Self { min_score, ..self }
    }

    /// Whether the twelve thousand most common ones are refused, by a list that is built in.
    #[must_use]
    pub fn refuse_common(self, refuse_common: bool) -> Self {
        Self { refuse_common, ..self }
    }

    /// Who knows which have leaked.
    #[must_use]
    pub fn breached(self, breached: impl BreachedPasswords) -> Self {
        Self { breached: Some(Arc::new(breached)), ..self }
    }

    /// What becomes of a password when they cannot tell; [`WhenUnknown::Allow`].
    #[must_use]
    pub fn when_unknown(self, when_unknown: WhenUnknown) -> Self {
        Self { when_unknown, ..self }
    }

    /// Whether a password may be chosen. `about` is what somebody would try who knows the user and
    /// the product: the address, names, the product's name.
    ///
    /// # Errors
    /// [`PasswordCheckError`].
    pub async fn check(
        &self,
        pool: &PasswordPool,
        password: &Redacted<String>,
        about: &[&str],
    ) -> Result<(), PasswordCheckError> {
        let refuse = |problem| Err(PasswordCheckError::Refused(problem));
        if let Err(problem) = check_length(&password.0, self.length) {
            return refuse(problem);
        }
        let spelt = normalized(&password.0);
        if self.refuse_common && is_common(&spelt) {
            return refuse(PasswordProblem::Common);
        }
        let words = Words::about(about);
        if words.contain(&spelt) {
            return refuse(PasswordProblem::Guessable(PasswordAdvice::Personal));
        }
        if let Some(min) = self.min_score {
            let strength = pool.rate(&spelt, words).await?;
            if strength.score < min {
                return refuse(PasswordProblem::Guessable(strength.advice));
            }
        }
        if self.has_leaked(&spelt).await? {
            return refuse(PasswordProblem::Breached);
        }
        Ok(())
    }

    async fn has_leaked(&self, password: &str) -> Result<bool, BreachError> {
        let Some(breached) = &self.breached else { return Ok(false) };
        match (breached.count(password).await, self.when_unknown) {
            (Ok(count), _) => Ok(count > 0),
            (Err(error), WhenUnknown::Refuse) => Err(error),
            (Err(error), WhenUnknown::Allow) => {
                tracing::warn!(%error, "a password was let pass");
                Ok(false)
            }
        }
    }
}

impl PasswordPool {
    /// How hard a password is to guess for somebody who knows what it is `about`: for a page that
    /// shows it. Takes a place among the passwords that are hashed, since it may take as long.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn estimate(
        &self,
        password: &Redacted<String>,
        about: &[&str],
    ) -> Result<Strength, Busy> {
        self.rate(&normalized(&password.0), Words::about(about)).await
    }

    async fn rate(&self, normalized: &str, words: Words) -> Result<Strength, Busy> {
        let password = Redacted(normalized.to_owned());
        let rate = move || {
            super::trace::rated();
            estimate(&password.0, &words)
        };
        self.reserve_one()?.run(rate).await
    }
}

#[cfg(test)]
mod tests;
