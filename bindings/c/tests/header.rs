//! The committed header is the one that the sources generate.

use std::fs;

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
