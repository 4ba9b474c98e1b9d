//! The C library: JSON strings in, JSON strings out, and no logic of its own.
//!
//! `api.rs` holds every exported function in the order of the header; the other files are what each of them is made of.
//! The header is generated from `api.rs` and `status.rs` and committed as `include/onelist.h`.

mod api;
mod argument;
mod entry;
mod handle;
mod last_error;
mod status;

// A panic must never cross into C. `entry` catches it, which only works while panics unwind.
#[cfg(panic = "abort")]
compile_error!("build the C library with panic = \"unwind\": with \"abort\" a defect would end the caller's process");
