//! scrypt (RFC 7914) as Django, passlib and PHC strings write it.

use scrypt::Params;

use super::text::{number, numbers, padded_key, parts, unpadded, unpadded_key};
use super::{ImportLimits, StoredCost};
use crate::crypto::constant_time_eq;

#[derive(Clone)]
pub(super) struct ScryptHash {
    log_n: u8,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    key: Vec<u8>,
}

impl ScryptHash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::parse_django(text).or_else(|| Self::parse_phc(text))
    }

    /// `scrypt$N$SALT$R$P$HASH`, where the salt is text.
    fn parse_django(text: &str) -> Option<Self> {
        let ["scrypt", n, salt, r, p, key] = parts(text)? else { return None };
        let n = number(n).filter(|n| n.is_power_of_two())?;
        let cost = (n.ilog2(), number(r)?, number(p)?);
        Self::new(cost, salt.as_bytes().to_vec(), padded_key(key)?)
    }

    /// `$scrypt$ln=LOG_N,r=R,p=P$SALT$HASH`.
    fn parse_phc(text: &str) -> Option<Self> {
        let ["", "scrypt", cost, salt, key] = parts(text)? else { return None };
        let [log_n, r, p] = numbers(cost, ["ln", "r", "p"])?;
        Self::new((log_n, r, p), unpadded(salt)?, unpadded_key(key)?)
    }

    fn new((log_n, r, p): (u32, u32, u32), salt: Vec<u8>, key: Vec<u8>) -> Option<Self> {
        let log_n = u8::try_from(log_n).ok().filter(|log_n| (1..64).contains(log_n))?;
        // The bound of RFC 7914, section 2, which `Params::new` multiplies out.
        r.checked_mul(p).filter(|rp| (1..1 << 30).contains(rp))?;
        Some(Self { log_n, r, p, salt, key })
    }

    pub(super) fn is_within(&self, limits: &ImportLimits) -> bool {
        let bytes = 1_u64
            .checked_shl(self.log_n.into())
            .and_then(|n| n.checked_mul(u64::from(self.r)))
            .and_then(|blocks| blocks.checked_mul(128));
        // The blocks of all lanes are there at once, whatever `n` is.
        let lanes = u64::from(self.r).checked_mul(self.p.into()).map(|blocks| blocks / 8);
        bytes.is_some_and(|bytes| limits.allow(bytes.div_ceil(1024), self.p.into()))
            && lanes.is_some_and(|lanes| limits.allow(lanes, 1))
    }

    pub(super) fn cost(&self) -> StoredCost {
        StoredCost::Scrypt { log_n: self.log_n, r: self.r, p: self.p }
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let mut key = vec![0; self.key.len()];
        Params::new(self.log_n, self.r, self.p)
            .is_ok_and(|params| scrypt::scrypt(password, &self.salt, &params, &mut key).is_ok())
            && constant_time_eq(&key, &self.key)
    }
}
