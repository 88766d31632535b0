use std::fmt;

use aws_lc_rs::hmac;
use time::OffsetDateTime;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use super::{base32, qr};
use crate::account::six_digits::SixDigits;
use crate::crypto::{Random, RandomExt as _};

const STEP_SECONDS: i64 = 30;
/// How many steps a phone's clock may be wrong by, in either direction.
const DRIFT: i64 = 1;

/// The secret that an authenticator app shares with us: 160 random bits, as RFC 4226, section 4,
/// recommends; or what another system has made ([`TotpSecret::imported`]).
///
/// Codes are those of RFC 6238 with what every app supports: SHA-1, six digits, 30 seconds.
///
/// ```
/// use donjon::account::mfa::TotpSecret;
/// use donjon::crypto::{Clock as _, SystemClock, SystemRandom};
///
/// let secret = TotpSecret::generate(&SystemRandom);
/// println!("{}", secret.expose_uri("Acme", "alice@example.test"));
///
/// let now = SystemClock.now();
/// let code = secret.code_at(now); // what the app shows
/// let step = secret.check(&code, now, None).expect("a good code");
/// assert_eq!(secret.check(&code, now, Some(step)), None, "a code works once");
/// ```
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<Vec<u8>>);

/// The bytes cannot be the secret of an authenticator app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} bytes are no secret of an authenticator app: an imported one has 16 to 64 (RFC 4226 wants \
     128 bits at least), or 10 to 15 where the host accepts that it is weaker"
)]
pub struct InvalidTotpSecret(usize);

/// Half a minute since 1970: what a code belongs to. The store keeps the last one that a code was
/// accepted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TotpStep(pub i64);

impl TotpStep {
    fn of(moment: OffsetDateTime) -> Self {
        Self(moment.unix_timestamp().div_euclid(STEP_SECONDS))
    }
}

impl TotpSecret {
    /// A new secret.
    pub fn generate(random: &dyn Random) -> Self {
        Self(Zeroizing::new(random.bytes::<20>().to_vec()))
    }

    /// A secret of the length that is made here.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// A secret that another system has made, of 16 to 64 bytes, for
    /// [`Accounts::import_totp`](crate::account::Accounts::import_totp): RFC 4226, section 4 (R6),
    /// wants 128 bits at least, and none is longer than the block that HMAC-SHA-1 works in. Most
    /// systems keep base32 text; the bytes are what it stands for.
    ///
    /// The app must make codes of six digits, every 30 seconds, with SHA-1: what nearly every system
    /// asks of it.
    ///
    /// ```
    /// use donjon::account::mfa::TotpSecret;
    ///
    /// assert!(TotpSecret::imported(b"sixteen bytes ok").is_ok());
    /// assert!(TotpSecret::imported(b"ten bytes.").is_err());
    /// ```
    ///
    /// # Errors
    /// [`InvalidTotpSecret`] if there are fewer bytes, or more.
    pub fn imported(bytes: &[u8]) -> Result<Self, InvalidTotpSecret> {
        Self::of_length(bytes, 16)
    }

    /// The same, of 10 bytes and more. Some systems made secrets of 80 bits, half of what is
    /// recommended and less than RFC 4226 allows: whoever has seen a few codes with their times, and
    /// can spend what 2^80 tries cost, finds it. Where that is too little, have these users set up
    /// their app anew.
    ///
    /// # Errors
    /// [`InvalidTotpSecret`] if there are fewer than 10 bytes, or more than 64.
    pub fn danger_imported_short(bytes: &[u8]) -> Result<Self, InvalidTotpSecret> {
        Self::of_length(bytes, 10)
    }

    fn of_length(bytes: &[u8], least: usize) -> Result<Self, InvalidTotpSecret> {
        let fits = (least..=64).contains(&bytes.len());
        fits.then(|| Self(Zeroizing::new(bytes.to_vec()))).ok_or(InvalidTotpSecret(bytes.len()))
    }

    /// One that was sealed here.
    pub(in crate::account) fn stored(bytes: &[u8]) -> Option<Self> {
        Self::danger_imported_short(bytes).ok()
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The step that a typed code belongs to: the present one, the one before or the one after,
    /// and later than `last`, the last step that a code was accepted for.
    ///
    /// Two requests may come here with the same code at once, so whoever stores the step has to do
    /// it on the condition that it is still later than the one stored.
    pub fn check(
        &self,
        typed: &str,
        now: OffsetDateTime,
        last: Option<TotpStep>,
    ) -> Option<TotpStep> {
        let typed = SixDigits::parse(typed)?;
        let TotpStep(present) = TotpStep::of(now);
        let mut found = None;
        // All steps are looked at, whichever matches. If two do, the later one counts, so that the
        // code is used up for both.
        for step in present - DRIFT..=present + DRIFT {
            let matches = self.code(step).equals(&typed);
            found = if matches { Some(TotpStep(step)) } else { found };
        }
        found.filter(|step| last.is_none_or(|last| *step > last))
    }

    /// The code that an app shows at that moment: for tests that play the app.
    pub fn code_at(&self, moment: OffsetDateTime) -> String {
        self.code(TotpStep::of(moment).0).text()
    }

    /// The secret as it is typed into an app that can't scan: base32 in groups of four.
    pub fn expose(&self) -> String {
        let text = base32::encode(self.0.as_slice());
        let groups = text.as_bytes().chunks(4).map(String::from_utf8_lossy);
        groups.collect::<Vec<_>>().join(" ")
    }

    /// The secret as an `otpauth:` URI (Key Uri Format). The app shows the issuer, which is the
    /// product's name, and the account, such as an address. Colons are taken out of both, since
    /// apps would cut there.
    pub fn expose_uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (escape(issuer), escape(account));
        let secret = base32::encode(self.0.as_slice());
        let tail = "algorithm=SHA1&digits=6&period=30";
        if issuer.is_empty() {
            return format!("otpauth://totp/{account}?secret={secret}&{tail}");
        }
        format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&{tail}")
    }

    /// [`TotpSecret::expose_uri`] as a QR code: an SVG element to put into a page, which needs
    /// neither script nor style, can be scanned in dark mode too, and is read out as `label`.
    /// `None` if issuer and account are too long for a QR code (some 2000 bytes).
    pub fn expose_qr(&self, issuer: &str, account: &str, label: &str) -> Option<String> {
        qr::svg(&self.expose_uri(issuer, account), label)
    }

    /// HOTP (RFC 4226, section 5.3) of a step.
    fn code(&self, step: i64) -> SixDigits {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.as_slice());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 15);
        let cut = tag.get(offset..).and_then(|rest| rest.first_chunk::<4>());
        let number = u32::from_be_bytes(cut.copied().unwrap_or_default());
        SixDigits::of(number & 0x7fff_ffff)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret([redacted])")
    }
}

/// For a path or a query alike: everything but letters, digits and `*-._`, spaces too.
fn escape(text: &str) -> String {
    let plain: String = text.chars().filter(|c| *c != ':' && !c.is_control()).collect();
    byte_serialize(plain.trim().as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests;
