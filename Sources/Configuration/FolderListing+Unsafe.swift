internal import Glibc

/// The names of what is in a folder.
enum FolderListing {
    /// All but folders and hidden names, in no order.
    static func names(in path: String) throws(FileProblem) -> [String] {
        guard let folder = unsafe opendir(path) else {
            let reason = unsafe String(cString: strerror(errno))
            throw FileProblem(
                wrong: "cannot read the folder \"\(path)\": \(reason)", advice: "create it or correct the path")
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            if unsafe entry.pointee.d_type == UInt8(DT_DIR) { continue }
            // The name ends with a zero inside its 256 bytes.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
