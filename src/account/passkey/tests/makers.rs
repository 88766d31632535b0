//! The soft passkey refuses what a browser and an authenticator would.

use super::*;
use crate::testing::SoftPasskeyRefusal;

#[test]
fn a_soft_passkey_refuses_what_a_real_one_would() {
    let stage = Stage::new();
    let mut one = SoftPasskey::at(ORIGIN);
    let refused = one.get(&stage.request().to_json()).unwrap_err();
    assert_eq!(refused, SoftPasskeyRefusal::Nothing, "it is empty");
    let answer = stage.registered(&mut one);
    let id = CredentialId::from_bytes(decode(&answer["id"])).unwrap();
    let transports = ["internal".to_owned()];
    let existing = [NamedCredential { id: &id, transports: &transports }];
    let again = CreationOptions { existing: &existing, ..stage.creation() };
    assert_eq!(one.create(&again.to_json()).unwrap_err(), SoftPasskeyRefusal::Excluded);
    assert_eq!(one.create("{}").unwrap_err(), SoftPasskeyRefusal::Options);

    let elsewhere = SoftPasskey::at("https://evil.example").create(&stage.creation().to_json());
    assert_eq!(elsewhere.unwrap_err(), SoftPasskeyRefusal::Domain);
    let other = CredentialId::from_bytes(vec![1; 32]).unwrap();
    let others = [NamedCredential { id: &other, transports: &[] }];
    let foreign = RequestOptions { allowed: &others, ..stage.request() };
    assert_eq!(one.get(&foreign.to_json()).unwrap_err(), SoftPasskeyRefusal::Nothing);
    let mine = RequestOptions { allowed: &existing, ..stage.request() };
    assert!(one.get(&mine.to_json()).is_ok());

    let mut weak = SoftPasskey::at(ORIGIN).without_user_verification();
    stage.registered(&mut weak);
    let strong = RequestOptions { verification: UserVerification::Required, ..stage.request() };
    assert_eq!(weak.get(&strong.to_json()).unwrap_err(), SoftPasskeyRefusal::Nothing);
    assert!(weak.get(&stage.request().to_json()).is_ok());
}
