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
        if case .bash = self.shell { print(Self.wholeWords) }
    }

    /// bash ends words at colons and equals signs too; addresses have them. This puts the words together before the
    /// function above looks at them, and takes from what it offers what stands before the cursor's part of a word.
    private static let wholeWords = #"""
        _meridian_whole_words() {
            local -a words=()
            local -i at=0 index
            local word kept= glues=
            for index in "${!COMP_WORDS[@]}"; do
                word=${COMP_WORDS[index]}
                if ((index > 0)) && [[ -n $word && ( $word != *[!:=]* || -n $glues ) ]]; then
                    ((index == COMP_CWORD)) && kept=${words[-1]}
                    words[-1]+=$word
                else
                    words+=("$word")
                fi
                [[ -n $word && $word != *[!:=]* ]] && glues=yes || glues=
                if ((index == COMP_CWORD)); then
                    at=$((${#words[@]} - 1))
                    [[ -n $glues ]] && kept=${words[-1]}
                fi
            done
            local -a COMP_WORDS=("${words[@]}")
            local -i COMP_CWORD=at
            _meridian "$1" "${words[at]}" "${words[at > 0 ? at - 1 : 0]}"
            COMPREPLY=("${COMPREPLY[@]#"$kept"}")
        }
        complete -o filenames -F _meridian_whole_words meridian
        """#
}
