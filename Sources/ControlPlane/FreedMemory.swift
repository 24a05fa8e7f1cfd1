import CLinux

/// What reading and compiling a configuration took and freed: several times the memory that serving it needs.
enum FreedMemory {
    /// Without this the C library would keep it for the process.
    static func giveBack() { clinux_give_back_memory() }
}
