package import Addresses
package import DNSWire

/// What a name server adds to its answers and withholds from them, beside the records.
package struct AnswerSettings: Sendable, Hashable {
    /// What `id.server` and `hostname.bind` are told in class CHAOS (RFC 4892); `nil`: REFUSED.
    package var serverName: String?
    /// What `version.bind` and `version.server` are told; `nil`: REFUSED.
    package var version: String? = "meridian"
    /// The name server identifier (RFC 5001); empty: none.
    package var identifier: [UInt8] = []
    package var zoneVersion = ZoneVersion.serial
    package var cookies = Cookies()
    /// The largest UDP response to a client that has not shown a good cookie; `nil`: as to any.
    package var udpSizeWithoutCookie: Int?
    /// `nil`: responses are not limited.
    package var rateLimit: ResponseRateLimit?

    package init() {}

    /// What the ZONEVERSION option is answered with (RFC 9660).
    package enum ZoneVersion: String, Sendable, CaseIterable {
        case off
        /// The zone's SOA serial.
        case serial
        /// That, and the generation of the configuration with the epoch of health and overrides that decided.
        case epoch
    }

    /// DNS cookies (RFC 7873, RFC 9018).
    package struct Cookies: Sendable, Hashable {
        package enum Policy: String, Sendable, CaseIterable {
            /// The option is not known.
            case off
            /// A client that sends a cookie gets one.
            case answer
            /// Over UDP only clients with a good cookie get an answer; others are told to come back with one, or over TCP.
            case require
        }

        package var policy = Policy.answer
        /// The file with the secrets that name servers share; `nil`: this one draws its own.
        package var path: String?
        /// What the file holds. The first makes cookies, all are accepted.
        package var secrets: [SipKey] = []
        package static let secretLimit = 4

        package init() {}
    }
}

/// Response-rate limiting: how many responses a second a network gets over UDP without a good cookie.
package struct ResponseRateLimit: Sendable, Hashable {
    /// What is counted apart from each other.
    package enum Kind: Int, Sendable, CaseIterable {
        case answers, noData, nameErrors, referrals, errors
    }

    /// By `Kind`; 0: not limited.
    package var rates: [Int]
    /// Each so many-th response over the limit is sent truncated, so that a real client comes over TCP; 0: none is.
    package var slip = 2
    package var prefix4 = 24
    package var prefix6 = 56
    package var exempt: [IPPrefix] = []

    package init(rate: Int) { rates = Kind.allCases.map { _ in rate } }
}
