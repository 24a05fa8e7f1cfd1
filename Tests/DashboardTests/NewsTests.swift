import ControlPlane
import Testing

@testable import Dashboard

@Suite("What is read out")
struct NewsTests {
    private func event(
        _ id: UInt64, _ kind: NodeEvent.Kind, _ subject: NodeEvent.Subject?, to: String? = nil, reason: String = "",
        author: String = ""
    ) -> NodeEvent {
        var event = NodeEvent(kind, subject, from: "available", to: to, reason: reason, author: author)
        event.id = id
        return event
    }

    @Test("what was there before is no news, and each event is told once")
    func once() {
        var news = News()
        let start = event(1, .start, nil)
        news.add([start])
        #expect(news.text == "")
        let drain = event(2, .overrideSet, .init("region", "eu-west"), to: "drain", reason: "new racks", author: "ann")
        news.add([start, drain])
        #expect(news.text == "Override set region eu-west drain, by ann, new racks.")
        news.add([start, drain])
        #expect(news.text == "")
        news.add([])
        #expect(news.text == "")
        var quiet = News()
        quiet.add([])
        quiet.add([event(5, .transition, .init("virtual-server", "eu-1"), to: "down")])
        #expect(quiet.text == "Virtual server eu-1 is down.", "the first event of a node that had none")
    }

    @Test("of many the changes and the widest parts are told, and the number of the rest")
    func many() {
        var news = News()
        news.add([])
        var events = (1...40).map { event(UInt64($0), .transition, .init("member", "eu/10.0.0.\($0):80"), to: "down") }
        events.append(event(41, .transition, .init("wide-ip", "api.example.com"), to: "degraded"))
        events.append(event(42, .transition, .init("region", "eu"), to: "down"))
        events += (43...47).map { event($0, .windowOpened, .init("window", "w\($0)")) }
        news.add(events)
        #expect(
            news.text
                == "Window opened window w43. Window opened window w44. Window opened window w45. 2 more changes. "
                + "Region eu is down. Wide IP api.example.com is degraded. Member eu/10.0.0.1:80 is down. 39 more turned."
        )
    }
}
