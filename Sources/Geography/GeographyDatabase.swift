package import Addresses

/// A file that says where networks are.
package enum GeographySourceFile: Hashable, Sendable {
    /// A MaxMind DB with countries, cities or AS numbers.
    case maxMind(path: String)
    /// `geoip` and `geoip6` as Debian's tor-geoipdb installs them; either may be missing.
    case tor(v4: String?, v6: String?)
    /// Lines of `network,region`.
    case networks(path: String)
}

/// Everything the geography sources say about the IPv4 and the IPv6 space, in one map.
package struct GeographyDatabase: Sendable {
    /// Each differs from the others; the first is the one of which nothing is known.
    package private(set) var places: [Place]
    /// Of each network, the position in `places`.
    package private(set) var ranges: RangeMap

    /// When the databases were made that say so, in seconds since 1970, by path.
    package var builds: [String: UInt64] = [:]

    /// Knows nothing.
    package init() {
        places = [Place()]
        ranges = RangeMap(default: 0)
    }

    /// Reads the sources in order. Where they overlap the later wins in what it knows: a network list adds its region
    /// to a network and leaves the country, a file with AS numbers only adds these.
    ///
    /// Throws with every problem of every source, up to `problemLimit` for each file.
    package static func load(sources: [GeographySourceFile]) throws(GeographyError) -> GeographyDatabase {
        var database = GeographyDatabase()
        var problems: [GeographyProblem] = []
        for source in sources {
            do throws(GeographyError) {
                for file in source.files { try database.add(file.read()) }
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else { throw GeographyError(problems: problems) }
        return database
    }

    /// How many problems of one file are told.
    package static let problemLimit = 20

    package func place(of address: IPAddress) -> Place { places[Int(ranges.value(of: address))] }

    /// The table that finds the class of a client. `classify` is called once for each place.
    package func table(classify: (Place) -> UInt32) -> PrefixTable {
        let classes = places.map(classify)
        return PrefixTable(ranges.mapValues { classes[Int($0)] })
    }
}

extension GeographyDatabase {
    /// Puts what a source says over what is known.
    mutating func add(_ layer: GeographyDatabase) {
        builds.merge(layer.builds) { $1 }
        guard places.count > 1 else {
            (places, ranges) = (layer.places, layer.ranges)
            return
        }
        var known = places
        var positions: [Place: UInt32] = [:]
        for (position, place) in known.enumerated() { positions[place] = UInt32(position) }
        let alone = layer.places.map { place in
            if let position = positions[place] { return position }
            let position = UInt32(known.count)
            known.append(place)
            positions[place] = position
            return position
        }
        // The same pair of places meets at many networks.
        var pairs: [UInt64: UInt32] = [:]
        ranges = ranges.combining(layer.ranges) { below, above in
            if above == 0 { return below }
            if below == 0 { return alone[Int(above)] }
            let pair = UInt64(below) << 32 | UInt64(above)
            if let position = pairs[pair] { return position }
            let place = known[Int(below)].updated(by: layer.places[Int(above)])
            let position = positions[place] ?? UInt32(known.count)
            if position == known.count {
                known.append(place)
                positions[place] = position
            }
            pairs[pair] = position
            return position
        }
        places = known
    }

    /// - Parameter places: the first is unknown; no two are equal.
    init(places: [Place], ranges: RangeMap) {
        self.places = places
        self.ranges = ranges
    }
}
