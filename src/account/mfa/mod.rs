//! Second factors: codes of an authenticator app, and backup codes for the day it is lost.
//!
//! Everything here is a function of its arguments. What must be remembered (the last step used,
//! the codes that are left, wrong tries) is the store's.

mod backup_codes;
mod base32;
mod qr;
mod totp;

pub use backup_codes::{BACKUP_CODES, BackupCode};
pub use totp::{InvalidTotpSecret, TotpSecret, TotpStep};
