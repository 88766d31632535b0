use super::*;

/// A passkey that is registered, and what is known of it.
struct Registered {
    stage: Stage,
    passkey: SoftPasskey,
    id: CredentialId,
    key: PasskeyPublicKey,
    backup_eligible: bool,
}

impl Registered {
    fn new(mut passkey: SoftPasskey) -> Self {
        let stage = Stage::new();
        let answer = stage.registered(&mut passkey);
        let (preferred, refused) = (UserVerification::Preferred, OtherAttestation::Refused);
        let made = stage.verify_registration_as(&answer, preferred, refused).unwrap();
        let (id, backup_eligible) = (made.id().clone(), made.backup_eligible());
        Self { stage: Stage::new(), passkey, id, key: made.key, backup_eligible }
    }

    /// What the authenticator answers.
    fn answer(&mut self) -> Value {
        let options = self.stage.request().to_json();
        serde_json::from_str(&self.passkey.get(&options).unwrap()).unwrap()
    }

    /// The answer, signed anew: what a page that asks for something else would get.
    fn signed(&self, answer: &Value) -> Value {
        let data = decode(&answer["response"]["authenticatorData"]);
        with(answer, "signature", &self.passkey.sign(&data, &client_data(answer)))
    }

    fn verify(&self, answer: &Value) -> Result<VerifiedAssertion, PasskeyFault> {
        self.verify_as(answer, UserVerification::Required, Naming::Required)
    }

    fn verify_as(
        &self,
        answer: &Value,
        verification: UserVerification,
        naming: Naming,
    ) -> Result<VerifiedAssertion, PasskeyFault> {
        let answer = AssertionResponse::parse(&answer.to_string())?;
        let known = KnownCredential {
            id: &self.id,
            key: &self.key,
            user: &self.stage.user,
            backup_eligible: self.backup_eligible,
        };
        let Stage { party, challenge, .. } = &self.stage;
        verify_assertion(&answer, known, challenge, party, (verification, naming))
    }
}

#[test]
fn a_passkey_of_each_algorithm_proves_who_its_user_is() {
    for algorithm in PasskeyAlgorithm::ALL {
        let mut one = Registered::new(SoftPasskey::at(ORIGIN).with_algorithm(algorithm));
        assert_eq!(one.key.algorithm(), algorithm);
        for count in 1..=3 {
            let answer = one.answer();
            let proof = one.verify(&answer).unwrap();
            assert!(proof.user_verified() && !proof.backed_up());
            assert_eq!(proof.sign_count(), count);
        }
        let other = Registered::new(SoftPasskey::at(ORIGIN).with_algorithm(algorithm));
        let answer = one.answer();
        let stolen = Registered { key: other.key, ..one };
        assert_eq!(stolen.verify(&answer).unwrap_err(), PasskeyFault::Signature, "{algorithm:?}");
    }
    let mut synced = Registered::new(SoftPasskey::at(ORIGIN).synced());
    let answer = synced.answer();
    let proof = synced.verify(&answer).unwrap();
    assert!(proof.backed_up() && proof.sign_count() == 0);
}

#[test]
fn an_assertion_made_elsewhere_or_for_something_else_is_refused() {
    let mut one = Registered::new(SoftPasskey::at(ORIGIN));
    let answer = one.answer();
    let kind = with_client_data(&answer, "type", "webauthn.create".into());
    let attacks = foreign_client_data(&answer);
    for (name, attack, fault) in
        attacks.into_iter().chain([("a registration", kind, PasskeyFault::Type)])
    {
        // Each is signed by the very passkey: the attacker got it to, at another page.
        assert_eq!(one.verify(&one.signed(&attack)).unwrap_err(), fault, "{name}");
    }
    for (name, attack, fault) in foreign_json(&answer) {
        assert_eq!(one.verify(&attack).unwrap_err(), fault, "{name}");
    }
    // A good answer to an older question.
    one.stage.challenge = Challenge::generate(&SystemRandom);
    assert_eq!(one.verify(&answer).unwrap_err(), PasskeyFault::Challenge);
}

