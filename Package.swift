// swift-tools-version: 6.3
import PackageDescription

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .treatWarning("DeprecatedDeclaration", as: .warning),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")

let package = Package(
    name: "meridian",
    products: [.executable(name: "meridian", targets: ["meridian"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Lowest first; a target depends only on targets above it. docs/architecture.md says what each one knows.
        .target(name: "CLinux"),
        .target(name: "FlatTables", dependencies: ["CLinux"], swiftSettings: house),
        .target(name: "Addresses", swiftSettings: house),
        .target(name: "DNSWire", dependencies: ["Addresses"], swiftSettings: house),
        .target(name: "HTTPWire", dependencies: [nioCore], swiftSettings: house),
        .target(name: "TLSWire", swiftSettings: house),
        .target(name: "PeerIdentity", dependencies: ["Addresses", "TLSWire", nioCore, nioSSL], swiftSettings: house),
        .target(name: "HTTP2Wire", swiftSettings: house),
        .target(name: "Geography", dependencies: ["Addresses", "FlatTables"], swiftSettings: house),
        .target(name: "TrafficModel", dependencies: ["Addresses", "DNSWire"], swiftSettings: house),
        .target(name: "Maintenance", dependencies: ["TrafficModel"], swiftSettings: house),
        .target(name: "Telemetry", dependencies: ["Addresses", "CLinux", logging], swiftSettings: house),
        .target(
            name: "Steering", dependencies: ["Addresses", "DNSWire", "FlatTables", "Geography", "TrafficModel"],
            swiftSettings: house),
        .target(name: "Balancing", dependencies: ["Addresses", "TrafficModel"], swiftSettings: house),
        .target(
            name: "Authority", dependencies: ["Addresses", "DNSWire", "FlatTables", "Steering", "TrafficModel"],
            swiftSettings: house),
        .target(
            name: "ConfigurationLoading",
            dependencies: [
                "Addresses", "DNSWire", "Geography", "HTTPWire", "Maintenance", "TrafficModel",
                .product(name: "Yams", package: "Yams"),
            ], path: "Sources/Configuration", swiftSettings: house),
        .target(
            name: "HealthMonitoring",
            dependencies: [
                "Addresses", "HTTP2Wire", "HTTPWire", "PeerIdentity", "TrafficModel", nioCore, nioPosix, nioSSL,
                nioTLS, logging,
            ],
            swiftSettings: house),
        .target(
            name: "DNSService",
            dependencies: [
                "Addresses", "Authority", "CLinux", "DNSWire", "FlatTables", "Telemetry", "TrafficModel", nioCore,
                nioPosix, logging,
            ],
            swiftSettings: house),
        .target(
            name: "Sockets", dependencies: ["Addresses", "CLinux", "Telemetry", deque, heap, nioCore],
            swiftSettings: house),
        .target(
            name: "ProxyService",
            dependencies: [
                "Addresses", "Balancing", "CLinux", "HTTP2Wire", "HTTPWire", "PeerIdentity", "Sockets", "TLSWire",
                "Telemetry", "TrafficModel", nioCore, nioSSL, nioTLS, logging,
            ], swiftSettings: house),
        .target(
            name: "StateStore", dependencies: ["TrafficModel", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: house),
        .target(
            name: "ControlPlane",
            dependencies: [
                "Addresses", "Authority", "Balancing", "CLinux", "ConfigurationLoading", "DNSService", "DNSWire",
                "Geography", "HealthMonitoring", "Maintenance", "ProxyService", "Sockets", "StateStore", "Steering",
                "Telemetry",
                "TrafficModel", deque, nioCore, nioPosix, nioSSL, lifecycle, logging,
            ], swiftSettings: house),
        .target(
            name: "Dashboard",
            dependencies: [
                "ControlPlane", "TrafficModel",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Mustache", package: "swift-mustache"),
                httpTypes, lifecycle, logging, nioCore,
            ], resources: [.embedInCode("Assets")], swiftSettings: house),
        .target(
            name: "AdminAPI",
            dependencies: [
                "Addresses", "ControlPlane", "Dashboard", "Maintenance", "PeerIdentity", "ProxyService", "StateStore",
                "TLSWire", "Telemetry", "TrafficModel",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                httpTypes, lifecycle, logging, nioCore, nioHTTPTypes, nioPosix, nioSSL, nioTLS,
            ], swiftSettings: house),
        .target(
            name: "Demo",
            dependencies: [
                "Addresses", "ConfigurationLoading", "ControlPlane", "DNSWire", "Geography", "TrafficModel", nioCore,
                nioPosix, nioHTTP1, signals, logging,
            ], swiftSettings: house),
        .executableTarget(
            name: "meridian",
            dependencies: [
                "AdminAPI", "ConfigurationLoading", "ControlPlane", "Demo", "Maintenance", "Telemetry", "TrafficModel",
                .product(name: "ArgumentParser", package: "swift-argument-parser"), lifecycle, logging,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: house),

        // What tests of several targets use.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: house),
        .testTarget(name: "AddressesTests", dependencies: ["Addresses"], swiftSettings: house),
        .testTarget(
            name: "GeographyTests", dependencies: ["Addresses", "Geography", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "ConfigurationTests",
            dependencies: ["Addresses", "ConfigurationLoading", "DNSWire", "Geography", "TestSupport", "TrafficModel"],
            swiftSettings: house),
        .testTarget(name: "TrafficModelTests", dependencies: ["Addresses", "TrafficModel"], swiftSettings: house),
        .testTarget(
            name: "BalancingTests", dependencies: ["Addresses", "Balancing", "TrafficModel"], swiftSettings: house),
        .testTarget(
            name: "AuthorityTests",
            dependencies: [
                "Addresses", "Authority", "DNSWire", "FlatTables", "Geography", "Steering", "TestSupport",
                "TrafficModel",
            ],
            swiftSettings: house),
        // Other products' methods in Meridian's words: each row of docs/steering.md over the code that answers queries.
        .testTarget(
            name: "MethodTests",
            dependencies: [
                "Addresses", "Authority", "ConfigurationLoading", "DNSWire", "Geography", "Steering", "TrafficModel",
            ], swiftSettings: house),
        .testTarget(
            name: "DNSServiceTests",
            dependencies: [
                "Addresses", "Authority", "CLinux", "DNSService", "DNSWire", "Geography", "Steering", "Telemetry",
                "TestSupport",
                "TrafficModel", nioCore, nioEmbedded, nioPosix, logging,
            ], swiftSettings: house),
        .testTarget(
            name: "SocketsTests",
            dependencies: ["Addresses", "Sockets", "TestSupport", nioCore, nioEmbedded, nioHTTP1, nioPosix, nioSSL],
            swiftSettings: house),
        // Counts heap allocations; only a release build says anything, so `make test` runs it as a program.
        .target(name: "MallocCounter", path: "Tests/MallocCounter"),
        .executableTarget(
            name: "AllocationBudget",
            dependencies: [
                "Addresses", "Authority", "Balancing", "DNSWire", "Geography", "MallocCounter", "ProxyService",
                "Sockets", "Steering", "Telemetry", "TrafficModel", nioCore, nioPosix, logging,
            ], path: "Tests/AllocationBudget", swiftSettings: house),
        // Times decisions and geography of a city database's size: `make bench-steering`.
        .executableTarget(
            name: "SteeringBenchmark",
            dependencies: ["Addresses", "Authority", "DNSWire", "Geography", "Steering", "TrafficModel"],
            path: "Tests/SteeringBenchmark", swiftSettings: house),
        .testTarget(name: "DNSWireTests", dependencies: ["Addresses", "DNSWire", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "ProxyServiceTests",
            dependencies: [
                "Addresses", "Balancing", "HTTPWire", "ProxyService", "Sockets", "TLSWire", "Telemetry", "TestSupport",
                "TrafficModel",
                nioCore,
                nioPosix, nioEmbedded, nioHPACK, nioHTTP2, nioSSL, logging,
            ], swiftSettings: house),
        .testTarget(name: "PeerIdentityTests", dependencies: ["PeerIdentity"], swiftSettings: house),
        .testTarget(
            name: "HTTPWireTests", dependencies: ["HTTPWire", "TestSupport", nioCore, nioEmbedded, nioHTTP1],
            swiftSettings: house),
        .testTarget(
            name: "HTTP2WireTests", dependencies: ["HTTP2Wire", nioCore, nioEmbedded, nioHPACK, nioHTTP2],
            swiftSettings: house),
        .testTarget(
            name: "HealthMonitoringTests",
            dependencies: [
                "Addresses", "HTTP2Wire", "HTTPWire", "HealthMonitoring", "TestSupport", "TrafficModel", nioCore,
                nioPosix, nioSSL,
                nioTLS, logging,
            ],
            swiftSettings: house),
        .testTarget(
            name: "SteeringTests",
            dependencies: ["Addresses", "DNSWire", "Geography", "Steering", "TestSupport", "TrafficModel"],
            swiftSettings: house),
        .testTarget(
            name: "DemoTests",
            dependencies: [
                "Addresses", "ConfigurationLoading", "ControlPlane", "DNSWire", "Demo", "Geography", "TrafficModel",
                nioCore,
                nioPosix,
            ],
            swiftSettings: house),
        .testTarget(
            name: "MaintenanceTests", dependencies: ["Maintenance", "TrafficModel"], swiftSettings: house),
        .testTarget(
            name: "ControlPlaneTests",
            dependencies: [
                "Addresses", "ConfigurationLoading", "ControlPlane", "DNSWire", "Geography", "Maintenance",
                "StateStore",
                "Steering", "TestSupport", "TrafficModel", logging,
            ], swiftSettings: house),
        .testTarget(
            name: "AdminAPITests",
            dependencies: [
                "Addresses", "AdminAPI", "ConfigurationLoading", "ControlPlane", "StateStore", "TestSupport",
                "TrafficModel",
                httpTypes,
                lifecycle, logging, nioCore, nioEmbedded, nioHTTPTypes, nioPosix,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
            ], swiftSettings: house),
        .testTarget(
            name: "DashboardTests",
            dependencies: [
                "ControlPlane", "Dashboard", "TrafficModel", .product(name: "Mustache", package: "swift-mustache"),
            ], swiftSettings: house),
        .testTarget(
            name: "StateStoreTests",
            dependencies: ["StateStore", "TrafficModel"],
            swiftSettings: house),
        .testTarget(name: "TelemetryTests", dependencies: ["Addresses", "Telemetry", logging], swiftSettings: house),
        .testTarget(
            name: "MeridianTests",
            dependencies: ["ConfigurationLoading", "ControlPlane", "Demo", "meridian", logging], swiftSettings: house),
        .testTarget(
            name: "ScenarioTests", dependencies: ["meridian"], exclude: ["varnishtest"], swiftSettings: house),
    ]
)
