// swift-tools-version: 6.3
import PackageDescription

// A package of its own, because everything in it is compiled for libFuzzer, with AddressSanitizer: scripts/fuzz says
// how. It has the name of the main package and compiles that one's sources (`Modules` is a link to them), so that it
// sees their package interfaces and neither builds nor fetches what they do not need. NIO is left out.

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

func module(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Modules/\(name)", exclude: exclude, swiftSettings: house)
}

let package = Package(
    name: "meridian",
    dependencies: [.package(url: "https://github.com/jpsim/Yams", from: "6.2.2")],
    targets: [
        .target(name: "CLinux", path: "Modules/CLinux"),
        module("FlatTables", ["CLinux"]),
        module("Addresses"),
        module("DNSWire", ["Addresses"]),
        module("HTTPWire", exclude: ["ByteBuffer+Heads+Unsafe.swift"]),
        module("TLSWire"),
        module("HTTP2Wire"),
        module("Geography", ["Addresses", "FlatTables"]),
        module("TrafficModel", ["Addresses", "DNSWire"]),
        module("Maintenance", ["TrafficModel"]),
        module("Steering", ["Addresses", "DNSWire", "FlatTables", "Geography", "TrafficModel"]),
        module("Authority", ["Addresses", "DNSWire", "FlatTables", "Steering", "TrafficModel"]),
        .target(
            name: "ConfigurationLoading",
            dependencies: [
                "Addresses", "DNSWire", "Geography", "HTTPWire", "Maintenance", "TrafficModel",
                .product(name: "Yams", package: "Yams"),
            ], path: "Modules/Configuration", swiftSettings: house),
        .target(name: "CFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Addresses", "Authority", "CFuzzer", "ConfigurationLoading", "DNSWire", "Geography", "HTTP2Wire",
                "HTTPWire", "Steering", "TLSWire", "TrafficModel",
            ], swiftSettings: house),
    ]
)
