import Crypto
package import TrafficModel

/// Tokens: 256 random bits, as text that programs can pass on without quoting.
package enum AdminToken {
    /// What tells a token of ours from other secrets, to people and to scanners of repositories.
    private static let prefix = "mrd_"
    /// Longer texts are no tokens.
    static let sizeLimit = 256

    /// A new token, and what to keep of it.
    package static func make() -> (token: String, hash: AdminTokenHash) {
        let token = prefix + randomText()
        let salt = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
        return (token, AdminTokenHash(salt: salt, digest: digest(of: token, salt: salt)))
    }

    /// 256 random bits as URL-safe text.
    static func randomText() -> String {
        // SystemRandomNumberGenerator asks the kernel's generator.
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        var (value, bits) = (UInt32(0), 0)
        for byte in bytes {
            value = value << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[Int(value >> UInt32(bits)) & 63])
                value &= (1 << UInt32(bits)) - 1
            }
        }
        if bits > 0 { text.append(alphabet[Int(value << UInt32(6 - bits)) & 63]) }
        return String(decoding: text, as: UTF8.self)
    }

    static func digest(of token: String, salt: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: salt)
        hash.update(data: Array(token.utf8))
        return Array(hash.finalize())
    }

    /// The one that `token` is; how long it takes does not tell how near a wrong one came, nor to which.
    static func find(_ token: String, in known: [AdminListener.Token]) -> AdminListener.Token? {
        guard token.utf8.count <= sizeLimit else { return nil }
        var found: AdminListener.Token?
        for candidate in known {
            let digest = digest(of: token, salt: candidate.hash.salt)
            if isEqual(digest, candidate.hash.digest), found == nil { found = candidate }
        }
        return found
    }

    /// Looks at every byte, wherever the first difference is.
    static func isEqual(_ first: [UInt8], _ second: [UInt8]) -> Bool {
        guard first.count == second.count else { return false }
        var difference: UInt8 = 0
        for (left, right) in zip(first, second) { difference |= left ^ right }
        return difference == 0
    }
}
