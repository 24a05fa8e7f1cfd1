package import ConfigurationLoading
package import NIOSSL
package import TrafficModel

/// Reads the files of certificates as the TLS library does, and says in one line what is wrong with them. Not on an event
/// loop.
package enum CertificateFiles {
    package struct Unusable: Error, CustomStringConvertible {
        package let wrong: String
        package let advice: String

        package var description: String { "\(wrong); \(advice)" }
    }

    /// For a loader: what loads can be used.
    package static let judge = CertificateJudge { certificate in
        verdict { () throws(Unusable) in _ = try server(certificate) }
    } authorities: { path in
        verdict { () throws(Unusable) in _ = try authorities(path) }
    }

    private static func verdict(_ read: () throws(Unusable) -> Void) -> CertificateJudge.Verdict? {
        do throws(Unusable) {
            try read()
            return nil
        } catch {
            return (error.wrong, error.advice)
        }
    }

    /// Settings of a server that shows this certificate.
    package static func server(_ certificate: Certificate) throws(Unusable) -> TLSConfiguration {
        let chain = try certificates(certificate.chainPath)
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(file: certificate.keyPath, format: .pem)
        } catch {
            throw Unusable(
                wrong: "the private key in \"\(certificate.keyPath)\" cannot be read", advice: "copy the file again")
        }
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw Unusable(
                wrong: "the private key in \"\(certificate.keyPath)\" does not belong to the first certificate in "
                    + "\"\(certificate.chainPath)\"", advice: "put both files of one certificate there")
        }
        return configuration
    }

    /// Those whom to believe.
    package static func authorities(_ path: String) throws(Unusable) -> [NIOSSLCertificate] { try certificates(path) }

    private static func certificates(_ path: String) throws(Unusable) -> [NIOSSLCertificate] {
        do {
            let certificates = try NIOSSLCertificate.fromPEMFile(path)
            guard !certificates.isEmpty else {
                throw Unusable(wrong: "\"\(path)\" holds no certificate", advice: "name a PEM file with one")
            }
            return certificates
        } catch let error as Unusable {
            throw error
        } catch {
            throw Unusable(wrong: "a certificate in \"\(path)\" cannot be read", advice: "copy the file again")
        }
    }
}
