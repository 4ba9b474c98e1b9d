//! JSON in and out: of any kind, as documented, and to the letter.

mod any;
mod read;
mod written;
