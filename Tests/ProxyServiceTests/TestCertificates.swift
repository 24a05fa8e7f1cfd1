import Glibc
import TrafficModel

/// Two self-signed certificates, for tests only: for `a.example` and `*.a.example`, and the same with b.
struct TestCertificates {
    let certificates: [Certificate]
    private let directory: String

    init() throws { try self.init([("a", Self.a, Self.aKey), ("b", Self.b, Self.bKey)]) }

    init(_ files: [(name: String, chain: String, key: String)]) throws {
        var template = Array("/tmp/proxy-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Failure() }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = self.directory
        certificates = try files.map { name, chain, key in
            let certificate = Certificate(
                name: name, chainPath: "\(directory)/\(name).crt", keyPath: "\(directory)/\(name).key")
            try Self.write(chain, certificate.chainPath)
            try Self.write(key, certificate.keyPath)
            return certificate
        }
    }

    func remove() {
        for certificate in certificates {
            _ = unsafe unlink(certificate.chainPath)
            _ = unsafe unlink(certificate.keyPath)
        }
        _ = unsafe rmdir(directory)
    }

    private struct Failure: Error {}

    private static func write(_ text: String, _ path: String) throws {
        let descriptor = unsafe creat(path, 0o600)
        guard descriptor >= 0 else { throw Failure() }
        let bytes = Array(text.utf8)
        let written = unsafe Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
        guard written == bytes.count else { throw Failure() }
    }

    private static let a = """
        -----BEGIN CERTIFICATE-----
        MIIBkjCCATigAwIBAgIUftp6EN/NiWxy6ocHRfE3ejSsxXkwCgYIKoZIzj0EAwIw
        DDEKMAgGA1UEAwwBYTAgFw0yNjExMjMxMjE1MTZaGA8yMTI2MTAzMDEyMTUxNlow
        DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLbV8zsUhBff
        ScqYfjkcq34TU6BoulnXzWDGNAPxYPKFUSBruZIov4NSRV9wfm4Mx6Nk/n865Y4U
        V+4Mrcl5HXejdjB0MB0GA1UdDgQWBBS8RIh7ztHvjYfPWB9NEDR7j/JkiDAfBgNV
        HSMEGDAWgBS8RIh7ztHvjYfPWB9NEDR7j/JkiDAPBgNVHRMBAf8EBTADAQH/MCEG
        A1UdEQQaMBiCCWEuZXhhbXBsZYILKi5hLmV4YW1wbGUwCgYIKoZIzj0EAwIDSAAw
        RQIhAMdbuUMwFYM5rnt8hug6NSwUdCSrexQRybrAMEtKSl6qAiB9qmTM4OAzbimS
        9RX081+gjAX0pbfbg4jOzIjYheaJoA==
        -----END CERTIFICATE-----
        """
    private static let aKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7cGIntjEV9PmQTNV
        9WGRXGQwP77QEfoC/6bZuUcZCiShRANCAAS21fM7FIQX30nKmH45HKt+E1OgaLpZ
        181gxjQD8WDyhVEga7mSKL+DUkVfcH5uDMejZP5/OuWOFFfuDK3JeR13
        -----END PRIVATE KEY-----
        """
    private static let b = """
        -----BEGIN CERTIFICATE-----
        MIIBkTCCATigAwIBAgIULETntd7hC5OfsOMeWCE0lBa26wIwCgYIKoZIzj0EAwIw
        DDEKMAgGA1UEAwwBYjAgFw0yNjExMjMxMjE1MTZaGA8yMTI2MTAzMDEyMTUxNlow
        DDEKMAgGA1UEAwwBYjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLmReKIP7i5W
        G6bvQuOxmrNIS1wHSc1nL2iNZa2r/FyW8zrCkJ8GLk7q+QPgWeyyXRXhjghoy8uu
        F7gmjxWzZCijdjB0MB0GA1UdDgQWBBTN/zBtZ2gSVayhOvXCCl80FdbmrDAfBgNV
        HSMEGDAWgBTN/zBtZ2gSVayhOvXCCl80FdbmrDAPBgNVHRMBAf8EBTADAQH/MCEG
        A1UdEQQaMBiCCWIuZXhhbXBsZYILKi5iLmV4YW1wbGUwCgYIKoZIzj0EAwIDRwAw
        RAIgEInNBLgBw9TCagwYvvRn9Lv87vr4r0Yrxv/VUj51H3ACIFQsRERzT9i5UL8x
        OujEP4IQTdYAkhc973j6SRttx23/
        -----END CERTIFICATE-----
        """
    private static let bKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgW8tlmQQmMlHacwFk
        zfavbUnEgP592KEEo6tIUwoRpKWhRANCAAS5kXiiD+4uVhum70LjsZqzSEtcB0nN
        Zy9ojWWtq/xclvM6wpCfBi5O6vkD4Fnssl0V4Y4IaMvLrhe4Jo8Vs2Qo
        -----END PRIVATE KEY-----
        """
}
