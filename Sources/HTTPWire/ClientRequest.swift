/// A request as probes and the demonstration make it. Allocates; not for the data path.
package struct ClientRequest: Sendable, Hashable {
    package var method: String
    /// Path and query, as it is to be sent.
    package var target: String
    /// The Host field.
    package var host: String
    /// Further fields, in order.
    package var fields: [(name: String, value: String)] {
        get { zip(names, values).map { ($0, $1) } }
        set {
            names = newValue.map(\.name)
            values = newValue.map(\.value)
        }
    }
    package var body: [UInt8]
    /// Asks the server to keep the connection.
    package var keepsAlive: Bool

    private var names: [String]
    private var values: [String]

    package init(
        method: String = "GET", target: String = "/", host: String, fields: [(name: String, value: String)] = [],
        body: [UInt8] = [], keepsAlive: Bool = false
    ) {
        self.method = method
        self.target = target
        self.host = host
        names = fields.map(\.name)
        values = fields.map(\.value)
        self.body = body
        self.keepsAlive = keepsAlive
    }

    /// The request in bytes. A body has a Content-Length; a request without one has it only for POST, PUT and PATCH.
    package func bytes() -> [UInt8] {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
        for (name, value) in zip(names, values) { text += "\(name): \(value)\r\n" }
        if !body.isEmpty || ["POST", "PUT", "PATCH"].contains(method) { text += "Content-Length: \(body.count)\r\n" }
        if !keepsAlive { text += "Connection: close\r\n" }
        return Array((text + "\r\n").utf8) + body
    }
}
