use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use super::{Random, RandomExt as _, Sealed};

/// Seals the successor of a refresh token under a key that is made of the token itself: the store
/// holds only the token's hash, so that whoever reads the store learns neither.
pub(crate) fn seal_successor(
    random: &dyn Random,
    presented: &[u8],
    successor: &[u8],
) -> Option<Sealed> {
    let nonce: [u8; NONCE_LEN] = random.bytes();
    let mut body = successor.to_vec();
    let sealing = Nonce::assume_unique_for_key(nonce);
    key_of(presented)?.seal_in_place_append_tag(sealing, Aad::empty(), &mut body).ok()?;
    Some(Sealed::from_bytes([nonce.as_slice(), &body].concat()))
}

/// Opens what was sealed under a key made of the token that was presented again.
pub(crate) fn open_successor(presented: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.as_bytes().split_first_chunk::<NONCE_LEN>()?;
    let mut body = Zeroizing::new(body.to_vec());
    let opening = Nonce::assume_unique_for_key(*nonce);
    let opened = key_of(presented)?.open_in_place(opening, Aad::empty(), &mut body).ok()?.len();
    body.truncate(opened);
    Some(body)
}

fn key_of(presented: &[u8]) -> Option<LessSafeKey> {
    let secret = Salt::new(HKDF_SHA256, b"donjon refresh successor").extract(presented);
    let mut key = Zeroizing::new([0; 32]);
    secret.expand(&[b"aes-256-gcm"], HKDF_SHA256).ok()?.fill(key.as_mut_slice()).ok()?;
    UnboundKey::new(&AES_256_GCM, &*key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    #[test]
    fn only_the_parent_opens_its_successor() {
        let (parent, successor): ([u8; 32], [u8; 32]) =
            (SystemRandom.bytes(), SystemRandom.bytes());
        let sealed = seal_successor(&SystemRandom, &parent, &successor).unwrap();
        assert_eq!(*open_successor(&parent, &sealed).unwrap(), successor);
        assert!(open_successor(&SystemRandom.bytes::<32>(), &sealed).is_none());
        assert!(open_successor(&successor, &sealed).is_none());
        for index in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[index] ^= 1;
            assert!(open_successor(&parent, &Sealed::from_bytes(bytes)).is_none(), "{index}");
        }
    }
}
