//! Generates the C header and names the shared library.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let header = PathBuf::from(std::env::var("OUT_DIR")?).join("onelist.h");
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    // The sources are named one by one, because the order of the header is theirs.
    let generated = cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/status.rs"))
        .with_src(root.join("src/handle.rs"))
        .with_src(root.join("src/api/library.rs"))
        .with_src(root.join("src/api/store.rs"))
        .with_src(root.join("src/api/lists.rs"))
        .with_src(root.join("src/api/learning.rs"))
        .with_src(root.join("src/api/models.rs"))
        .with_src(root.join("src/api/keeping.rs"))
        .generate()?;
    generated.write_to_file(&header);
    println!("cargo::rustc-env=ONELIST_GENERATED_HEADER={}", header.display());
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=cbindgen.toml");

    // Cargo names the file after the crate, libonelist_c; users install and link libonelist. What is linked against it must
    // look for the installed name.
    match std::env::var("CARGO_CFG_TARGET_OS")?.as_str() {
        "linux" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libonelist.so");
            // The C++ bridge of a dependency exports its symbols. Two libraries of one process that both do would be bound
            // to each other's, whatever their versions; so everything that comes from an archive is hidden.
            println!("cargo::rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
        }
        "macos" => println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libonelist.dylib"),
        _ => {}
    }
    Ok(())
}
