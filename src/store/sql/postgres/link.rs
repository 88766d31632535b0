/// [`LinkKey::bind`](crate::store::LinkKey::bind) of a user and an address, where `$key` are the pads
/// of the key: PostgreSQL has SHA-256, and no HMAC.
macro_rules! bound {
    ($key:literal, $user:literal, $email:literal) => {
        concat!(
            "sha256(substring(",
            $key,
            "::bytea FROM 65) || sha256(substring(",
            $key,
            "::bytea FROM 1 FOR 64) || convert_to(",
            $email,
            ", 'UTF8') || '\\x00'::bytea || convert_to(",
            $user,
            ", 'UTF8')))"
        )
    };
}
pub(super) use bound;
