use super::*;

#[test]
fn a_passkey_is_registered_as_its_authenticator_made_it() {
    let stage = Stage::new();
    let answer = stage.registered(&mut SoftPasskey::at(ORIGIN));
    let made = stage.verify_registration(&answer).unwrap();
    assert_eq!(made.id().as_bytes(), decode(&answer["id"]));
    assert_eq!(made.public_key().algorithm(), PasskeyAlgorithm::Es256);
    assert_eq!((made.sign_count(), made.transports()), (0, ["internal"].as_slice()));
    assert!(made.user_verified() && !made.backup_eligible() && !made.backed_up());
    assert!(made.aaguid().is_nil());
    let key = PasskeyPublicKey::from_bytes(made.public_key().as_bytes()).unwrap();
    assert_eq!(key.as_bytes(), made.public_key().as_bytes());

    let answer = stage.registered(&mut SoftPasskey::at(ORIGIN).synced());
    let made = stage.verify_registration(&answer).unwrap();
    assert!(made.backup_eligible() && made.backed_up());
}

#[test]
fn options_ask_for_what_is_verified() {
    let stage = Stage::new();
    let existing = CredentialId::from_bytes(vec![1; 16]).unwrap();
    let transports = ["usb".to_owned()];
    let existing = [NamedCredential { id: &existing, transports: &transports }];
    let options = CreationOptions { existing: &existing, ..stage.creation() };
    let options: Value = serde_json::from_str(&options.to_json()).unwrap();
    assert_eq!(options["rp"], json!({"id": "app.example.com", "name": "Example"}));
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["excludeCredentials"][0]["id"], encode(&[1; 16]));
    assert_eq!(options["pubKeyCredParams"].as_array().unwrap().len(), 3);
    // An authenticator learns nothing of the user but what the user reads there.
    assert!(!decode(&options["user"]["id"]).windows(5).any(|part| part == b"alice"));
    let request: Value = serde_json::from_str(&stage.request().to_json()).unwrap();
    assert_eq!(request["allowCredentials"], json!([]));
    assert_eq!(request["challenge"], stage.challenge.expose());
}

#[test]
fn a_registration_made_elsewhere_or_for_something_else_is_refused() {
    let stage = Stage::new();
    let answer = stage.registered(&mut SoftPasskey::at(ORIGIN));
    let kind =
        ("a login", with_client_data(&answer, "type", "webauthn.get".into()), PasskeyFault::Type);
    let attacks =
        foreign_client_data(&answer).into_iter().chain(foreign_json(&answer)).chain([kind]);
    for (name, attack, fault) in attacks {
        assert_eq!(stage.verify_registration(&attack).unwrap_err(), fault, "{name}");
    }
    let stale = Stage::new();
    assert_eq!(stale.verify_registration(&answer).unwrap_err(), PasskeyFault::Challenge);
}

/// The parts of authenticator data, by their places.
const FLAGS: usize = 32;
const ID_LENGTH: usize = 53;
const KEY: usize = 55 + 32;

/// The answer with other authenticator data.
fn with_data(answer: &Value, change: impl FnOnce(&mut Vec<u8>)) -> Value {
    with_object(answer, |members| {
        for (name, value) in members {
            if name.as_text() == Some("authData") {
                change(value.as_bytes_mut().unwrap());
                return;
            }
        }
    })
}

fn with_object(answer: &Value, change: impl FnOnce(&mut Vec<(Cbor, Cbor)>)) -> Value {
    let mut object = from_cbor(&decode(&answer["response"]["attestationObject"]));
    change(object.as_map_mut().unwrap());
    with(answer, "attestationObject", &to_cbor(&object))
}

