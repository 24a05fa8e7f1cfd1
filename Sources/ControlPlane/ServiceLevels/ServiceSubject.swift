/// What has a service level.
package struct ServiceSubject: Sendable, Hashable, Comparable {
    package enum Kind: String, Sendable, CaseIterable {
        case wideIP = "wide-ip"
        case pool
    }

    package let kind: Kind
    package let name: String

    package static func < (left: ServiceSubject, right: ServiceSubject) -> Bool {
        (left.kind.rawValue, left.name) < (right.kind.rawValue, right.name)
    }
}
