/// Why text is not a domain name.
package enum NameTextError: Error, Hashable, Sendable {
    /// Nothing at all, or two dots in a row.
    case emptyLabel
    /// More than 63 bytes between two dots.
    case labelTooLong
    /// More than 255 bytes in wire form.
    case nameTooLong
    /// A `\` that neither a character nor three digits up to 255 follow.
    case badEscape
}

extension NameTextError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .emptyLabel: "a label of the name is empty; labels have 1 to 63 characters between the dots"
        case .labelTooLong: "a label of the name is longer than 63 characters; shorten it"
        case .nameTooLong: "the name is longer than 255 bytes; shorten it (a missing closing dot appends the origin)"
        case .badEscape: "a \\ in the name is not followed by a character or by three digits up to 255"
        }
    }
}