#[test]
fn authenticator_data_are_this_partys_whole_and_of_somebody_who_was_there() {
    let stage = Stage::new();
    let answer = stage.registered(&mut SoftPasskey::at(ORIGIN));
    let flag =
        |set: u8, clear: u8| with_data(&answer, |data| data[FLAGS] = (data[FLAGS] | set) & !clear);
    for (name, attack, fault) in [
        ("another party", with_data(&answer, |data| data[3] ^= 1), PasskeyFault::RelyingParty),
        ("nobody there", flag(0, 1), PasskeyFault::UserPresence),
        ("nobody verified", flag(0, 1 << 2), PasskeyFault::UserVerification),
        ("backed up, and cannot be", flag(1 << 4, 0), PasskeyFault::Backup),
        ("no credential", flag(0, 1 << 6), PasskeyFault::AuthenticatorData),
        ("extensions that are not there", flag(1 << 7, 0), PasskeyFault::Cbor),
        ("more behind", with_data(&answer, |data| data.push(0)), PasskeyFault::AuthenticatorData),
        ("cut off", with_data(&answer, |data| data.truncate(36)), PasskeyFault::AuthenticatorData),
        ("nothing", with_data(&answer, Vec::clear), PasskeyFault::AuthenticatorData),
        (
            "an id beyond the end",
            with_data(&answer, |data| data[ID_LENGTH] = 255),
            PasskeyFault::AuthenticatorData,
        ),
        (
            "an id of one byte",
            with_data(&answer, |data| drop(data.splice(ID_LENGTH..KEY, [0, 1, 7]))),
            PasskeyFault::AuthenticatorData,
        ),
        ("another id", with_data(&answer, |data| data[60] ^= 1), PasskeyFault::Credential),
        ("half a key", with_data(&answer, |data| data.truncate(KEY + 20)), PasskeyFault::Cbor),
    ] {
        assert_eq!(stage.verify_registration(&attack).unwrap_err(), fault, "{name}");
    }
    // Bits that are reserved for later mean nothing, and extensions that are there are read over.
    assert!(stage.verify_registration(&flag(1 << 1 | 1 << 5, 0)).is_ok());
    let extended = with_data(&answer, |data| {
        data[FLAGS] |= 1 << 7;
        data.extend(to_cbor(&Cbor::Map(vec![("credProtect".into(), 2.into())])));
    });
    assert!(stage.verify_registration(&extended).is_ok());
    // A key without a PIN registers where verification is not required.
    let mut weak = SoftPasskey::at(ORIGIN).without_user_verification();
    let answer = stage.registered(&mut weak);
    assert_eq!(stage.verify_registration(&answer).unwrap_err(), PasskeyFault::UserVerification);
    let (preferred, refused) = (UserVerification::Preferred, OtherAttestation::Refused);
    assert!(!stage.verify_registration_as(&answer, preferred, refused).unwrap().user_verified());
}

