package import Addresses

/// An address that a region is reached at: a VIP of this program or a foreign load balancer.
package struct VirtualServer: Sendable, Hashable {
    package var name: String
    package var endpoint: Endpoint
    /// Position in `Intent.regions`.
    package var region: Int
    /// Positions in `Intent.monitors`; all must agree that it is up. None: always available.
    package var monitors: [Int] = []
    /// Its share under `ratio`, 0...65,535; 0 takes it out of the choice while others are available.
    package var ratio = 1
    /// Connections or requests a second it can take, in whatever unit its peers use.
    package var capacity: Int?
    /// Its rank where a pool orders or weighs by score.
    package var score = 0
    /// What it must show before it is used again; its region's rule if `nil`.
    package var failback: Failback?
    /// Positions of virtual servers that must be up for it to be up: what it cannot work without.
    package var dependsOn: [Int] = []
    package var enabled = true

    package init(name: String, endpoint: Endpoint, region: Int) {
        self.name = name
        self.endpoint = endpoint
        self.region = region
    }
}
