//! Judgements, made of what was read under the lock of the grant.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::crypto::Sealed;
use crate::store::sql::convert::micros;
use crate::store::{CodeRedemption, RefreshRotation};

/// A code of the client that presents it.
pub(crate) struct CodeState {
    pub grant: Uuid,
    /// Whether its grant is revoked, or the login behind it has ended.
    pub ended: bool,
    pub redeemed_at: Option<i64>,
    pub expires_at: i64,
}

pub(crate) type CodeStateRow = (Uuid, bool, Option<i64>, i64);

impl From<CodeStateRow> for CodeState {
    fn from((grant, ended, redeemed_at, expires_at): CodeStateRow) -> Self {
        Self { grant, ended, redeemed_at, expires_at }
    }
}

/// What presenting a code comes to. `Redeemed` and `Replayed` are what the caller has to do.
pub(crate) fn judge_code(code: Option<&CodeState>, now: OffsetDateTime) -> CodeRedemption {
    match code {
        None | Some(CodeState { ended: true, .. }) => CodeRedemption::Unknown,
        Some(CodeState { redeemed_at: Some(_), .. }) => CodeRedemption::Replayed,
        Some(code) if code.expires_at <= micros(now) => CodeRedemption::Expired,
        Some(_) => CodeRedemption::Redeemed,
    }
}

/// A refresh token of the client that presents it.
pub(crate) struct RefreshState {
    pub grant: Uuid,
    /// Whether its grant is revoked, or the login behind it has ended.
    pub ended: bool,
    pub expires_at: i64,
    pub rotated_at: Option<i64>,
    pub successor_sealed: Option<Vec<u8>>,
    /// Whether the successor was itself rotated.
    pub successor_used: bool,
}

pub(crate) type RefreshStateRow = (Uuid, bool, i64, Option<i64>, Option<Vec<u8>>, bool);

impl From<RefreshStateRow> for RefreshState {
    fn from(row: RefreshStateRow) -> Self {
        let (grant, ended, expires_at, rotated_at, successor_sealed, successor_used) = row;
        Self { grant, ended, expires_at, rotated_at, successor_sealed, successor_used }
    }
}

/// What presenting a refresh token comes to. `Rotated` and `Reused` are what the caller has to do.
pub(crate) fn judge_refresh(
    token: Option<RefreshState>,
    now: OffsetDateTime,
    grace: Duration,
) -> RefreshRotation {
    let Some(token) = token.filter(|token| !token.ended) else { return RefreshRotation::Unknown };
    let Some(rotated_at) = token.rotated_at else {
        let live = micros(now) < token.expires_at;
        return if live { RefreshRotation::Rotated } else { RefreshRotation::Expired };
    };
    let within = micros(now - grace) < rotated_at;
    match token.successor_sealed {
        Some(sealed) if within && !token.successor_used => {
            RefreshRotation::Repeated { successor_sealed: Sealed::from_bytes(sealed) }
        }
        _ => RefreshRotation::Reused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn token(rotated: Option<i64>, successor_used: bool) -> Option<RefreshState> {
        Some(RefreshState {
            grant: Uuid::nil(),
            ended: false,
            expires_at: 1,
            rotated_at: rotated.map(|seconds| seconds * 1_000_000),
            successor_sealed: rotated.map(|_| vec![7]),
            successor_used,
        })
    }

    #[test]
    fn the_grace_window_is_open_for_its_length_and_while_the_successor_is_unused() {
        let judge = |state| judge_refresh(state, NOW, Duration::seconds(30));
        assert_eq!(judge(token(None, false)), RefreshRotation::Rotated);
        let successor_sealed = Sealed::from_bytes(vec![7]);
        assert_eq!(judge(token(Some(-29), false)), RefreshRotation::Repeated { successor_sealed });
        assert_eq!(judge(token(Some(-30), false)), RefreshRotation::Reused);
        assert_eq!(judge(token(Some(-1), true)), RefreshRotation::Reused);
        let no_grace = judge_refresh(token(Some(0), false), NOW, Duration::ZERO);
        assert_eq!(no_grace, RefreshRotation::Reused);
    }
}
