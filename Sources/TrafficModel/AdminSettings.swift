package import Addresses

/// How operators reach the running program.
package struct AdminSettings: Sendable, Hashable {
    /// A Unix socket, readable by the owner; `nil`: none.
    package var socketPath: String?
    /// The file that keeps overrides and the audit trail; `nil`: memory.
    package var statePath: String?
    /// `nil`: nobody comes over TCP.
    package var listener: AdminListener?

    package init() {}
}

/// What somebody may do through the admin API. Each role includes those before it.
package enum AdminRole: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Look.
    case view
    /// Overrides, windows, shifts, resume.
    case operate
    /// All: reload too.
    case admin

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: AdminRole, right: AdminRole) -> Bool { left.rank < right.rank }
}

/// The admin API on an address. Without TLS it is on loopback only.
package struct AdminListener: Sendable, Hashable {
    package struct TLS: Sendable, Hashable {
        /// Position in `Intent.certificates`.
        package var certificate: Int
        /// PEM file with the authorities of clients' certificates; `nil`: clients are not asked for any.
        package var clientAuthorityPath: String?
        /// What subjects of those certificates (RFC 4514: `CN=ann,O=Example`) may do; the first that matches holds.
        package var clients: [Client] = []

        package init(certificate: Int) { self.certificate = certificate }
    }

    package struct Client: Sendable, Hashable {
        package var subject: Glob
        package var role: AdminRole

        package init(subject: Glob, role: AdminRole) {
            self.subject = subject
            self.role = role
        }
    }

    package struct Token: Sendable, Hashable {
        package var name: String
        package var role: AdminRole
        package var hash: AdminTokenHash

        package init(name: String, role: AdminRole, hash: AdminTokenHash) {
            self.name = name
            self.role = role
            self.hash = hash
        }
    }

    package var endpoint: Endpoint
    package var tls: TLS?
    package var tokens: [Token] = []
    /// Host names in lower case, beside the address itself, that requests may be for.
    package var allowedHosts: [String] = []

    package init(endpoint: Endpoint) { self.endpoint = endpoint }

    /// Each is compared with a token that somebody shows.
    package static let tokenLimit = 256
}

/// What is kept of a token: `sha256:SALT:DIGEST`, both in hexadecimal, the digest of the salt and the token.
///
/// Tokens are drawn by this program with 256 random bits, so that one round is as good as many.
package struct AdminTokenHash: Sendable, Hashable {
    package let salt: [UInt8]
    package let digest: [UInt8]

    package init(salt: [UInt8], digest: [UInt8]) {
        self.salt = salt
        self.digest = digest
    }

    /// `nil` for what is not in this form. Salts have 8 to 64 bytes.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "sha256", let salt = Self.bytes(parts[1]),
            let digest = Self.bytes(parts[2]),
            (8...64).contains(salt.count), digest.count == 32
        else { return nil }
        self.salt = salt
        self.digest = digest
    }

    package var text: String { "sha256:\(Self.hexadecimal(salt)):\(Self.hexadecimal(digest))" }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2), digits.count <= 128 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
