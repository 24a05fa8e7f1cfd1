/// One field of an entry of a zone file: where it stands in the text. Quotes are left out, escapes are not yet undone.
struct TextField {
    var range: Range<Int>
    var isQuoted: Bool
    /// 1 is the first line.
    var line: Int
    /// Counted in bytes; 1 is the first.
    var column: Int
}

/// Why a field, or an entry as a whole, is wrong.
struct FieldError: Error {
    var message: String
    /// Position of the field in its entry; one past the last when something is missing.
    var field: Int
}
