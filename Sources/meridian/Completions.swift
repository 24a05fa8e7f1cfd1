import ArgumentParser

struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the completions of this program for a shell.",
        discussion: """
            bash:  meridian completions bash > /usr/share/bash-completion/completions/meridian
            zsh:   meridian completions zsh > /usr/share/zsh/vendor-completions/_meridian
            fish:  meridian completions fish > /usr/share/fish/vendor_completions.d/meridian.fish
            """)

    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish
    }

    @Argument(help: "bash, zsh or fish.") var shell: Shell

    func run() {
        let shell: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        print(Meridian.completionScript(for: shell))
    }
}
