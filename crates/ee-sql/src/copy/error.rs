use ee_core::Error;

/// Why a store could not be copied. No message holds a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The target is an unfinished copy of something else.
    #[error("the target is an unfinished copy of `{of}`: finish that one, or name an empty target")]
    AnotherCopy {
        /// The name of its source.
        of: String,
    },
    /// One of the two could not do what was asked.
    #[error("cannot copy `{table}`")]
    Database {
        /// What went wrong.
        source: Error,
        /// Which table.
        table: &'static str,
    },
    /// One of the two could not be looked at or marked.
    #[error("cannot begin or end the copy")]
    Mark {
        /// What went wrong.
        #[from]
        source: Error,
    },
    /// The mark of the target went while rows were copied to it.
    #[error("the target is not marked any more: another copy has finished it meanwhile")]
    Finished,
    /// There is something in the target already.
    #[error(
        "the target is not empty, `{table}` has rows: name an empty one; nothing of it was changed"
    )]
    NotEmpty {
        /// The first table with rows.
        table: &'static str,
    },
    /// The source and the target are one database.
    #[error("the source and the target are the same store")]
    Same,
    /// PostgreSQL keeps no text with a NUL character in it.
    #[error(
        "`{table}` has a NUL character in `{column}`, which the target cannot keep, in row {row} \
         by the order of its key: change it in the source"
    )]
    UnkeptText {
        /// Which column.
        column: &'static str,
        /// Which row, from 1, of those that are not in the target yet.
        row: u64,
        /// Which table.
        table: &'static str,
    },
    /// The source is a copy itself that was not finished.
    #[error("the source is an unfinished copy of `{of}` itself: finish that one first")]
    UnfinishedSource {
        /// The name of its source.
        of: String,
    },
}
