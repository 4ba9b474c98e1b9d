//! Plain data: what applications build and what they get.

pub(crate) mod candidate;
pub(crate) mod config;
pub(crate) mod controls;
pub(crate) mod cursor;
pub mod decode;
pub mod evaluation;
pub(crate) mod event;
pub(crate) mod exploration;
pub mod feature;
pub(crate) mod field_type;
pub(crate) mod filter;
pub(crate) mod history;
pub(crate) mod impression;
pub(crate) mod item;
pub mod json;
pub(crate) mod models;
pub(crate) mod ranking;
pub(crate) mod request;
pub(crate) mod retention;
pub(crate) mod rule;
pub(crate) mod schema;
pub(crate) mod source;
pub(crate) mod stats;
pub(crate) mod training;
pub(crate) mod tuning;
pub(crate) mod upkeep;
