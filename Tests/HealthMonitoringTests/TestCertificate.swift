import NIOSSL

/// A self-signed certificate for `health.test`, for tests only.
func testServerContext() throws -> NIOSSLContext {
    let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBmzCCAUGgAwIBAgIUeRuOh7052ZTcOxCrsnBHhQ1ctFkwCgYIKoZIzj0EAwIw
        FjEUMBIGA1UEAwwLaGVhbHRoLnRlc3QwIBcNMjYxMTIzMTEyODI0WhgPMjEyNjEw
        MzAxMTI4MjRaMBYxFDASBgNVBAMMC2hlYWx0aC50ZXN0MFkwEwYHKoZIzj0CAQYI
        KoZIzj0DAQcDQgAEXcujc/kN2wf03AJ/Kv/CKaESNvEBRa+msWcWbfCU55AiPvR1
        LiTVWln2Rxg0R3aEFFTPtbI53nLx47jLtR8rZqNrMGkwHQYDVR0OBBYEFD4Yd6Ux
        nelOYtHxqBpu+HkP4uLYMB8GA1UdIwQYMBaAFD4Yd6UxnelOYtHxqBpu+HkP4uLY
        MA8GA1UdEwEB/wQFMAMBAf8wFgYDVR0RBA8wDYILaGVhbHRoLnRlc3QwCgYIKoZI
        zj0EAwIDSAAwRQIgBowFGrFIVEVFevwqS4nDS2FDGdJqdM88qNjJj6DQhDECIQCc
        IcmHS4ZzZKFDD3hPTaz885eUML9GVecgn9z6LCRjDQ==
        -----END CERTIFICATE-----
        """
    let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwPsMOh69XajxDWUi
        ChHj++3qEcjFlCSNo0creGQqMNehRANCAARdy6Nz+Q3bB/TcAn8q/8IpoRI28QFF
        r6axZxZt8JTnkCI+9HUuJNVaWfZHGDRHdoQUVM+1sjnecvHjuMu1Hytm
        -----END PRIVATE KEY-----
        """
    return try NIOSSLContext(
        configuration: .makeServerConfiguration(
            certificateChain: [.certificate(NIOSSLCertificate(bytes: Array(certificate.utf8), format: .pem))],
            privateKey: .privateKey(NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))))
}
