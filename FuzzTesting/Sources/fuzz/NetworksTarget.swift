import Addresses

@testable import Geography

/// Lists of networks and the two country files of tor-geoipdb; the first byte says which.
final class NetworksTarget: FuzzTarget {
    static let name = "networks"
    private let below: GeographyDatabase

    init() {
        let text = Array("10.0.0.0/8,a\n10.1.0.0/16,b\n2001:db8::/32,c\n0.0.0.0/0,d\n".utf8)
        guard let below = try? GeographySourceFile.File.parse(text.span, as: .networks, path: "") else {
            fatalError("the list below is right")
        }
        self.below = below
    }

    func run(_ input: Span<UInt8>) {
        guard !input.isEmpty else { return }
        let bytes = input.extracting(1..<input.count)
        let format: GeographySourceFile.File.Format = [.networks, .torV4, .torV6][Int(input[0]) % 3]
        let layer: GeographyDatabase
        do throws(GeographyError) {
            layer = try GeographySourceFile.File.parse(bytes, as: format, path: "file")
        } catch {
            require(!error.problems.isEmpty, "an error says why")
            require(error.problems.count <= GeographyDatabase.problemLimit, "and not for ever")
            return
        }
        checkRanges(layer)
        var both = below
        both.add(layer)
        checkRanges(both)
        for start in layer.ranges.v4.starts.prefix(50) {
            for address in [IPAddress.v4(start), .v4(start &- 1)] {
                let known = layer.place(of: address)
                let expected =
                    known == Place() ? below.place(of: address) : below.place(of: address).updated(by: known)
                require(both.place(of: address) == expected, "the later source wins at \(address)")
            }
        }
    }

    static var seeds: [[UInt8]] {
        [
            (0, "# a list\n10.0.0.0/8 , eu\n\n2001:db8::/32,us # comment\r\n192.0.2.1,one\n::ffff:192.0.2.0/120,m\n"),
            (0, "10.0.0.0/8,a\n10.0.0.0/8,b\n10.0.0.1/8,c\nx,y\n,\n10.1.0.0/16\n1.2.3.4/32,z,z"),
            (1, "# country\n16777216,16777471,AU\n16777472,16778239,CN\n4294967295,4294967295,??\n"),
            (1, "5,4,AU\n4294967296,1,AU\n1,2,A\n1,2\n1\n"),
            (2, "2001:200::,2001:200:134:ffff:ffff:ffff:ffff:ffff,JP\n::,::ff,??\n"),
            (2, "2001:db8:1:2:3:4:5:6,2001:db8:1:2:3:4:5:7,de\n1::2::3,::,AU\n:::,::,AU\n12345::,::,AU\n"),
        ].map { [UInt8($0.0)] + Array($0.1.utf8) }
    }

    static let words: [[UInt8]] = [
        "/32,", "/0,", "/128,", ",AU\n", ",??\n", "::", "::ffff:", "10.0.0.0/8", "4294967295", "ffff:", "\r\n", "#",
    ].map { Array($0.utf8) }
}
