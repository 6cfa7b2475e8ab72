//! Lists that are read part by part.

use ee_core::{
    Error,
    storage::{Cursor, Listed},
};

/// Reads a list in parts of `limit` rows and returns the rows. Fails when a part holds more than was asked for, or
/// says that something follows and nothing does.
pub(crate) async fn in_parts<T>(
    limit: u32,
    list: impl AsyncFn(&Cursor) -> Result<Listed<T>, Error>,
) -> Vec<T> {
    let mut cursor = Cursor::first(limit);
    let mut rows = Vec::new();
    loop {
        let part = list(&cursor).await.unwrap();
        assert!(part.rows.len() <= limit as usize, "a part is too long");
        let is_first = cursor.after.is_none();
        assert!(is_first || !part.rows.is_empty(), "nothing has followed");
        rows.extend(part.rows);
        cursor.after = part.next;
        if cursor.after.is_none() {
            return rows;
        }
    }
}
