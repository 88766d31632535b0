#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    donjon::fuzzing::smtp_reply(data);
});
