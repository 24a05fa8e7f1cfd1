import ControlPlane

/// What operators have in force, as rows.
extension NodePicture {
    /// More are found with `meridian status`.
    static let operationLimit = 100

    var overrideRows: [Row] {
        status.overrides.prefix(Self.operationLimit).map { entry in
            var fields = [
                "kind": entry.kind, "what": entry.kind.replacing("-", with: " "), "name": entry.name,
                "verdict": entry.verdict.sentenceCase,
                "reason": entry.reason, "author": entry.author.isEmpty ? Wording.nothing : entry.author,
                "since": "\(entry.since)",
            ]
            if let target = entry.target { fields["verdict"] = "Cut over to \(target)" }
            if let factor = entry.factor { fields["verdict"] = "Weight × \(Wording.share(factor))" }
            if let expires = entry.expires {
                fields["expires"] = "\(expires)"
            } else {
                fields["open"] = "until enabled"
            }
            if let window = entry.window {
                fields["window"] = "window \(window)"
            } else {
                fields["act"] = "enable"
                fields["actWord"] = "Enable"
            }
            return Row(
                "\(entry.kind):\(entry.name):\(entry.window ?? ""):\(entry.verdict)",
                entry.verdict == "drain" ? "draining" : entry.verdict, fields)
        }
    }

    var windowRows: [Row] {
        status.windows.prefix(Self.operationLimit).map { window in
            var fields = [
                "name": window.name, "plan": window.plan, "word": window.state.sentenceCase, "reason": window.reason,
                "author": window.isConfigured ? "configuration" : window.author,
            ]
            if let refusal = window.refusal {
                fields["refusal"] = "\(window.isDraining ? "Goes on draining" : "May not begin"): \(refusal)"
            }
            if let starts = window.starts { fields["starts"] = "\(starts)" }
            if let ends = window.ends { fields["ends"] = "\(ends)" }
            if window.starts != nil || !window.isConfigured {
                fields["act"] = "cancel-window"
                fields["actWord"] = window.isConfigured ? "Skip" : "Cancel"
            }
            return Row("window:\(window.name)", window.state, fields)
        }
    }

    var shiftRows: [Row] {
        status.shifts.prefix(Self.operationLimit).map { shift in
            Row(
                "shift:\(shift.id)", shift.isReturning ? "returning" : "moving",
                [
                    "name": "\(shift.id)", "title": "\(shift.from) → \(shift.to)",
                    "detail": "\(shift.kind), \(shift.wideIP == "*" ? "all names" : shift.wideIP)",
                    "progress": Wording.share(shift.progress), "share": Wording.share(shift.share),
                    "bar": WorldMap.text(shift.progress * 100) + "%",
                    "remaining": shift.remaining > 0
                        ? "\(shift.isReturning ? "back" : "there") in \(Wording.remaining(seconds: shift.remaining))"
                        : "arrived",
                    "idle": shift.idle.map { "Moves nobody: \($0)" } ?? "",
                    "reason": shift.reason, "author": shift.author,
                    "act": "cancel-shift", "actWord": "Cancel",
                ])
        }
    }
}

extension String {
    /// `force-down` → `Force down`.
    var sentenceCase: String {
        let words = split(separator: "-").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}