#[test]
fn a_public_key_is_of_an_algorithm_that_was_asked_for_and_sound() {
    let stage = Stage::new();
    let answer = stage.registered(&mut SoftPasskey::at(ORIGIN));
    let made = stage.verify_registration(&answer).unwrap();
    let es256 = from_cbor(made.public_key().as_bytes());
    let rsa = |n: Vec<u8>, e: &[u8]| {
        Cbor::Map(vec![
            (1.into(), 3.into()),
            (3.into(), (-257).into()),
            ((-1).into(), Cbor::Bytes(n)),
            ((-2).into(), Cbor::Bytes(e.to_vec())),
        ])
    };
    let set = |name: i64, value: Cbor| {
        let mut members = es256.clone().into_map().unwrap();
        members.retain(|(key, _)| *key != Cbor::from(name));
        members.push((name.into(), value));
        Cbor::Map(members)
    };
    let twice = |name: i64| {
        let mut members = es256.clone().into_map().unwrap();
        let member = members.iter().find(|(key, _)| *key == Cbor::from(name)).cloned();
        members.push(member.unwrap());
        Cbor::Map(members)
    };
    for (name, key, fault) in [
        ("none", set(3, 0.into()), PasskeyFault::Algorithm),
        ("ES512", set(3, (-36).into()), PasskeyFault::Algorithm),
        ("an algorithm of text", set(3, "ES256".into()), PasskeyFault::Algorithm),
        ("EdDSA with the members of ES256", set(3, (-8).into()), PasskeyFault::PublicKey),
        ("RS256 with the members of ES256", set(3, (-257).into()), PasskeyFault::PublicKey),
        ("another type of key", set(1, 1.into()), PasskeyFault::PublicKey),
        ("another curve", set(-1, 2.into()), PasskeyFault::PublicKey),
        ("a point off the curve", set(-2, Cbor::Bytes(vec![1; 32])), PasskeyFault::PublicKey),
        ("a short coordinate", set(-2, Cbor::Bytes(vec![1; 31])), PasskeyFault::PublicKey),
        ("a compressed point", set(-3, true.into()), PasskeyFault::PublicKey),
        ("the private key too", set(-4, Cbor::Bytes(vec![1; 32])), PasskeyFault::PublicKey),
        ("two curves", twice(-1), PasskeyFault::Cbor),
        (
            "a short modulus",
            rsa([vec![0xF1], vec![1; 127]].concat(), &[1, 0, 1]),
            PasskeyFault::PublicKey,
        ),
        (
            "a long modulus",
            rsa([vec![0xF1], vec![1; 1023]].concat(), &[1, 0, 1]),
            PasskeyFault::PublicKey,
        ),
        (
            "an exponent of one",
            rsa([vec![0xF1], vec![1; 255]].concat(), &[1]),
            PasskeyFault::PublicKey,
        ),
        ("no map", Cbor::Array(Vec::new()), PasskeyFault::Cbor),
    ] {
        let attack = with_data(&answer, |data| {
            data.truncate(KEY);
            data.extend(to_cbor(&key));
        });
        assert_eq!(stage.verify_registration(&attack).unwrap_err(), fault, "{name}");
        assert_eq!(PasskeyPublicKey::from_bytes(&to_cbor(&key)).unwrap_err(), fault, "{name}");
    }
    let more = [made.public_key().as_bytes(), &[0]].concat();
    assert_eq!(PasskeyPublicKey::from_bytes(&more).unwrap_err(), PasskeyFault::Cbor);
}

#[test]
fn an_attestation_is_none_or_what_the_policy_says() {
    let stage = Stage::new();
    let answer = stage.registered(&mut SoftPasskey::at(ORIGIN));
    let attested = |format: Cbor, statement: Cbor| {
        with_object(&answer, |members| {
            members.retain(|(name, _)| name.as_text() == Some("authData"));
            members.push(("fmt".into(), format));
            members.push(("attStmt".into(), statement));
        })
    };
    let statement = || Cbor::Map(vec![("sig".into(), Cbor::Bytes(vec![1; 70]))]);
    let packed = attested("packed".into(), statement());
    assert_eq!(stage.verify_registration(&packed).unwrap_err(), PasskeyFault::Attestation);
    let ignored = |answer: &Value| {
        let (required, ignored) = (UserVerification::Required, OtherAttestation::Ignored);
        stage.verify_registration_as(answer, required, ignored)
    };
    assert!(ignored(&packed).is_ok());
    for (name, attack) in [
        ("none that says something", attested("none".into(), statement())),
        ("a format of bytes", attested(Cbor::Bytes(b"none".to_vec()), Cbor::Map(Vec::new()))),
        ("a statement of text", attested("packed".into(), "sig".into())),
        ("no format", with_object(&answer, |members| drop(members.remove(0)))),
    ] {
        assert_eq!(ignored(&attack).unwrap_err(), PasskeyFault::Attestation, "{name}");
    }
    let object = decode(&answer["response"]["attestationObject"]);
    let mut deep = vec![0x81; 40];
    deep.push(0);
    for (name, object) in [
        ("more behind", [object.as_slice(), &[0]].concat()),
        ("cut off", object[..object.len() - 1].to_vec()),
        ("no map", vec![0x80]),
        ("nothing", Vec::new()),
        ("without end", vec![0xBF, 0x61]),
        ("a map of four thousand million", vec![0xBA, 0xFF, 0xFF, 0xFF, 0xFF]),
        ("deep", [vec![0xA1, 0x00], deep].concat()),
    ] {
        let attack = with(&answer, "attestationObject", &object);
        assert_eq!(ignored(&attack).unwrap_err(), PasskeyFault::Cbor, "{name}");
    }
}
