use crate::crypto::sha256;

/// The first bytes of the SHA-256 of each common password of at least eight characters, in order.
/// They come from the list inside the crate zxcvbn (MIT licence), by
/// `tests/fixtures/passwords/make_common.py`.
const HASHES: &[u8] = include_bytes!("common.bin");
/// How many bytes are kept of each. Of a hundred million other passwords, one is taken for one of
/// these.
const KEPT: usize = 5;

/// Whether the password, whatever its case, is among the twelve thousand that people choose most.
pub(super) fn is_common(normalized: &str) -> bool {
    let (hashes, _) = HASHES.as_chunks::<KEPT>();
    let hash = sha256(normalized.to_lowercase().as_bytes());
    hash.first_chunk().is_some_and(|wanted| hashes.binary_search(wanted).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_chooses_is_common_in_any_case() {
        for common in [
            "password",
            "PASSWORD",
            "Password1",
            "12345678",
            "qwertyuiop",
            "iloveyou",
            "football",
            "sunshine",
            "princess",
            "superman",
            "trustno1",
            "1q2w3e4r",
            "11234567",
        ] {
            assert!(is_common(common), "{common}");
        }
        for rare in ["correct horse battery", "passwörd", "password ", "", "kX9#mQ2p", "pass"] {
            assert!(!is_common(rare), "{rare}");
        }
    }

    #[test]
    fn the_list_is_whole_and_in_order() {
        let (hashes, rest) = HASHES.as_chunks::<KEPT>();
        assert_eq!((hashes.len(), rest.len()), (11_611, 0));
        assert!(hashes.is_sorted_by(|a, b| a < b));
    }
}