#[test]
fn authenticator_data_are_held_against_what_was_asked_and_known() {
    let mut one = Registered::new(SoftPasskey::at(ORIGIN));
    let answer = one.answer();
    let data = decode(&answer["response"]["authenticatorData"]);
    let with_data = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = data.clone();
        change(&mut changed);
        with(&answer, "authenticatorData", &changed)
    };
    let flags: &dyn Fn(u8, u8) -> Value =
        &|set, clear| with_data(&|data| data[32] = (data[32] | set) & !clear);
    for (name, attack, fault) in [
        ("another party", with_data(&|data| data[0] ^= 1), PasskeyFault::RelyingParty),
        ("nobody there", flags(0, 1), PasskeyFault::UserPresence),
        ("nobody verified", flags(0, 1 << 2), PasskeyFault::UserVerification),
        ("backed up, and cannot be", flags(1 << 4, 0), PasskeyFault::Backup),
        ("eligible all of a sudden", flags(1 << 3, 0), PasskeyFault::Backup),
        ("a credential that is not there", flags(1 << 6, 0), PasskeyFault::AuthenticatorData),
        ("more behind", with_data(&|data| data.push(0)), PasskeyFault::AuthenticatorData),
        ("cut off", with_data(&|data| data.truncate(36)), PasskeyFault::AuthenticatorData),
    ] {
        assert_eq!(one.verify(&one.signed(&attack)).unwrap_err(), fault, "{name}");
    }
    let weak = one.signed(&flags(0, 1 << 2));
    let proof = one.verify_as(&weak, UserVerification::Preferred, Naming::Required).unwrap();
    assert!(!proof.user_verified());
    // A synced passkey never becomes one that is not.
    let mut synced = Registered::new(SoftPasskey::at(ORIGIN).synced());
    synced.backup_eligible = false;
    let answer = synced.answer();
    assert_eq!(synced.verify(&answer).unwrap_err(), PasskeyFault::Backup);
}

#[test]
fn whatever_is_changed_after_it_was_signed_is_noticed() {
    for algorithm in PasskeyAlgorithm::ALL {
        let mut one = Registered::new(SoftPasskey::at(ORIGIN).with_algorithm(algorithm));
        let answer = one.answer();
        for part in ["clientDataJSON", "authenticatorData", "signature"] {
            let bytes = decode(&answer["response"][part]);
            for index in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[index] ^= 1;
                let refused = one.verify(&with(&answer, part, &changed));
                assert!(refused.is_err(), "{algorithm:?}: {part} at {index}");
            }
            assert!(one.verify(&with(&answer, part, b"")).is_err(), "{part}");
        }
        // A white space changes nothing but the signed bytes.
        let client = [client_data(&answer).as_slice(), b" "].concat();
        let attack = with(&answer, "clientDataJSON", &client);
        assert_eq!(one.verify(&attack).unwrap_err(), PasskeyFault::Signature);
        // The count is signed too.
        let mut data = decode(&answer["response"]["authenticatorData"]);
        data[36] = 200;
        let attack = with(&answer, "authenticatorData", &data);
        assert_eq!(one.verify(&attack).unwrap_err(), PasskeyFault::Signature);
    }
}

#[test]
fn a_passkey_proves_its_own_user_and_no_other() {
    let mut one = Registered::new(SoftPasskey::at(ORIGIN));
    let answer = one.answer();
    let with_handle = |handle: Value| {
        let mut changed = answer.clone();
        changed["response"]["userHandle"] = handle;
        changed
    };
    let other = UserHandle::of(&UserId::new("bob").unwrap(), &one.stage.party);
    assert_ne!(other, one.stage.user);
    for handle in [encode(other.as_bytes()), encode(b""), Value::Null] {
        let refused = one.verify(&with_handle(handle.clone())).unwrap_err();
        assert_eq!(refused, PasskeyFault::UserHandle, "{handle}");
    }
    let refused = one.verify(&with_handle(encode(&[0; 65]))).unwrap_err();
    assert_eq!(refused, PasskeyFault::Json, "too long");
    // Where the user is known already, a name may be missing, and must not be wrong.
    let optional = (UserVerification::Required, Naming::Optional);
    assert!(one.verify_as(&with_handle(Value::Null), optional.0, optional.1).is_ok());
    let wrong = with_handle(encode(other.as_bytes()));
    let refused = one.verify_as(&wrong, optional.0, optional.1).unwrap_err();
    assert_eq!(refused, PasskeyFault::UserHandle);
    // What the answer says it is of is what it is compared with.
    let mut swapped = answer.clone();
    let another = encode(&[5; 32]);
    swapped["id"] = another.clone();
    swapped["rawId"] = another;
    assert_eq!(one.verify(&swapped).unwrap_err(), PasskeyFault::Credential);
}
