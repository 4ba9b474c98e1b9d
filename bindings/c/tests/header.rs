//! The committed header is the one that the sources generate, and says every key that the engine reads.

use std::fs;

use onelist::json::{config_keys, event_keys, request_keys};

#[test]
fn the_committed_header_is_the_generated_one() {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/include/onelist.h");
    let generated = fs::read_to_string(env!("ONELIST_GENERATED_HEADER")).expect("build.rs has written it");
    if std::env::var_os("ONELIST_WRITE_HEADER").is_some() {
        fs::write(committed, &generated).expect("writes");
    }
    let committed = fs::read_to_string(committed).expect("bindings/c/include/onelist.h is committed");
    assert!(committed == generated, "the header is out of date; run `make -C bindings/c header`");
}

#[test]
fn the_header_says_every_key_of_a_request_an_event_and_a_configuration() {
    let header = fs::read_to_string(env!("ONELIST_GENERATED_HEADER")).expect("build.rs has written it");
    for (function, keys) in [("rank", request_keys()), ("log", event_keys()), ("open", config_keys())] {
        let end = header.find(&format!("onelist_status onelist_{function}(")).expect("is declared");
        let start = header[..end].rfind("\n\n").expect("has a comment before it");
        let words: Vec<&str> = header[start..end].split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
        let missing: Vec<_> = keys.iter().filter(|key| !words.contains(key)).collect();
        assert!(!keys.is_empty() && missing.is_empty(), "the comment of onelist_{function} does not say {missing:?}");
    }
}
