/// Which requests go where. All conditions that are given must hold; the first route that matches is taken.
package struct Route: Sendable, Hashable {
    package enum Path: Sendable, Hashable {
        case exact(String)
        /// Whole segments: `/api` matches `/api` and `/api/x`, not `/apix`.
        case prefix(String)
    }

    package struct FieldMatch: Sendable, Hashable {
        /// Compared without case.
        package var name: String
        /// The exact value; `nil`: the field must be there.
        package var value: String?

        package init(name: String, value: String?) {
            self.name = name
            self.value = value
        }
    }

    package enum Action: Sendable, Hashable {
        /// Position in `Intent.upstreams`.
        case upstream(Int)
        case redirect(Redirect)
        case respond(FixedResponse)
    }

    package struct Redirect: Sendable, Hashable {
        /// 301, 302, 303, 307 or 308.
        package var status = 308
        /// An absolute URI, or a path. `{host}`, `{path}` and `{query}` stand for the request's own.
        package var location: String

        package init(location: String) { self.location = location }
    }

    package struct FixedResponse: Sendable, Hashable {
        package var status = 200
        package var contentType = "text/plain; charset=utf-8"
        package var body = ""

        package init() {}
    }

    package struct RateLimit: Sendable, Hashable {
        package enum Key: String, Sendable, Hashable, CaseIterable {
            /// The address of the client, IPv6 by /64.
            case client
            case route
        }
        /// Requests a second.
        package var rate: Double
        /// How many may come at once after a pause.
        package var burst: Int
        package var key: Key = .client

        package init(rate: Double, burst: Int) {
            self.rate = rate
            self.burst = burst
        }
    }

    /// Names it in logs and metrics.
    package var name: String
    /// Lower case, without port; `*.example.com` matches any name below. Empty: every host.
    package var hosts: [String] = []
    package var path: Path?
    package var fields: [FieldMatch] = []
    package var methods: [String] = []
    package var action: Action
    package var rateLimit: RateLimit?

    package init(name: String, action: Action) {
        self.name = name
        self.action = action
    }
}
