import Synchronization

/// What one event loop counts. The loop writes, whoever wants to know reads; each figure stands for itself.
final class ProxyCounters: Sendable {
    /// Of clients, like all that is said of requests here.
    let requests = Atomic<UInt64>(0)
    /// Requests, and connections of TCP listeners, of this process's own health checks.
    let probes = Atomic<UInt64>(0)
    /// Responses that this proxy had to make up because it could not get one: 502, 503, 504.
    let failures = Atomic<UInt64>(0)
    /// By the first digit of the status, 1...5.
    let informational = Atomic<UInt64>(0)
    let successes = Atomic<UInt64>(0)
    let redirections = Atomic<UInt64>(0)
    let clientErrors = Atomic<UInt64>(0)
    let serverErrors = Atomic<UInt64>(0)
    /// Requests whose connection ended before their response did.
    let aborted = Atomic<UInt64>(0)
    let retries = Atomic<UInt64>(0)
    /// Requests sent again because a kept connection had been closed by the member.
    let replays = Atomic<UInt64>(0)
    /// Heads and bodies that were refused for their form.
    let malformed = Atomic<UInt64>(0)
    let timeouts = Atomic<UInt64>(0)
    let rateLimited = Atomic<UInt64>(0)
    /// Requests refused with 503 because there were too many connections or too much was buffered.
    let overloaded = Atomic<UInt64>(0)
    /// Idle connections closed to make room for new ones.
    let evicted = Atomic<UInt64>(0)
    /// Connections and streams that were ended because they held the most when the buffers of all were nearly full.
    let hoards = Atomic<UInt64>(0)
    /// Connections closed at once because their source had too many.
    let sourceLimited = Atomic<UInt64>(0)
    /// HTTP/2 connections ended because of resets, control frames or the like beyond measure.
    let floods = Atomic<UInt64>(0)
    /// Streams of HTTP/2 that were refused unread: more at once than are taken, or behind the last GOAWAY.
    let refusedStreams = Atomic<UInt64>(0)
    /// Requests that had come through here before.
    let loops = Atomic<UInt64>(0)
    let connections = Atomic<UInt64>(0)
    let upstreamConnections = Atomic<UInt64>(0)
    let bytesIn = Atomic<UInt64>(0)
    let bytesOut = Atomic<UInt64>(0)
    /// Times that accepting paused for want of descriptors.
    let descriptorPauses = Atomic<UInt64>(0)
    /// Requests that had to wait for a place on a member, that found no room to wait in, and that waited in vain.
    let queued = Atomic<UInt64>(0)
    let queueFull = Atomic<UInt64>(0)
    let queueTimeouts = Atomic<UInt64>(0)
    /// Requests that wait now, as of the loop's last look.
    let waiting = Atomic<UInt64>(0)
    /// Bodies that were larger than is allowed.
    let bodyLimited = Atomic<UInt64>(0)
    /// TLS handshakes with clients, by their version, and those that failed.
    let tls12 = Atomic<UInt64>(0)
    let tls13 = Atomic<UInt64>(0)
    let tlsFailures = Atomic<UInt64>(0)
    /// Client connections that speak HTTP/2.
    let http2Connections = Atomic<UInt64>(0)

    func countStatus(_ status: Int) {
        switch status / 100 {
        case 1: bump(informational)
        case 2: bump(successes)
        case 3: bump(redirections)
        case 4: bump(clientErrors)
        default: bump(serverErrors)
        }
    }
}

/// Adds without a locked instruction: only the owner of a counter writes it.
@inline(__always)
func bump(_ counter: borrowing Atomic<UInt64>, by amount: Int = 1) {
    counter.store(counter.load(ordering: .relaxed) &+ UInt64(amount), ordering: .relaxed)
}
