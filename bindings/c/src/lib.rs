//! The C library: JSON strings in, JSON strings out, and no logic of its own.
//!
//! `api/` holds the exported functions, a file for each group; the other files are what each of them is made of.
//! The header is generated from them (`build.rs` names the files in its order) and committed as `include/onelist.h`.

mod api;
mod argument;
mod call;
mod entry;
mod handle;
mod last_error;
mod status;

// A panic must never cross into C. `entry` catches it, which only works while panics unwind.
#[cfg(panic = "abort")]
compile_error!("build the C library with panic = \"unwind\": with \"abort\" a defect would end the caller's process");
