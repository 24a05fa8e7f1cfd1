/// Why a message is refused. Trivial, so that a bad peer costs no allocation.
@usableFromInline
package enum HeadError: UInt8, Error, Sendable, Hashable, CaseIterable {
    case badRequestLine
    case badMethod
    case methodTooLong
    case badTarget
    case badPercentEncoding
    case nulInPath
    case fragmentInTarget
    case userInfoInTarget
    case unsupportedVersion
    case badVersion
    case bareLineFeed
    case bareCarriageReturn
    case foldedField
    case badFieldName
    case badFieldValue
    case underscoreInFieldName
    case missingHost
    case repeatedHost
    case badHost
    case badContentLength
    case repeatedContentLength
    case contentLengthTooLarge
    case lengthAndTransferEncoding
    case badTransferEncoding
    case repeatedTransferEncoding
    case unknownTransferEncoding
    case transferEncodingInOldVersion
    case badConnection
    case unknownExpectation
    case targetTooLong
    case headTooLarge
    case tooManyFields
    case methodNotOffered
    case badMaxForwards
    case badStatusLine
    case badStatus
    case badChunkSize
    case badChunkEnd
    case chunkExtensionTooLong
    case trailersTooLarge

    /// What a server answers to a request like this.
    package var status: UInt16 {
        switch self {
        case .unsupportedVersion: 505
        case .methodTooLong, .unknownTransferEncoding, .methodNotOffered: 501
        case .unknownExpectation: 417
        case .targetTooLong: 414
        case .headTooLarge, .tooManyFields, .trailersTooLarge: 431
        case .contentLengthTooLarge: 413
        default: 400
        }
    }

    /// One sentence for the sender, without a dot.
    package var reason: StaticString {
        switch self {
        case .badRequestLine: "The request line is malformed"
        case .badMethod: "The method is not a token"
        case .methodTooLong: "The method is not known"
        case .badTarget: "The request target is malformed"
        case .badPercentEncoding: "The path has a percent sign without two hexadecimal digits"
        case .nulInPath: "The path has an encoded NUL"
        case .fragmentInTarget: "The request target has a fragment"
        case .userInfoInTarget: "The request target has user information"
        case .unsupportedVersion: "This HTTP version is not spoken here; HTTP/1.1 and HTTP/1.0 are"
        case .badVersion: "The protocol version is malformed"
        case .bareLineFeed: "A line ends without a carriage return"
        case .bareCarriageReturn: "A carriage return is not followed by a line feed"
        case .foldedField: "A field is folded over several lines"
        case .badFieldName: "A field name is not a token"
        case .badFieldValue: "A field value has a character that is not allowed"
        case .underscoreInFieldName: "A field name has an underscore"
        case .missingHost: "The Host field is missing"
        case .repeatedHost: "There is more than one Host field"
        case .badHost: "The host is malformed"
        case .badContentLength: "The Content-Length is not a number"
        case .repeatedContentLength: "There is more than one Content-Length"
        case .contentLengthTooLarge: "The Content-Length is too large"
        case .lengthAndTransferEncoding: "There are both a Content-Length and a Transfer-Encoding"
        case .badTransferEncoding: "The Transfer-Encoding is malformed"
        case .repeatedTransferEncoding: "There is more than one Transfer-Encoding"
        case .unknownTransferEncoding: "The transfer coding is not known; chunked is"
        case .transferEncodingInOldVersion: "HTTP/1.0 has no Transfer-Encoding"
        case .badConnection: "The Connection field is malformed"
        case .unknownExpectation: "The expectation is not known; 100-continue is"
        case .targetTooLong: "The request target is too long"
        case .headTooLarge: "The head of the request is too large"
        case .tooManyFields: "The request has too many fields"
        case .methodNotOffered: "The method is not offered here"
        case .badMaxForwards: "The Max-Forwards field is not a number"
        case .badStatusLine: "The status line is malformed"
        case .badStatus: "The status code is not allowed here"
        case .badChunkSize: "A chunk size is malformed"
        case .badChunkEnd: "A chunk is not followed by the end of its line"
        case .chunkExtensionTooLong: "Chunk extensions are too long"
        case .trailersTooLarge: "The trailers are too large"
        }
    }
}
