import ControlPlane
import Maintenance
import TrafficModel

extension NodeStatus {
    /// The listeners that take what is sent to some virtual servers.
    func listeners(of servers: [VirtualServer]) -> [Listener] {
        listeners.filter { listener in servers.contains { listener.serves($0.endpoint) } }
    }
}

extension NodeStatus.Listener {
    /// Whether it takes what is sent to an address: its own, or any with its port.
    func serves(_ address: String) -> Bool {
        if endpoint == address { return true }
        guard let colon = endpoint.lastIndex(of: ":"), let other = address.lastIndex(of: ":") else { return false }
        return ["0.0.0.0", "[::]"].contains(endpoint[..<colon]) && endpoint[colon...] == address[other...]
    }
}

extension NodeStatus.Override {
    /// What became of what it is about.
    var participle: String {
        switch verdict {
        case "drain": "drained"
        case "disable": "disabled"
        case "force-down": "forced down"
        case "force-up": "forced up"
        case "cutover": "cut over to \(target ?? "")"
        default: "weighed with \(factor ?? 1)"
        }
    }

    /// What it does to something, in words: `drained by pattern eu-* (ann, "pattern")`.
    var holding: String {
        let source =
            if let window {
                "window \(window)"
            } else if Glob(name).isPattern {
                "pattern \(name) of \(kind)"
            } else {
                "\(kind) \(name)"
            }
        return "\(participle) by \(source)\(origin)"
    }

    /// What is lost when another takes its place.
    var loss: String {
        let end =
            expires.map { "would end in \(Duration.milliseconds($0 - WallTime.now.milliseconds).roughly)" }
            ?? "has no end of its own"
        let words = verdict == "cutover" ? "cutover to \(target ?? "")" : factor.map { "weight \($0)" } ?? verdict
        return "it takes the place of \(words) of \(kind) \(name)\(origin), which \(end)"
    }

    /// Who set it and why, in brackets.
    var origin: String {
        let parts = [author, reason.isEmpty ? "" : "\"\(reason)\""].filter { !$0.isEmpty }
        return parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
    }

    /// The command that takes it back.
    var remedy: String {
        if let window { return "meridian window cancel \(window)" }
        return "meridian enable \(kind) \(Glob(name).isPattern ? "'\(name)'" : name)"
    }
}
