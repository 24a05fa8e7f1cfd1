internal import DNSWire
internal import TrafficModel

/// The file with the secrets of DNS cookies: one a line, `#` begins a comment.
enum CookieSecrets {
    /// Bytes of the largest file that is read: a few secrets with comments.
    static let fileLimit = 65_536

    /// The secrets in order, or what is wrong with which line. A line's text is never told: it may be a secret.
    static func read(_ bytes: [UInt8]) -> (secrets: [SipKey], problem: (line: Int, wrong: String, advice: String)?) {
        var secrets: [SipKey] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let text = String(decoding: line.prefix { $0 != UInt8(ascii: "#") }, as: UTF8.self)
                .filter { !" \t\r".contains($0) }
            if text.isEmpty { continue }
            guard let secret = Hexadecimal.bytes(text[...]).flatMap({ SipKey($0) }) else {
                return ([], (index + 1, "this line is not a secret of 32 hexadecimal digits", "write it anew"))
            }
            guard !secrets.contains(secret) else {
                return ([], (index + 1, "this secret stands twice", "remove it"))
            }
            guard secrets.count < AnswerSettings.Cookies.secretLimit else {
                return (
                    [],
                    (
                        index + 1, "there are more than \(AnswerSettings.Cookies.secretLimit) secrets",
                        "remove the oldest"
                    )
                )
            }
            secrets.append(secret)
        }
        return (secrets, nil)
    }
}

extension ConfigurationAssembly {
    /// What the file of `dns.cookies.secrets` holds; none if there is no file.
    func readCookieSecrets() -> [SipKey] {
        guard let dns = draft.dns, let path = dns.value.answers.cookies.path else { return [] }
        do throws(FileProblem) {
            let (bytes, stamp) = try TextFile.readStamped(path, limit: CookieSecrets.fileLimit)
            let (secrets, problem) = CookieSecrets.read(bytes)
            if let problem {
                context.add(
                    Diagnostic(
                        severity: .error, file: path, line: problem.line, column: 1,
                        message: "\(problem.wrong); \(problem.advice)"))
            } else if secrets.isEmpty {
                context.error(
                    dns.places.cookieSecrets, "\"\(path)\" holds no secret",
                    "write 32 hexadecimal digits into it, as openssl rand -hex 16 makes them")
            } else if stamp.isOpenToAll {
                context.warning(
                    dns.places.cookieSecrets,
                    "every user of this machine can read \"\(path)\", and who knows a secret can make cookies",
                    "take that away with chmod o-r")
            }
            return secrets
        } catch {
            context.error(dns.places.cookieSecrets, error.wrong, error.advice)
            return []
        }
    }
}

enum Hexadecimal {
    /// Pairs of digits as bytes; `nil` for anything else.
    static func bytes(_ text: Substring) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 65...70: digit - 55
        case 97...102: digit - 87
        default: nil
        }
    }
}
