import Foundation

/// A network of its own, with nothing but loopback, on which any address and any port is free. It ends with the object.
final class Namespace {
    private let holder = Process()
    private static let isRoot = getuid() == 0

    /// - Parameter addresses: IPv4 and IPv6 addresses that exist in it beside 127.0.0.1 and ::1. They are nobody's here,
    ///   whoever has them outside.
    init(addresses: [String]) throws {
        let commands =
            ["set -e", "ip link set lo up"]
            + addresses.map {
                $0.contains(":") ? "ip address add \($0)/128 dev lo nodad" : "ip address add \($0)/32 dev lo"
            } + ["echo ready", "exec sleep infinity"]
        let output = makePipe()
        holder.executableURL = URL(filePath: "/usr/bin/env")
        holder.arguments =
            ["unshare", "--net"] + (Self.isRoot ? [] : ["--user", "--map-root-user"])
            + ["sh", "-c", commands.joined(separator: "\n")]
        holder.standardOutput = output
        try holder.start()
        let said = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard said == "ready\n" else {
            holder.waitUntilExit()
            throw Program.Failure(description: "no network namespace: unshare ended with \(holder.terminationStatus)")
        }
    }

    deinit {
        holder.terminate()
        holder.waitUntilExit()
    }

    /// What runs `command` inside; the process stays the same one.
    func command(_ command: [String]) -> [String] {
        ["nsenter", "--target", "\(holder.processIdentifier)", "--net"]
            + (Self.isRoot ? [] : ["--user", "--preserve-credentials"]) + ["--"] + command
    }
}
