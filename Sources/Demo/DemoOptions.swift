/// What the command line of the demo chooses.
package struct DemoOptions: Sendable {
    /// Plays the tour unattended instead of waiting for keys.
    package var tour = false
    /// Plain lines instead of the full-screen view, also on a terminal.
    package var plain = false
    /// Where DNS is served on 127.0.0.1 and ::1.
    package var dnsPort: UInt16 = 5300
    /// The port of every VIP.
    package var httpPort: UInt16 = 8080
    /// The port of every member.
    package var memberPort: UInt16 = 9000
    /// `nil`: none.
    package var dashboard: DemoDashboard?
    /// Country data as Debian's tor-geoipdb installs it.
    package var geoIPv4Path = "/usr/share/tor/geoip"
    package var geoIPv6Path = "/usr/share/tor/geoip6"

    package init() {}
}
