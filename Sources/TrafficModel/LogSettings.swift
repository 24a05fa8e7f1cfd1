package import Addresses

/// How lines of a log are written.
package enum LogFormat: String, Sendable, Hashable, CaseIterable {
    /// `key=value`, for people and for grep.
    case text
    /// One JSON object a line, for programs.
    case json
}

/// A log of what clients did: the access log of the VIP tier, the query log of the DNS role.
package struct LogFile: Sendable, Hashable {
    /// `-`: standard output.
    package var path: String
    package var format = LogFormat.text
    /// The part of the lines that is written, 0...1.
    package var sample = 1.0
    /// A file that would grow beyond so many bytes is set aside and begun anew; `nil`: it grows.
    package var maximumSize: Int?
    /// Files set aside that are kept.
    package var keep = 5
    package var clients = ClientPrivacy()

    package init(path: String, format: LogFormat = .text) {
        self.path = path
        self.format = format
    }

    /// Whether it is written to the same place in the same way as `other`: only what a line says differs.
    package func writesLike(_ other: LogFile) -> Bool {
        path == other.path && maximumSize == other.maximumSize && keep == other.keep
    }
}

/// How much of clients' addresses is written down.
package struct ClientPrivacy: Sendable, Hashable {
    /// Leading bits that are kept; the rest are zero.
    package var v4Bits = 32
    package var v6Bits = 128

    package init() {}

    /// An address with the bits that are not kept zero.
    package func shown(_ address: IPAddress) -> IPAddress {
        switch address {
        case .v4(let value): .v4(value & IPPrefix.mask4(v4Bits))
        case .v6(let value): .v6(value & IPPrefix.mask6(v6Bits))
        }
    }

    package var isFull: Bool { v4Bits == 32 && v6Bits == 128 }
}

/// What the program says about itself.
package struct LogSettings: Sendable, Hashable {
    package enum Level: String, Sendable, Hashable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    package var format = LogFormat.text
    /// `nil`: what the command line says.
    package var level: Level?
    package var clients = ClientPrivacy()

    package init() {}
}
