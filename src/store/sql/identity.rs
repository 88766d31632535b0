//! How both backends write and read identities.

use super::account::{UserRow, account, login_user};
use super::convert::time;
use crate::crypto::Sealed;
use crate::store::{
    Identity, IdentityOwners, IdentityRegistration, ReplacedTokens, Result, StoredTokens,
    Unlinking, WaysIn,
};

/// Counts the ways in that the user has whose id is bound to `$user`, and that are open: passkeys of
/// the domain `$rp` that have verified their user, identities of `$providers`, a query. Whatever lets a user in by itself is a term
/// here, and whoever takes one away asks this first, with the row of the user locked.
macro_rules! ways_in {
    ($user:literal, $rp:literal, $providers:literal) => {
        concat!(
            "((SELECT count(*) FROM donjon_users w WHERE w.password IS NOT NULL AND w.id = ",
            $user,
            ") + (SELECT count(*) FROM donjon_identities w WHERE w.provider IN (",
            $providers,
            ") AND w.user_id = ",
            $user,
            ") + (SELECT count(*) FROM donjon_passkeys w \
               WHERE w.user_verified AND w.suspended_at IS NULL AND w.rp_id = ",
            $rp,
            " AND w.user_id = ",
            $user,
            "))"
        )
    };
}
pub(super) use ways_in;

/// Whether this is the user with the identity (and not the one with the address), and the user.
pub(super) type OwnerRow = (
    bool,
    String,
    Option<String>,
    bool,
    sqlx::types::Json<crate::scope::Attributes>,
    Option<String>,
    i64,
    bool,
    Option<i64>,
    bool,
);
/// `provider, subject, email, name, created_at, last_used_at` of an identity.
pub(super) type IdentityRow = (String, String, Option<String>, Option<String>, i64, i64);
/// `subject, tokens, tokens_version, refreshing_until` of an identity with tokens.
pub(super) type TokensRow = (String, Vec<u8>, i64, Option<i64>);

pub(super) fn owners(rows: Vec<OwnerRow>) -> Result<IdentityOwners> {
    let mut owners = IdentityOwners::default();
    for (by_identity, id, email, verified, attributes, password, epoch, factor, set, must) in rows {
        if by_identity {
            let row: UserRow =
                (id, email, verified, attributes, password, epoch, factor, set, must);
            owners.identity = Some(login_user(row)?);
        } else {
            owners.email = Some(account((id, email, verified, attributes))?);
        }
    }
    Ok(owners)
}

pub(super) fn ways((count, password): (i64, bool), identities: Vec<IdentityRow>) -> Result<WaysIn> {
    Ok(WaysIn {
        count: usize::try_from(count).unwrap_or(0),
        password,
        identities: identities.into_iter().map(identity).collect::<Result<_>>()?,
    })
}

fn identity(
    (provider, subject, email, name, created_at, last_used_at): IdentityRow,
) -> Result<Identity> {
    let (created_at, last_used_at) = (time(created_at)?, time(last_used_at)?);
    Ok(Identity { provider, subject, email, name, created_at, last_used_at })
}

pub(super) fn tokens((subject, tokens, version, until): TokensRow) -> Result<StoredTokens> {
    let refreshing_until = until.map(time).transpose()?;
    Ok(StoredTokens { subject, tokens: Sealed::from_bytes(tokens), version, refreshing_until })
}

/// How a registration ended that wrote nothing.
pub(super) fn refused(identity_taken: bool) -> IdentityRegistration {
    if identity_taken {
        IdentityRegistration::IdentityTaken
    } else {
        IdentityRegistration::EmailTaken
    }
}

/// Whether the tokens `$tokens` of a login at `$at` are to be written over those of identity `i`, which
/// must be of version `$replaced` ([`replaced`]).
macro_rules! writes_tokens {
    ($tokens:literal, $replaced:literal, $at:literal) => {
        concat!(
            "(",
            $tokens,
            " IS NOT NULL AND (",
            $replaced,
            " = -2 OR (CASE WHEN i.tokens IS NULL THEN -1 ELSE i.tokens_version END = ",
            $replaced,
            " AND coalesce(i.refreshing_until, 0) <= ",
            $at,
            ")))"
        )
    };
}
pub(super) use writes_tokens;

/// The version that tokens must be of: -1 for none, -2 for any.
pub(super) fn replaced(tokens: ReplacedTokens) -> i64 {
    match tokens {
        ReplacedTokens::Any => -2,
        ReplacedTokens::None => -1,
        ReplacedTokens::Version(version) => version,
    }
}

pub(super) fn unlinking(done: bool, existed: bool) -> Unlinking {
    match (done, existed) {
        (true, _) => Unlinking::Unlinked,
        (false, true) => Unlinking::LastWayIn,
        (false, false) => Unlinking::NotLinked,
    }
}

/// User `$1` belongs to the owner of address `$2` from now on, if nobody has confirmed it, and nobody
/// has the identity `$3`, `$4`.
pub(super) const TAKE_OVER: &str = "UPDATE donjon_users AS u SET email_verified = TRUE, \
     password = NULL, password_set_at = NULL, must_change_password = FALSE, passkeys = 0, \
     device_epoch = device_epoch + 1 \
     WHERE id = $1 AND email = $2 AND NOT email_verified \
     AND disabled_at IS NULL AND deletion_at IS NULL AND deleted_at IS NULL \
     AND NOT EXISTS (SELECT 1 FROM donjon_identities i WHERE i.provider = $3 AND i.subject = $4)";
