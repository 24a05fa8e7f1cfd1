import CFuzzer
import Glibc

/// One program for all targets:
///
///     fuzz TARGET [libFuzzer's options] [corpus folder …] [file …]
///     fuzz TARGET seeds FOLDER        writes the target's first inputs
///     fuzz TARGET words FILE          writes the target's dictionary
///     fuzz targets                    lists them
///
/// libFuzzer runs files that are named once each: that is how FailCases are replayed.
@main
struct Fuzz {
    static let targets: [any FuzzTarget.Type] = [
        MessageTarget.self, ZoneTarget.self, MaxMindTarget.self, NetworksTarget.self, ConfigurationTarget.self,
        HTTPTarget.self, HTTP2Target.self, ProxyTarget.self, LoadTarget.self, TLSTarget.self,
    ]

    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "targets" {
            for target in targets { print(target.name) }
            return
        }
        guard let target = targets.first(where: { $0.name == arguments.first }) else {
            print("usage: fuzz TARGET …, where TARGET is one of \(targets.map { $0.name }.joined(separator: ", "))")
            exit(2)
        }
        let rest = Array(arguments.dropFirst())
        if rest.count == 2, rest[0] == "seeds" {
            for (number, seed) in target.seeds.enumerated() { write(seed, to: "\(rest[1])/seed-\(number)") }
        } else if rest.count == 2, rest[0] == "words" {
            write(dictionary(target.words), to: rest[1])
        } else {
            run(target)
        }
    }

    private static func run(_ target: any FuzzTarget.Type) {
        // Written once, before libFuzzer's single thread calls the body that reads it.
        unsafe current = target.init()
        // libFuzzer reads its arguments behind the first, so the target's name takes the place of the program's.
        var count = CommandLine.argc - 1
        var rest: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv + 1
        let status = unsafe LLVMFuzzerRunDriver(&count, &rest) { bytes, size in
            // libFuzzer's buffer has `size` bytes, exactly, so that AddressSanitizer sees a read past its end.
            let input = unsafe UnsafeBufferPointer(start: bytes, count: size)
            unsafe current?.run(Span(_unsafeElements: input))
            return 0
        }
        exit(status)
    }

    /// libFuzzer's form: one word in quotes on each line, all but plain characters as \xAB.
    private static func dictionary(_ words: [[UInt8]]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return words.flatMap { word in
            let content = word.flatMap { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    ? [byte] : Array("\\x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
            return Array("\"".utf8) + content + Array("\"\n".utf8)
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) {
        guard let file = unsafe fopen(path, "w") else {
            print("\(path) cannot be written: \(unsafe String(cString: strerror(errno)))")
            exit(1)
        }
        unsafe fwrite(bytes, 1, bytes.count, file)
        unsafe fclose(file)
    }
}

/// The target that runs; libFuzzer calls back without a context.
nonisolated(unsafe) private var current: (any FuzzTarget)?
