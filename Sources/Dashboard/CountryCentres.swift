import TrafficModel

/// About where the people of each country are: the end of its line on the map. Whole degrees are good enough for a
/// map a hand wide.
enum CountryCentres {
    static func location(of country: String) -> Location? { places[country] }

    private static let places: [String: Location] = {
        var result: [String: Location] = [:]
        let words = table.split(whereSeparator: \.isWhitespace)
        for start in stride(from: 0, to: words.count - 2, by: 3) {
            guard let latitude = Double(words[start + 1]), let longitude = Double(words[start + 2]) else { continue }
            result[String(words[start])] = Location(latitude: latitude, longitude: longitude)
        }
        return result
    }()

    private static let table = """
        AD 42 2 AE 25 55 AF 34 67 AG 17 -62 AI 18 -63 AL 41 20 AM 40 45 AO -11 15 AR -34 -62 AS -14 -171 AT 48 15
        AU -33 147 AW 12 -70 AX 60 20 AZ 40 48 BA 44 18 BB 13 -60 BD 24 90 BE 51 4 BF 12 -2 BG 43 25 BH 26 51
        BI -3 30 BJ 7 2 BL 18 -63 BM 32 -65 BN 5 115 BO -17 -66 BQ 12 -68 BR -20 -46 BS 25 -77 BT 27 90 BW -24 26
        BY 53 28 BZ 17 -88 CA 46 -79 CC -12 97 CD -4 20 CF 5 19 CG -3 15 CH 47 8 CI 6 -5 CK -21 -160 CL -34 -71
        CM 5 11 CN 33 113 CO 5 -74 CR 10 -84 CU 22 -80 CV 15 -24 CW 12 -69 CX -10 106 CY 35 33 CZ 50 15 DE 51 10
        DJ 12 43 DK 56 11 DM 15 -61 DO 19 -70 DZ 36 3 EC -1 -79 EE 59 26 EG 30 31 EH 25 -13 ER 15 39 ES 40 -4
        ET 9 39 FI 61 25 FJ -18 178 FK -52 -59 FM 7 158 FO 62 -7 FR 47 2 GA 0 10 GB 52 -1 GD 12 -62 GE 42 44
        GF 5 -53 GG 49 -3 GH 6 -1 GI 36 -5 GL 64 -51 GM 13 -16 GN 10 -12 GP 16 -61 GQ 2 10 GR 38 23 GT 15 -91
        GU 13 145 GW 12 -15 GY 6 -58 HK 22 114 HN 15 -87 HR 45 16 HT 19 -72 HU 47 19 ID -6 108 IE 53 -7 IL 32 35
        IM 54 -4 IN 22 78 IO -7 72 IQ 33 44 IR 35 51 IS 64 -21 IT 43 12 JE 49 -2 JM 18 -77 JO 32 36 JP 35 138
        KE -1 37 KG 42 74 KH 12 105 KI 1 173 KM -12 43 KN 17 -63 KP 39 126 KR 37 127 KW 29 48 KY 19 -81 KZ 46 72
        LA 18 103 LB 34 36 LC 14 -61 LI 47 10 LK 7 80 LR 6 -10 LS -29 28 LT 55 24 LU 50 6 LV 57 24 LY 32 14
        MA 33 -7 MC 44 7 MD 47 29 ME 42 19 MF 18 -63 MG -19 47 MH 7 171 MK 42 21 ML 13 -8 MM 19 96 MN 48 107
        MO 22 113 MP 15 146 MQ 15 -61 MR 18 -16 MS 17 -62 MT 36 14 MU -20 58 MV 4 73 MW -14 34 MX 20 -100 MY 3 102
        MZ -18 36 NA -22 17 NC -22 166 NE 14 5 NF -29 168 NG 8 7 NI 12 -86 NL 52 5 NO 60 10 NP 28 85 NR -1 167
        NU -19 -170 NZ -38 176 OM 23 58 PA 9 -80 PE -11 -76 PF -18 -149 PG -7 146 PH 14 121 PK 31 72 PL 52 20
        PM 47 -56 PN -25 -130 PR 18 -66 PS 32 35 PT 40 -8 PW 7 134 PY -25 -57 QA 25 51 RE -21 56 RO 45 26 RS 44 21
        RU 56 40 RW -2 30 SA 24 45 SB -9 160 SC -5 55 SD 15 32 SE 59 16 SG 1 104 SH -16 -6 SI 46 15 SJ 78 16
        SK 49 19 SL 8 -12 SM 44 12 SN 15 -16 SO 3 45 SR 5 -55 SS 5 31 ST 0 7 SV 14 -89 SX 18 -63 SY 35 38
        SZ -26 31 TC 22 -72 TD 12 16 TG 7 1 TH 14 101 TJ 38 69 TK -9 -172 TL -9 126 TM 38 58 TN 36 10 TO -21 -175
        TR 40 32 TT 11 -61 TV -8 179 TW 24 121 TZ -5 36 UA 49 31 UG 1 33 UM 19 -167 US 39 -92 UY -34 -56 UZ 41 67
        VA 42 12 VC 13 -61 VE 10 -67 VG 18 -64 VI 18 -65 VN 16 107 VU -17 168 WF -13 -176 WS -14 -172 XK 43 21
        YE 15 45 YT -13 45 ZA -28 28 ZM -14 28 ZW -19 30
        """
}
