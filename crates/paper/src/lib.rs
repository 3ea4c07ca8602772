//! What leaves or enters as a file: tables (CSV, Shift_JIS, XLSX), folders of articles, pictures of menus.
//!
//! | file | owns |
//! |---|---|
//! | `table` | a header and rows of text, and what may be wrong with a file handed in |
//! | `table/csv.rs` | comma-separated text, its encodings, its escapes |
//! | `table/xlsx.rs` | Excel workbooks |
//! | `front_matter.rs` | TOML between two lines of `+++`, then a body |
//! | `folder.rs` | a content pack as a folder of files |
//! | `menu` | a rich menu as a picture |
//!
//! Knows nothing of subscribers, articles, databases or the network: cells are text, and what they mean is decided elsewhere.

pub mod folder;
pub mod front_matter;
pub mod menu;
pub mod table;
