import Foundation
import Testing

/// Chromium without a window, driven through chromedriver as a person would: real clicks, real keys.
final class Browser {
    private let process = Process()
    private let base: String
    private var session = ""
    private let profile: URL

    /// - Parameter isDark: what the system says to `prefers-color-scheme`.
    init(width: Int = 1280, height: Int = 900, isDark: Bool = false) throws {
        let port = try freePort()
        base = "http://127.0.0.1:\(port)"
        profile = FileManager.default.temporaryDirectory.appending(path: "browser-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: profile, withIntermediateDirectories: true)
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["HOME=\(profile.path)", "chromedriver", "--port=\(port)"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.start()
        try wait(for: "chromedriver") {
            try Program.run("curl", ["--silent", "--fail", "\(self.base)/status"]).status == 0
        }
        let arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--user-data-dir=\(profile.appending(path: "profile").path)",
        ]
        let capabilities: [String: Any] = [
            "browserName": "chrome", "goog:chromeOptions": ["args": arguments, "binary": "/usr/bin/chromium"],
            "goog:loggingPrefs": ["browser": "ALL"],
        ]
        let created = try call("POST", "/session", ["capabilities": ["alwaysMatch": capabilities]])
        guard let session = (created as? [String: Any])?["sessionId"] as? String else {
            throw Program.Failure(description: "no browser: \(created ?? "")")
        }
        self.session = "/session/\(session)"
        try resize(width, height)
        try colours(isDark: isDark)
    }

    deinit {
        // The browser that does not say goodbye ends with its driver.
        if !session.isEmpty { _ = try? call("DELETE", session, nil) }
        // A test's threads have SIGTERM blocked, and so has what they start.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: profile)
    }

    func resize(_ width: Int, _ height: Int) throws {
        try develop(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500])
    }

    /// Nothing moves, for whoever asked for that: what is measured is the page at rest, not amid a flash.
    func colours(isDark: Bool) throws {
        let features = ["prefers-color-scheme": isDark ? "dark" : "light", "prefers-reduced-motion": "reduce"]
        try develop(
            "Emulation.setEmulatedMedia", ["features": features.map { ["name": $0.key, "value": $0.value] }])
    }

    func open(_ url: String) throws { _ = try call("POST", "\(session)/url", ["url": url]) }

    /// The value of a function body in the page.
    @discardableResult
    func run(_ script: String) throws -> Any? {
        try call("POST", "\(session)/execute/sync", ["script": script, "args": [Any]()])
    }

    func text(_ selector: String) throws -> String {
        try run("return document.querySelector(\(Self.literal(selector)))?.textContent ?? ''") as? String ?? ""
    }

    func holds(_ condition: String) throws -> Bool { try run("return Boolean(\(condition))") as? Bool ?? false }

    /// Looks until a condition of the page holds. A page that gives way to the next may lack what it looks for: not yet.
    func see(_ what: String, when condition: String) throws { try wait(for: what) { try holds(condition) } }

    /// Looks until so many more messages have come over the page's live connection.
    func seeUpdates(_ count: Int) throws {
        try run(
            """
            window.updates = 0;
            return import(document.querySelector("link[rel=modulepreload]").href)
              .then((live) => live.onMessage(() => { window.updates += 1; }));
            """)
        try see("\(count) updates", when: "window.updates >= \(count)")
    }

    /// A script that lets the page's next change wait for `release()`, or for `lose()` as where the network fails.
    static let heldChanges = """
        const own = window.fetch;
        window.fetch = async (path, options) => {
          const isChange = ["PUT", "POST", "DELETE"].includes(options?.method);
          if (isChange && !path.includes("dry_run=")) {
            window.fetch = own;
            await new Promise((resolve, reject) => {
              window.release = resolve;
              window.lose = () => reject(new TypeError("Failed to fetch"));
            });
          }
          return own(path, options);
        };
        """

    /// With the mouse, in the middle of the first that the selector finds.
    ///
    /// The page lives: between looking and pressing something may have grown above. A click that would hit something
    /// else is kept from the page, and made again.
    func click(_ selector: String) throws {
        try wait(for: "a click on \(selector)") {
            try run(
                """
                const wanted = document.querySelector(\(Self.literal(selector)));
                const parts = ["pointerdown", "mousedown", "pointerup", "mouseup", "click"];
                let strayed = false;
                const guard = (event) => {
                  if (wanted?.contains(event.target)) return;
                  strayed = true;
                  event.preventDefault();
                  event.stopImmediatePropagation();
                };
                for (const part of parts) addEventListener(part, guard, true);
                window.unguard = () => {
                  for (const part of parts) removeEventListener(part, guard, true);
                  return strayed;
                };
                """)
            // A click that leads to another page leaves no guard behind.
            func strayed() throws -> Bool { try holds("window.unguard?.()") }
            do {
                let found = try call("POST", "\(session)/element", ["using": "css selector", "value": selector])
                guard let element = (found as? [String: Any])?.values.first as? String else {
                    throw Program.Failure(description: "\(selector): \(found ?? "nothing")")
                }
                _ = try call("POST", "\(session)/element/\(element)/click", [String: Any]())
            } catch {
                _ = try strayed()
                throw error
            }
            return try !strayed()
        }
    }

