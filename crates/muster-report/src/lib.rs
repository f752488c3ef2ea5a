//! Rows become tables: aligned text for people, CSV for spreadsheets, JSON for scripts. Pure.

mod table;
pub use table::{Cell, Column, Reader, Table};

mod text;
pub use text::{Style, details, text};

mod csv;
pub use csv::csv;

mod json;
pub use json::json;

pub mod safe;

pub mod stays;
