import CLinux
import HTTP2Wire
import Sockets
import Synchronization

/// What waits in buffers, and who has to go when that is too much.
///
/// Beyond ``LoopSettings/bufferTotal`` new requests are refused. It must not come to that because a few clients ask for
/// much and take nothing: before it does, those go that hold the most and have not moved, and at the limit those that
/// hold the most.
extension ProxyWorker {
    /// Whether so much is held that each tick looks.
    var isFillingUp: Bool { total > settings.bufferTotal / 2 }

    private var total: Int { shared.bufferedBytes.load(ordering: .relaxed) }

    /// Adds up what waits in buffers. Most exchanges are over between two looks; those that last are few, or what
    /// this is for.
    func lookAtBuffers() {
        addUp()
        let knowsProgress = watchesProgress
        watchesProgress = isFillingUp
        if total > worthGivingBack { shared.hasHeldMuch.store(true, ordering: .relaxed) } else { giveBack() }
        guard isFillingUp else { return }
        for client in connections { client.noteProgress() }
        for client in requests { client.noteProgress() }
        // Some room for what comes until the next look.
        guard total > settings.bufferTotal / 8 * 7, knowsProgress else { return }
        relieve()
        addUp()
    }

    private func addUp() {
        var sum = 0
        for client in connections { sum += client.bufferedBytes }
        for client in requests { sum += client.bufferedBytes }
        shared.bufferedBytes.wrappingAdd(sum - buffered, ordering: .relaxed)
        buffered = sum
    }

    /// What was held is free by now, but in the C library's hands: without this it would stay with the process for ever.
    private func giveBack() {
        guard shared.hasHeldMuch.load(ordering: .relaxed), total < worthGivingBack / 4,
            shared.hasHeldMuch.exchange(false, ordering: .relaxed)
        else { return }
        clinux_give_back_memory()
    }

    /// Finding what is free takes the C library some milliseconds.
    private var worthGivingBack: Int { max(settings.bufferTotal / 8, 16 << 20) }

    private func relieve() {
        var hoards = Hoards<ClientConnection>()
        for client in connections {
            hoards.add(client, of: client, bytes: client.bufferedBytes, isStalled: client.isStalled)
        }
        for client in requests {
            hoards.add(
                client, of: client.stream?.connection?.carrier ?? client, bytes: client.bufferedBytes,
                isStalled: client.isStalled)
        }
        // This loop's part of it: the others see to theirs.
        let excess = Double(total - settings.bufferTotal / 4 * 3) * Double(buffered) / Double(max(total, 1))
        for client in hoards.surplus(Int(excess), sparesMoving: total <= settings.bufferTotal)
        where client.phase != .closed {
            bump(counters.hoards)
            client.endHoard()
        }
    }
}

extension ClientConnection {
    /// Notes whether anything has gone through since it was last asked.
    func noteProgress() {
        guard bufferedBytes > 0 else {
            movedBytes = nil
            isStalled = false
            return
        }
        let moved: Int
        if let stream {
            moved = Int(truncatingIfNeeded: stream.sent) &+ exchange.bodyBytes
        } else {
            // What was handed over and has left, either way.
            moved =
                exchange.bytesOut &+ exchange.bodyBytes &- (channel?.unsentBytes ?? 0) &- (upstream?.unsentBytes ?? 0)
        }
        isStalled = movedBytes == moved
        movedBytes = moved
    }

    /// What it holds is needed for others.
    fileprivate func endHoard() {
        if stream != nil { return abort(.enhanceYourCalm) }
        guard let http2 else { return resetClient() }
        // Frames show by themselves what is not whole.
        http2.sayExcess()
        abort()
        channel?.close()
    }
}
