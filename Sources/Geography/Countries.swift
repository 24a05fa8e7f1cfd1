/// The country codes of ISO 3166-1 and the continent of each, for sources that know only the country.
///
/// Continents are GeoNames', as in the common geolocation databases: all of Russia is in Europe, Turkey and the
/// Caucasus are in Asia, Central America and the Caribbean are in North America.
package enum Countries {
    /// The two-letter codes of the continents.
    package static let continents = ["AF", "AN", "AS", "EU", "NA", "OC", "SA"]

    /// The assigned codes and XK (Kosovo), in alphabetical order.
    package static let codes: [String] = assigned.flatMap(\.codes).sorted()

    /// The continent of a country, `nil` for a code that is not a country's.
    package static func continent(of country: String) -> String? { continentByCode[country] }

    /// What a code of a source means: codes that are no country's lose the country and may keep the continent, and
    /// retired codes are kept as they are. A code that this table does not know may be a new country's, and is kept.
    static func place(forCode code: String) -> Place {
        if let known = special[code] { return Place(country: known.country, continent: known.continent) }
        return Place(country: code, continent: continentByCode[code])
    }

    private static let assigned: [(continent: String, codes: [String])] = [
        (
            "AF",
            words(
                "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU",
                "MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW")
        ),
        ("AN", words("AQ BV GS HM TF")),
        (
            "AS",
            words(
                "AE AF AM AZ BD BH BN BT CC CN GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV",
                "MY NP OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE")
        ),
        (
            "EU",
            words(
                "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV",
                "MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK")
        ),
        (
            "NA",
            words(
                "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR",
                "SV SX TC TT US VC VG VI")
        ),
        (
            "OC",
            words("AS AU CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS")
        ),
        ("SA", words("AR BO BR CL CO EC FK GF GY PE PY SR UY VE")),
    ]

    private static let continentByCode: [String: String] = {
        var result: [String: String] = [:]
        for (continent, codes) in assigned {
            for code in codes { result[code] = continent }
        }
        return result
    }()

    /// Codes that sources use and ISO 3166-1 does not assign.
    private static let special: [String: (country: String?, continent: String?)] = [
        // A continent's worth of addresses whose country the source does not say.
        "AP": (nil, "AS"), "EU": (nil, "EU"),
        // Anonymous proxies, satellite providers, "other", Tor, anycast, international organisations, unknown.
        "A1": (nil, nil), "A2": (nil, nil), "A3": (nil, nil), "O1": (nil, nil), "T1": (nil, nil), "UN": (nil, nil),
        "XD": (nil, nil), "XX": (nil, nil), "ZZ": (nil, nil),
        // Exceptionally reserved.
        "UK": ("GB", "EU"), "AC": ("AC", "AF"), "CP": ("CP", "NA"), "DG": ("DG", "AS"), "EA": ("EA", "AF"),
        "IC": ("IC", "AF"), "TA": ("TA", "AF"),
        // Retired, and still found in registries' data.
        "AN": ("AN", "NA"), "BU": ("BU", "AS"), "CS": ("CS", "EU"), "DD": ("DD", "EU"), "FX": ("FX", "EU"),
        "NT": ("NT", "AS"), "SU": ("SU", "EU"), "TP": ("TP", "OC"), "YU": ("YU", "EU"), "ZR": ("ZR", "AF"),
    ]

    private static func words(_ lines: String...) -> [String] {
        lines.flatMap { $0.split(separator: " ").map(String.init) }
    }
}
