//! Rows become tables: aligned text for people, CSV and XLSX for spreadsheets, JSON for scripts. Pure.

mod table;
pub use table::{Cell, Column, Holds, Reader, Table};

mod text;
pub use text::{Style, details, shown, text};

mod csv;
pub use csv::csv;

mod json;
pub use json::json;

mod xlsx;
pub use xlsx::{XlsxError, xlsx};

mod items;
pub use items::{Foreign, from_items};

pub mod safe;

pub mod stays;

pub mod reports;
