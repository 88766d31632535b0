#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    donjon::fuzzing::form_json(data);
});
