import Addresses
import TrafficModel

/// The picture that the demo plays: who listens where, and who is a client from where.
///
/// Everything else (the configuration, the members, the clients, the view, the tour) is derived from this one value.
struct DemoPlan: Sendable {
    struct Region: Sendable {
        var name: String
        var title: String
        /// The name that the wide IP's CNAME leads to.
        var host: String
        /// Where it would be, for the map of the dashboard; degrees.
        var location: Location
        var virtualServers: [VirtualServer]
    }

    struct VirtualServer: Sendable {
        var name: String
        var region: String
        var endpoint: Endpoint
        var members: [Member]
    }

    struct Member: Sendable {
        var name: String
        var virtualServer: String
        var region: String
        var endpoint: Endpoint
    }

    /// A country that a built-in client lives in.
    struct Country: Sendable {
        /// ISO 3166-1 alpha-2.
        var code: String
        /// The region that the configuration sends it to while all are up.
        var home: String
    }

    /// How the monitors find out, and how long answers live: what all bounds of the tour are made of.
    struct Timing: Sendable {
        var interval: Duration = .seconds(1)
        var timeout: Duration = .milliseconds(750)
        var rise = 2
        var fall = 2
        /// By how much of the interval a probe may come early or late, in percent.
        var jitterPercent = 10
        /// Of the CNAME and of the addresses, in seconds.
        var ttl = 2

        /// The longest time from a failure to the verdict "down", the last probe's own time included.
        var detection: Duration { probes(fall) }
        /// The longest time from a recovery to the verdict "up".
        var recovery: Duration { probes(rise) }
        var lifetime: Duration { .seconds(ttl) }

        /// A target may fail right after a probe that succeeded, so `count` whole intervals can pass.
        private func probes(_ count: Int) -> Duration { interval * count * (100 + jitterPercent) / 100 + timeout }
    }

    static let service = "api.example.com"
    static let countries = [
        Country(code: "PL", home: "eu"), Country(code: "DE", home: "eu"), Country(code: "NL", home: "eu"),
        Country(code: "ZA", home: "eu"), Country(code: "US", home: "us"), Country(code: "BR", home: "us"),
        Country(code: "JP", home: "apac"), Country(code: "AU", home: "apac"), Country(code: "SG", home: "apac"),
    ]

    var regions: [Region]
    var dns: [Endpoint]
    var timing = Timing()
    var dashboard: DemoDashboard?
    var geoIPv4Path: String
    var geoIPv6Path: String

    init(options: DemoOptions) {
        let names = [
            ("eu", "Europe, Africa", Location(latitude: 52.2, longitude: 21)),
            ("us", "the Americas", Location(latitude: 39, longitude: -77.5)),
            ("apac", "Asia, Oceania", Location(latitude: 1.35, longitude: 103.8)),
        ]
        regions = names.enumerated().map { index, facts in
            let (name, title, location) = facts
            let network = 127 << 24 | UInt32(index + 1) << 16
            let servers = (1...2).map { server in
                let label = "\(name)-\(server)"
                let members = (1...3).map { member in
                    let address = IPAddress.v4(network | UInt32(server) << 8 | UInt32(member))
                    return Member(
                        name: "\(label)-\(member)", virtualServer: label, region: name,
                        endpoint: Endpoint(address: address, port: options.memberPort))
                }
                let address = IPAddress.v4(network | UInt32(server))
                return VirtualServer(
                    name: label, region: name, endpoint: Endpoint(address: address, port: options.httpPort),
                    members: members)
            }
            return Region(
                name: name, title: title, host: "\(name).api.global.lb.example.net", location: location,
                virtualServers: servers)
        }
        dns = [
            Endpoint(address: .v4(127 << 24 | 1), port: options.dnsPort),
            Endpoint(address: .v6(1), port: options.dnsPort),
        ]
        dashboard = options.dashboard
        geoIPv4Path = options.geoIPv4Path
        geoIPv6Path = options.geoIPv6Path
    }

    var virtualServers: [VirtualServer] { regions.flatMap(\.virtualServers) }
    var members: [Member] { virtualServers.flatMap(\.members) }

    func region(host: String) -> Region? { regions.first { $0.host == host } }
}
