import TrafficModel

/// Self-signed certificates for `a.example` with keys of every kind, for tests only.
extension TestCertificates {
    /// RSA, P-384, P-521, Ed25519.
    static func ofAllKinds() throws -> TestCertificates {
        try TestCertificates([
            ("rsa", rsa, rsaKey), ("p384", p384, p384Key), ("p521", p521, p521Key), ("ed25519", ed25519, ed25519Key),
        ])
    }

    private static let rsa = """
        -----BEGIN CERTIFICATE-----
        MIIDETCCAfmgAwIBAgIUazrs5pjsxK1cIUr/hgNiPrz2knQwDQYJKoZIhvcNAQEL
        BQAwDDEKMAgGA1UEAwwBYTAgFw0yNjExMzAwMjM2NDVaGA8yMTI2MTEwNjAyMzY0
        NVowDDEKMAgGA1UEAwwBYTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEB
        AKplJJ50/5plZdXM5ySNiIQBCFM3gkNy1uBvyGNwD6gZKs+Ph7/FCNaX+Z3KABdX
        I38Y9qlu7s+yuzhXR0bIq5Ia7v0Fyf0jF7R2tWlkaA2NVyOC4IPKeoE61ukAVMZJ
        6J5gC9KgBFdMSElltt5kllFKsKFomDH1JXH0EwZpbKeHm6KcDn0llIahaW3cenwq
        4Qe2RavM49ni72n7m3zBHUHosymgeuntwiD0rznJs6O8mqcVWJpRvh3xnGZ1TwcH
        Aw/NT0RWLDCZCKFGOITTQewo8dqANcqkPPR2/IqYbOqmduXfq4KVyqLKX5PNiov1
        IzgJR5SErUMpRWLKTELVNzkCAwEAAaNpMGcwHQYDVR0OBBYEFNTuW+HvvezUiIgT
        UJ5iJ+kGB7qGMB8GA1UdIwQYMBaAFNTuW+HvvezUiIgTUJ5iJ+kGB7qGMA8GA1Ud
        EwEB/wQFMAMBAf8wFAYDVR0RBA0wC4IJYS5leGFtcGxlMA0GCSqGSIb3DQEBCwUA
        A4IBAQBQ+kuLb0Ti/uqq2TADztcMN6OmIpfdS12cFQQjEn4BUlqIY8RU547f8wLZ
        p+pbDY/VMaiE2KFpqFcjV5YM+0Buq6RMEqJHsLy8o+AYcvUG26Zb6eb3WSDq7X2Q
        JleSpLd4UWOVKH0ABRXAboxAyd7NSXotQhi7uqSALQwwAs8Ze4ywAiF+rd12rupF
        fhAPagW6wYLFMF1tjWXjInhKwmfFCPwOqguOiuICyv9dvI1M5q+vgyig0spce9Ez
        gX9PuhQ57/SywqU+7a81VAVMSg/WtTtdFinbQAt6wWvXApk6FTFbMo33OjQ4MM0W
        SyipOGJKbkgIkkiZib081aF8/oeZ
        -----END CERTIFICATE-----
        """
    private static let rsaKey = """
        -----BEGIN PRIVATE KEY-----
        MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCqZSSedP+aZWXV
        zOckjYiEAQhTN4JDctbgb8hjcA+oGSrPj4e/xQjWl/mdygAXVyN/GPapbu7Psrs4
        V0dGyKuSGu79Bcn9Ixe0drVpZGgNjVcjguCDynqBOtbpAFTGSeieYAvSoARXTEhJ
        ZbbeZJZRSrChaJgx9SVx9BMGaWynh5uinA59JZSGoWlt3Hp8KuEHtkWrzOPZ4u9p
        +5t8wR1B6LMpoHrp7cIg9K85ybOjvJqnFViaUb4d8ZxmdU8HBwMPzU9EViwwmQih
        RjiE00HsKPHagDXKpDz0dvyKmGzqpnbl36uClcqiyl+TzYqL9SM4CUeUhK1DKUVi
        ykxC1Tc5AgMBAAECggEAK5G4JtJIxzxVKTF/CuArv4EaFVk0tDVpjzLV/OMbBcMF
        qNQNBHKHu4NZnsiXdGBiIa4K6DEG3FHZwGLExWsrP60mXck8qD7wYUMXSO8VEh4J
        YXmmGdzMrT2T1Tkx9A/S7KgnbcBfy8ikFSxucXgr3XZpKqR5ghCqdfRQZwvO7hj5
        iXIiaoRHp88kfJgQJTs9PsHib9b5gH4baCaLPj4lWt3nzyZnHwz2MJkMsuZKkKZH
        SM7VOCgsVZjw3dfBDYm3RZbOXDCrpzL2iTspktEIPCazSmCu5785VlgMV4QFOkaR
        XzxgyA0QLTkBcoBZGzun6nVLk95Ws2Sl1fPWExZ4hwKBgQDsTgqDQeDs32QOQa/v
        v6m80Sdv9JrWFJtuwGLi0LbNoEn0xqQ9oOwuyDwxlUXqvROy7/D543PvH3I64N0T
        TiyxPRxeWtCt4wXftFdnTp3atUDVnfEvJMdp5og+9BdD4WIvcVdn+2454W4+OHkH
        0KHAQp2A7dQWWsZUWRWmo5UrMwKBgQC4mM6fVVmoZJFCVitDPoyrCb3cfrvp3PbX
        yhk9FC0GpYEJDvufylKPwXBnJ/LJPuKm+KOpux1xqCBWVb798jSKETujrkE/NkqT
        k76F1i1ppAOf5eD9L13Xxh5NR6vHWDRra25giCw+igZVYbA5Et12jpcL+2xscUif
        tezlQDhz4wKBgQC2aEOLMKZMkuBsdN43hk6jFxyHOlzvVjbpVg6/IPeLYOjVzyRn
        AjpunliAucafvdZf8QGmE6Kheje2JW/iAB1Vr2OfniCpqa4WEeLKNxB5DCMBAotz
        pcNdBvwzBD6VQnyFPMuI07gxa8eqtfMPSkgh3gowxOVLYETqRV4GJQ33qwKBgBe+
        oCVipyu/8+diiiIWM6X0lNV9/9HvOFk9h82RgNEwDM8LfFZrgf831KuQOeylCCaO
        KQ82IG10QOSaFv03YIa5/L/rND1bUHB3OrSgfirujADPYwduRlXxCAjMxU3ZDLUc
        lpAYNAi/XF0zOaW9xXrwkIFcD/BLChpxHk3G2vwdAoGBANLybI+jeEyQqHYLeTuo
        aVqIsQyI6UDuj7ZqX9K6V9wGcQrHCfXe2yLvqRmn6u2j/EdATLKQZH/muC8CK3R4
        k+fK0xaYPqeXkYa1K+aUHkYMi+/smCiO/iUAyWFHAJ+jq7ZGp1Ha907x2u5297t9
        9sfU7+ajpWxy8mGIzLaLWwBP
        -----END PRIVATE KEY-----
        """
    private static let p384 = """
        -----BEGIN CERTIFICATE-----
        MIIBwjCCAUigAwIBAgIUI6kUDvPIAof9Mwf1ZrJcgxKY2wwwCgYIKoZIzj0EAwIw
        DDEKMAgGA1UEAwwBYTAgFw0yNjExMzAwMjM2NDVaGA8yMTI2MTEwNjAyMzY0NVow
        DDEKMAgGA1UEAwwBYTB2MBAGByqGSM49AgEGBSuBBAAiA2IABBo4r5ydOuZs6U/r
        Vv/II//VNH2c1PFhBxszTh4kxmiV1MLf9TsP3mVolWx1TpTrrFbf2QsRGo5II0Ml
        z3dtTbluiqpgEqHirMspDiPfnkyNWSam/41dej5mOYeF6GAddKNpMGcwHQYDVR0O
        BBYEFE7XebCLoFrjAkM/6WJdEeYaL6KwMB8GA1UdIwQYMBaAFE7XebCLoFrjAkM/
        6WJdEeYaL6KwMA8GA1UdEwEB/wQFMAMBAf8wFAYDVR0RBA0wC4IJYS5leGFtcGxl
        MAoGCCqGSM49BAMCA2gAMGUCMQCuHln+pmH2UfeiMHMjzzEeXXeiStpforbzipF0
        JA5uRnpWKqHP9NEHNBxuUHCXKpACMH3a/vLrztGO6PKqtjdwsd+cV3ESs3JQyr8k
        ktxJMhx+lPNOJu+AdGaHCfPNN7ES0Q==
        -----END CERTIFICATE-----
        """
    private static let p384Key = """
        -----BEGIN PRIVATE KEY-----
        MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDIEGxXKd7hX7r9ilVE
        6lsxsBSezWJ24JMJKqTe1xLV6bTKrM2wjUg87JhJVvFNsY6hZANiAAQaOK+cnTrm
        bOlP61b/yCP/1TR9nNTxYQcbM04eJMZoldTC3/U7D95laJVsdU6U66xW39kLERqO
        SCNDJc93bU25boqqYBKh4qzLKQ4j355MjVkmpv+NXXo+ZjmHhehgHXQ=
        -----END PRIVATE KEY-----
        """
    private static let p521 = """
        -----BEGIN CERTIFICATE-----
        MIICCzCCAW6gAwIBAgIUeyQHLwRBmLZhNtPGIfaKVg2BU/QwCgYIKoZIzj0EAwIw
        DDEKMAgGA1UEAwwBYTAgFw0yNjExMzAwMjM2NDVaGA8yMTI2MTEwNjAyMzY0NVow
        DDEKMAgGA1UEAwwBYTCBmzAQBgcqhkjOPQIBBgUrgQQAIwOBhgAEAXlf0eyWlx8Q
        hM6ec7IkdabLJxQedFWrIw9MyY/nb1Yt0+KQT4LL7/8dqKE7Ab9xyQ8S88EPmKtT
        N1mUwsCOSzxbAK9yDPBKg3zjbEnopCtO4n2jftNVkXkQuwpUbN2SWci1Mi8MiHbf
        2ZXi+EZrOE6lxZL09Kd0x4yxomZY9guBRi0Fo2kwZzAdBgNVHQ4EFgQUOZ6HXp+a
        xb5Z/jVPEec2+BE2nO0wHwYDVR0jBBgwFoAUOZ6HXp+axb5Z/jVPEec2+BE2nO0w
        DwYDVR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglhLmV4YW1wbGUwCgYIKoZIzj0E
        AwIDgYoAMIGGAkFSKwVW+OCK1u86V63Z0xjH0Gsi3KDYNFgcXlo+GqZop8eLGpcJ
        FBmvVfJV0Y4b1GDjaJITflbjYSqvJ6MNLZafwwJBff8hEtF2gQoTr/oBrykYro8G
        ajUjxWFQS8Pt7y7WlufW+8HVBUa7b8IImaEeAZQkiuigvWL4dp1I3nYmTu4KJRU=
        -----END CERTIFICATE-----
        """
    private static let p521Key = """
        -----BEGIN PRIVATE KEY-----
        MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIAtz0445LHZT4RS9k7
        rSijRisPA9y9jpKlTvqZ8u3fNQVBFxi/+ImvZgNVf4douO4zc3d0oHBLxxHvw/I4
        ow3ECFShgYkDgYYABAF5X9HslpcfEITOnnOyJHWmyycUHnRVqyMPTMmP529WLdPi
        kE+Cy+//HaihOwG/cckPEvPBD5irUzdZlMLAjks8WwCvcgzwSoN842xJ6KQrTuJ9
        o37TVZF5ELsKVGzdklnItTIvDIh239mV4vhGazhOpcWS9PSndMeMsaJmWPYLgUYt
        BQ==
        -----END PRIVATE KEY-----
        """
    private static let ed25519 = """
        -----BEGIN CERTIFICATE-----
        MIIBRDCB96ADAgECAhQM5cEkzNbG5j7Kq8sPAMyrk9HzizAFBgMrZXAwDDEKMAgG
        A1UEAwwBYTAgFw0yNjExMzAwMjM2NDVaGA8yMTI2MTEwNjAyMzY0NVowDDEKMAgG
        A1UEAwwBYTAqMAUGAytlcAMhAAlA723ctaGMnWUII9nv2zzZE3R3wZF2sMWJ87AH
        9+oUo2kwZzAdBgNVHQ4EFgQU5PTWwo/1gIAbUV6jooUpgJwyZb4wHwYDVR0jBBgw
        FoAU5PTWwo/1gIAbUV6jooUpgJwyZb4wDwYDVR0TAQH/BAUwAwEB/zAUBgNVHREE
        DTALgglhLmV4YW1wbGUwBQYDK2VwA0EA31HFU5bFjr/AkYPynHXWZFhFz1plgcmA
        S+5eIgbMs/kHWqIo+TtAMKAZRDAJCiEojIM+22WngMArcsLgbA54Ag==
        -----END CERTIFICATE-----
        """
    private static let ed25519Key = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIOgqxHkgQqI9DhMizWa5AmPc3Q46l6xShXum8alglxGW
        -----END PRIVATE KEY-----
        """
}
