package import Authority
package import Balancing

/// Everything the data planes need, immutable: what `compile` makes of intent, overrides and observations.
package struct Snapshot: Sendable {
    /// The number of the configuration it was made from.
    package let generation: UInt64
    /// Rises with every change of any input.
    package let epoch: UInt64
    /// What DNS workers answer from.
    package let authority: AuthoritySnapshot
    /// What proxy loops choose from.
    package let balancing: BalancingSnapshot
}
