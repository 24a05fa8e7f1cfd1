import Addresses

/// Everything the view shows, as one value.
struct DemoStatus: Sendable {
    /// How a part of the picture is doing.
    enum Mark: Sendable, Hashable {
        case up
        case down
        /// Kept out after a refused or reset connection, before its monitors have noticed.
        case ejected
        /// Its monitors have given no verdict yet; it counts as up.
        case unknown
        /// Takes no new work.
        case draining
    }

    struct Member: Sendable {
        var name: String
        var mark: Mark
        /// Killed by the demo, whether or not the monitors have noticed yet.
        var isKilled = false
        var requestsPerSecond = 0.0
    }

    struct VirtualServer: Sendable {
        var name: String
        var endpoint: Endpoint
        var mark: Mark
        var isKilled = false
        var members: [Member]
    }

    struct Region: Sendable {
        var name: String
        var title: String
        var host: String
        var mark: Mark
        var isKilled = false
        var virtualServers: [VirtualServer]
    }

    struct Client: Sendable {
        var country: String
        var address: String
        var home: String
        var region: String?
        var member: String?
        var succeeded: UInt64
        var failed: UInt64
        var lastFailure: String?
    }

    struct Decision: Sendable, Hashable {
        /// Since the start.
        var time: Duration
        /// Who asked: a country code, or an address.
        var client: String
        var question: String
        var answer: String
    }

    var elapsed: Duration = .zero
    var service = ""
    var dns: Endpoint
    var ttl = 0
    var generation: UInt64 = 0
    var epoch: UInt64 = 0
    var queriesPerSecond = 0.0
    var requestsPerSecond = 0.0
    var regions: [Region] = []
    var clients: [Client] = []
    /// Newest last.
    var decisions: [Decision] = []
    /// What operators and monitors did, newest last.
    var events: [String] = []
    /// Command lines to try by hand.
    var suggestions: [String] = []

    var succeeded: UInt64 { clients.reduce(0) { $0 + $1.succeeded } }
    var failed: UInt64 { clients.reduce(0) { $0 + $1.failed } }
}
