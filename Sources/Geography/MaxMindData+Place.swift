extension MaxMindData {
    /// The place of a record in the common layouts: MaxMind's GeoIP2 and GeoLite2 with their maps, and the flat one
    /// that IPinfo uses. What a record does not have, or has in another type, is unknown.
    ///
    /// - Parameter total: how many values may be looked at in this and all later records.
    func place(at offset: Int, total: inout Int) throws(GeographyFault) -> Place {
        let allowed = min(Self.valueLimit, total)
        var budget = allowed
        defer { total -= allowed - budget }
        let top = try members(
            [
                "country", "registered_country", "continent", "subdivisions", "city", "location",
                "autonomous_system_number", "country_code", "continent_code", "asn", "traits", "isp",
            ], of: value(at: offset), &budget)

        var place = Place()
        for candidate in [top[0], top[7], top[1]] where place.country == nil && place.continent == nil {
            guard let code = try code(candidate, "iso_code", &budget) else { continue }
            let known = Countries.place(forCode: code)
            place.country = known.country
            place.continent = known.continent
        }
        for candidate in [top[8], top[2]] {
            if let code = try code(candidate, "code", &budget), Countries.continents.contains(code) {
                place.continent = code
            }
        }
        if let offset = top[3], let first = firstElement(of: try value(at: offset)) {
            if let code = try member("iso_code", at: first, &budget) { place.subdivision = string(code) }
        }
        if let offset = top[4], let names = try member("names", at: offset, &budget),
            let english = try members(["en"], of: names, &budget)[0]
        {
            place.city = string(try value(at: english))
        }
        place.coordinates = try coordinates(at: top[5], &budget)
        place.asn = try asn(top[6])
        if place.asn == nil { place.asn = try asn(top[9]) }
        if place.asn == nil, let traits = top[10] {
            let nested = try members(["autonomous_system_number"], of: value(at: traits), &budget)
            place.asn = try asn(nested[0])
        }
        if let offset = top[11] { place.isp = string(try value(at: offset)) }
        if place.isp == nil, let traits = top[10], let nested = try member("isp", at: traits, &budget) {
            place.isp = string(nested)
        }
        return place
    }

    private func member(_ name: StaticString, at offset: Int, _ budget: inout Int) throws(GeographyFault) -> Value? {
        guard let at = try members([name], of: value(at: offset), &budget)[0] else { return nil }
        return try value(at: at)
    }

    /// Two letters, upper case, from a string or from a member of a map.
    private func code(_ offset: Int?, _ name: StaticString, _ budget: inout Int) throws(GeographyFault) -> String? {
        guard let offset else { return nil }
        var found = try value(at: offset)
        if found.kind == .map {
            guard let inner = try member(name, at: offset, &budget) else { return nil }
            found = inner
        }
        guard let text = string(found), text.utf8.count == 2 else { return nil }
        let code = text.uppercased()
        guard code.utf8.allSatisfy({ (65...90).contains($0) || (48...57).contains($0) }) else { return nil }
        return code
    }

    private func coordinates(at offset: Int?, _ budget: inout Int) throws(GeographyFault) -> Place.Coordinates? {
        guard let offset else { return nil }
        let parts = try members(["latitude", "longitude"], of: value(at: offset), &budget)
        guard let first = parts[0], let second = parts[1], let latitude = try floating(value(at: first)),
            let longitude = try floating(value(at: second)), (-90...90).contains(latitude),
            (-180...180).contains(longitude)
        else { return nil }
        return Place.Coordinates(latitude: latitude, longitude: longitude)
    }

    /// A number, or a string such as `AS64496`.
    private func asn(_ offset: Int?) throws(GeographyFault) -> UInt32? {
        guard let offset else { return nil }
        let value = try value(at: offset)
        if let number = try unsigned(value) { return UInt32(exactly: number) }
        guard let text = string(value) else { return nil }
        return UInt32(text.hasPrefix("AS") ? text.dropFirst(2) : text[...])
    }
}
