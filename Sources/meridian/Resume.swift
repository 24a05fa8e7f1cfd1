import ArgumentParser

struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a virtual server be used again that was down and waits for an operator.",
        discussion: "Those are virtual servers whose configuration has failback: { manual: true }.")

    @OptionGroup var node: AdminNode
    @Argument(help: "The virtual server.", completion: LiveNames.completion(.virtualServer)) var name: String

    func run() throws {
        _ = try node.call("POST", "/v1/virtual-servers/\(QueryText.encoded(name))/resume")
        print("virtual-server \(name) follows its monitors again")
    }
}
