#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    donjon::fuzzing::app_redirect_uri(data);
});
