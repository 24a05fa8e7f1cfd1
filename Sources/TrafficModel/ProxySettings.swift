/// What holds for all listeners of the VIP tier.
package struct ProxySettings: Sendable, Hashable {
    /// How this proxy names itself in `Via` (RFC 9110 section 7.6.3).
    package enum Via: Sendable, Hashable {
        /// A name that is drawn when the program starts.
        case automatic
        /// `Via` is passed on and not added to; loops are not noticed.
        case off
        case name(String)
    }

    /// What becomes of a field whose name has an underscore: many servers read `X_User` as `X-User`, so that a client
    /// could forge what a proxy would have removed.
    package enum Underscores: String, Sendable, Hashable, CaseIterable {
        case drop
        case keep
        /// With 400.
        case reject
    }

    /// The path that members get. Routes are matched with the normalised one in any case.
    package enum ForwardedPath: String, Sendable, Hashable, CaseIterable {
        case received
        case normalised
    }

    /// What becomes of a request of HTTP/1.1 whose client ends its side before it has the answer.
    package enum HalfClosed: String, Sendable, Hashable, CaseIterable {
        /// It is answered: clients may do that (RFC 9112 section 9.6).
        case serve
        /// The client is taken for gone, and the request ended at the member too.
        case abort
    }

    /// Event loops; 0: one for each processor.
    package var threads = 0
    package var limits = ProxyLimits()
    package var via = Via.automatic
    package var underscores = Underscores.drop
    package var forwardedPath = ForwardedPath.received
    package var halfClosed = HalfClosed.serve
    /// How long a removed listener's or route's connections may live on.
    package var drainTimeout: Duration = .seconds(30)
    /// `nil`: no access log.
    package var accessLog: LogFile? = LogFile(path: "-")

    package init() {}
}