    /// Puts the focus there and marks what is in it, for typing over. Without the mouse: a dialog that grows while its
    /// fields are filled moves them about.
    func select(_ selector: String) throws {
        try wait(for: selector) {
            try run(
                """
                const field = document.querySelector(\(Self.literal(selector)));
                field.focus();
                field.select?.();
                return document.activeElement === field;
                """) as? Bool ?? false
        }
    }

    /// Clicks what confirms a change, once its dialog has shown what would move.
    func confirm() throws {
        try see("what would move", when: "!document.querySelector('#act-go').disabled")
        try click("#act-go")
    }

    /// A key that stays down, as the system repeats it.
    func hold(enter times: Int) throws {
        for time in 0..<times {
            try develop(
                "Input.dispatchKeyEvent",
                [
                    "type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r",
                    "autoRepeat": time > 0,
                ])
        }
        try develop(
            "Input.dispatchKeyEvent",
            ["type": "keyUp", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13])
    }

    /// Keys as WebDriver names them; `Key` has the special ones.
    func press(_ keys: String) throws {
        let actions = keys.flatMap { key in
            [["type": "keyDown", "value": String(key)], ["type": "keyUp", "value": String(key)]]
        }
        _ = try call(
            "POST", "\(session)/actions",
            ["actions": [["type": "key", "id": "keyboard", "actions": actions] as [String: Any]]])
    }

    enum Key {
        static let tab = "\u{e004}"
        static let enter = "\u{e007}"
        static let escape = "\u{e00c}"
        static let left = "\u{e012}"
        static let up = "\u{e013}"
        static let right = "\u{e014}"
        static let down = "\u{e015}"
    }

    /// What the console said since the last time: errors, and violations of the content security policy.
    private func complaints() throws -> [String] {
        let entries = try call("POST", "\(session)/se/log", ["type": "browser"]) as? [[String: Any]] ?? []
        return entries.compactMap { entry in
            guard let level = entry["level"] as? String, ["SEVERE", "WARNING"].contains(level) else { return nil }
            return entry["message"] as? String
        }
    }

    /// Nothing but what the test itself brought about: lines that have one of these words.
    func expectNoComplaints(
        but expected: String..., comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let complaints = try complaints().filter { line in !expected.contains { line.contains($0) } }
        #expect(complaints == [], comment, sourceLocation: sourceLocation)
    }

    @discardableResult
    func develop(_ command: String, _ parameters: [String: Any] = [:]) throws -> Any? {
        try call("POST", "\(session)/goog/cdp/execute", ["cmd": command, "params": parameters])
    }

    private static func literal(_ text: String) -> String {
        String(decoding: (try? JSONEncoder().encode(text)) ?? Data(), as: UTF8.self)
    }

    private func call(_ method: String, _ path: String, _ body: [String: Any]?) throws -> Any? {
        // A machine that is busy with other tests starts a browser in minutes.
        var arguments = ["--silent", "--show-error", "--max-time", "180", "-X", method, base + path]
        if let body {
            let data = try JSONSerialization.data(withJSONObject: body)
            arguments += [
                "-H", "Content-Type: application/json", "--data-binary", String(decoding: data, as: UTF8.self),
            ]
        }
        let answer = try Program.run("curl", arguments)
        guard let object = try? JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any] else {
            let said = answer.error.trimmingCharacters(in: .whitespacesAndNewlines)
            throw Program.Failure(
                description: "\(path): curl ended with \(answer.status): \(said) \(answer.output)")
        }
        let value = object["value"]
        if let problem = value as? [String: Any], let error = problem["error"] as? String {
            throw Program.Failure(description: "\(path): \(error): \(problem["message"] ?? "")")
        }
        return value
    }
}

/// Lets a browser reach a Unix socket: takes TCP connections on a port of 127.0.0.1 and passes on what they say.
final class SocketBridge {
    let port: Int
    private let process = Process()

    private static let source = """
        import asyncio, sys
        async def copy(reader, writer):
            try:
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            except OSError:
                pass
            finally:
                writer.close()
        async def serve(reader, writer):
            try:
                ours, theirs = await asyncio.open_unix_connection(sys.argv[2])
            except OSError:
                writer.close()
                return
            await asyncio.gather(copy(reader, theirs), copy(ours, writer))
        async def main():
            server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
            await server.serve_forever()
        asyncio.run(main())
        """

    init(to socket: String) throws {
        port = try freePort()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.source, "\(port)", socket]
        process.standardError = FileHandle.nullDevice
        try process.start()
        try wait(for: "the bridge") {
            try Program.run("curl", ["--silent", "--fail", "http://127.0.0.1:\(self.port)/v1/status"]).status == 0
        }
    }

    deinit {
        // A test's threads have SIGTERM blocked, and so has what they start.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
