import Addresses
import DNSWire
import NIOCore
import NIOPosix

/// A built-in client in one country: resolves the service as its own stub resolver with a cache that honours TTLs, and
/// sends requests at a fixed pace over a kept connection. It never retries: what fails, fails and is counted.
final class DemoClient: Sendable {
    /// Requests a second of each client.
    static let pace = 20
    /// How long a client waits for a connection, and for a response.
    static let patience: Duration = .seconds(1)

    let country: DemoPlan.Country
    /// A network of that country, out of the country data that the name server uses.
    let subnet: IPPrefix
    let ledger = ClientLedger()
    private let service: DomainName
    private let port: UInt16
    private let dns: DNSExchange
    private let group: any EventLoopGroup

    /// - Parameter port: of the VIPs; DNS tells the address only.
    init(
        country: DemoPlan.Country, subnet: IPPrefix, service: DomainName, port: UInt16, dns: DNSExchange,
        group: any EventLoopGroup
    ) {
        self.country = country
        self.subnet = subnet
        self.service = service
        self.port = port
        self.dns = dns
        self.group = group
    }

    /// Visits the service until the task is cancelled.
    ///
    /// - Parameter delay: before the first visit, so that the caches of several clients do not expire together.
    func run(after delay: Duration) async {
        let clock = ContinuousClock()
        var resolver = StubResolver()
        var connection: HTTPExchange?
        var next = clock.now + delay
        do { try await clock.sleep(until: next) } catch { return dns.close() }
        while !Task.isCancelled {
            await visit(&resolver, &connection)
            // A client that was held up does not make up for it with a burst.
            next = max(next + .seconds(1) / Self.pace, clock.now)
            do { try await clock.sleep(until: next) } catch { break }
        }
        connection?.close()
        dns.close()
    }

    private func visit(_ resolver: inout StubResolver, _ connection: inout HTTPExchange?) async {
        var address: IPAddress?
        do {
            let found = try await lookUp(&resolver)
            address = found
            let endpoint = Endpoint(address: found, port: port)
            if connection?.endpoint != endpoint || connection?.isOpen == false {
                connection?.close()
                connection = nil
            }
            let open: HTTPExchange
            if let connection {
                open = connection
            } else {
                open = try await HTTPExchange.connect(to: endpoint, on: group, timeout: Self.patience)
                connection = open
            }
            let response = try await open.get("/", host: service.description, timeout: Self.patience)
            ledger.succeed(region: response.region, member: response.member, address: found)
        } catch is CancellationError {
            // The demo is ending.
        } catch {
            ledger.fail("\(error)", address: address, at: .now)
        }
    }

    private enum Failure: Error, CustomStringConvertible {
        case noAddress
        var description: String { "no address in DNS" }
    }

    private func lookUp(_ resolver: inout StubResolver) async throws -> IPAddress {
        // Each question adds to the cache, so the chain of aliases ends; the limit is for a server that never answers
        // what was asked.
        for _ in 0...StubResolver.aliasLimit {
            switch resolver.resolve(service, now: .now) {
            case .addresses(let addresses):
                guard let first = addresses.first else { throw Failure.noAddress }
                return first
            case .none:
                throw Failure.noAddress
            case .ask(let name):
                let reply = try await dns.ask(name, .a, subnet: subnet)
                let answer = StubResolver.Answer(reply)
                guard !answer.records.isEmpty || answer.negativeTTL != nil else { throw Failure.noAddress }
                resolver.store(answer, question: name, now: .now)
            }
        }
        throw Failure.noAddress
    }
}
