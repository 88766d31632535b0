#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    donjon::fuzzing::social_id_token(data);
});
