//! Any text is a configuration or a list of faults; none makes the reader fail.

#![no_main]

use ferrolb_core::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(faults) = Config::from_yaml(text) {
        assert!(!faults.is_empty(), "refused without a fault");
    }
});
