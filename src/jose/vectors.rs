//! The published test vectors.

/// RFC 7638 section 3.1: the key.
pub(super) const RFC7638_JWK: &str = concat!(
    r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu"#,
    r#"1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"#,
    r#"RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1"#,
    r#"n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-c"#,
    r#"sFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#
);
/// RFC 7638 section 3.1: its thumbprint.
pub(super) const RFC7638_THUMBPRINT: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

/// RFC 7515 appendix A.1: an HMAC.
pub(super) const RFC7515_A1_TOKEN: &str = concat!(
    r#"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODA"#,
    r#"sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_w"#,
    r#"W1gFWFOEjXk"#
);
/// RFC 7515 appendix A.2: an RSA key.
pub(super) const RFC7515_A2_JWK: &str = concat!(
    r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-V"#,
    r#"aw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9w"#,
    r#"Gzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMT"#,
    r#"BQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kz"#,
    r#"k2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#
);
/// RFC 7515 appendix A.2: RS256.
pub(super) const RFC7515_A2_TOKEN: &str = concat!(
    r#"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF"#,
    r#"tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu"#,
    r#"3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdi"#,
    r#"uB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--x"#,
    r#"i12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5A"#,
    r#"XLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"#
);
/// RFC 7515 appendix A.3: a P-256 key.
pub(super) const RFC7515_A3_JWK: &str = concat!(
    r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_F"#,
    r#"EzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
);
/// RFC 7515 appendix A.3: ES256.
pub(super) const RFC7515_A3_TOKEN: &str = concat!(
    r#"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF"#,
    r#"tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw"#,
    r#"5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"#
);
/// RFC 7515 appendix A.5: not signed at all.
pub(super) const RFC7515_A5_TOKEN: &str = concat!(
    r#"eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"#,
    r#"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."#
);
/// RFC 8037 appendix A.2: an Ed25519 key.
pub(super) const RFC8037_JWK: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// RFC 8037 appendix A.3: its thumbprint.
pub(super) const RFC8037_THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

/// RFC 8037 appendix A.1: the private key `d`.
pub(super) const RFC8037_SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

/// RFC 8037 appendix A.4: EdDSA over a payload that is no JWT.
pub(super) const RFC8037_TOKEN: &str = concat!(
    r#"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7"#,
    r#"-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"#
);

/// An RSA private key of 1024 bits, in PKCS#8, made by OpenSSL for this test.
pub(super) const RSA_1024_PKCS8: &str = concat!(
    "MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBAKxwRF1fgeT3vvIBVDFJty5UeUzYzGir4gQuBzQI",
    "VhLZoFTDjO4A7aiTOckygvwEKp1afhnOBvtyJuNIZ8lgw0KSX9Q6GfMr49yJDjzEuY-_SbcLY8md2QqAQg9yBvX2",
    "RZrhunbKONj9j7C3JNwD1J3T0MoEPZ--o36UtkC4-durAgMBAAECgYByP2u8JZQtPMvBEYpToZCBXKyFcrpzuzXj",
    "KQ_StJc6o_-rSWitI-ZSI0FNAW9xQ91sJdGYjT1pCSekvIsvDDIxaTVGPkGNX_4epYXUmwKx3SVUxeov3e4XZZnI",
    "whE-rtjkMUT1_ErMIdx6y7NLKG9uX46yZ7KIefIO0TngzVOEgQJBAODlyj1yKxXU_yyEAG03vtkH5OXsOARZklrr",
    "EnHQNGo4jwIwndtR1hryCYzCY2joNwHDzV5Q9QTybSs-BU4K2usCQQDESTswmqvsvler1dARKbdiLdWwMdQ7m626",
    "d1kX80HEguWGtMFZQeLWfZN_CReXiqyw-Bw3tx7beKQb1gWSC1JBAkBmsOaA2jHMPT7rL7cWJ98wMIeXaR5G9jN6",
    "6l24tG5KllrOkC50Z9DQ6vXrXRORYn9DggmzaFoJET1CAobflNtTAkAcar22-62ISMZIilvlIDT8ccZOC-i9-Hve",
    "UwkC_qS23nx8VA7p7S_5_ZQtABP6TIlT1ZfAOTKuc3jOzt1fl2QBAkAdzto1u6hIQf36oR7LOB8qMEAMyrYnPwFu",
    "3BdUN_EO3aOzcSkdY3LIWRWYyvARzqifYtc5hYos-s_G7DdQHe1N"
);
