/// What an open page follows.
enum Topic: Hashable, Sendable {
    case overview
    case services(ServiceQuery)
    case traffic
    case operations
    case events(EventChoice)
    /// Only what stands on every page.
    case frame
}
