import ControlPlane
import HTTPTypes
package import Hummingbird
import Mustache
import NIOCore

/// The pages, as they are when they are opened; from then on they are kept up to date.
extension Dashboard {
    func overview() async -> Response {
        let picture = await feed.picture()
        let problems = picture.problemRows()
        var context = await frame("overview", "Overview", picture)
        context["regions"] = rows(picture.regionRows)
        context["map"] = rows(picture.mapRows)
        context["flows"] = rows(picture.flowRows)
        context["problems"] = rows(problems.rows)
        context["problemCount"] = "\(problems.count)"
        context["moreProblems"] = NodePicture.moreProblems(problems)
        context["overrides"] = rows(picture.overrideRows)
        context["shifts"] = rows(picture.shiftRows)
        context["events"] = rows(feed.events(.main, limit: 5))
        context["levels"] = rows(picture.levelRows(limit: NodePicture.fewLevels))
        context["hasRegions"] = !picture.regions.isEmpty
        context["hasMap"] = picture.regions.contains { $0.location != nil }
        context["width"] = "\(Int(WorldMap.width))"
        context["height"] = WorldMap.text(WorldMap.height)
        return render("overview", context)
    }

    func services(_ request: Request) async -> Response {
        let picture = await feed.picture()
        let query = ServiceQuery(Self.parameters(request))
        let page = ServiceTree.page(query, of: picture)
        var context = await frame("services", "Services", picture)
        context["services"] = rows(page.rows)
        context["query"] = query.text
        context["isSearch"] = query.isSearch
        context["count"] = Wording.count(page.count)
        context["page"] = "\(query.page)"
        context["pageCount"] = "\(page.pageCount)"
        context["hasPages"] = page.pageCount > 1
        context["states"] = ([nil] + Condition.allCases).map { condition -> [String: Any] in
            [
                "value": condition?.rawValue ?? "", "word": condition?.word ?? "Any state",
                "isChosen": condition == query.condition,
            ]
        }
        func link(_ number: Int) -> String? {
            guard (1...page.pageCount).contains(number) else { return nil }
            var other = query
            other.page = number
            return other.href
        }
        if let href = link(query.page - 1) { context["previous"] = href }
        if let href = link(query.page + 1) { context["next"] = href }
        return render("services", context)
    }

    func traffic() async -> Response {
        let picture = await feed.picture()
        var context = await frame("traffic", "Traffic", picture)
        context["levels"] = rows(picture.levelRows())
        return render("traffic", context)
    }

    func operations() async -> Response {
        let picture = await feed.picture()
        var context = await frame("operations", "Operations", picture)
        context["overrides"] = rows(picture.overrideRows)
        context["windows"] = rows(picture.windowRows)
        context["shifts"] = rows(picture.shiftRows)
        return render("operations", context)
    }

    func eventPage(_ request: Request) async -> Response {
        let chosen = Self.eventChoice(request)
        let picture = await feed.picture()
        var context = await frame("events", "Events", picture)
        context["events"] = rows(feed.events(chosen))
        context["choices"] = EventChoice.allCases.map { choice -> [String: Any] in
            ["value": choice.rawValue, "word": choice.word, "isChosen": choice == chosen]
        }
        return render("events", context)
    }

    func login() -> Response {
        render("login", ["assets": "/assets/\(assets.version)", "pattern": Row.pattern.context])
    }

    /// For browsers that ask for a page that there is not.
    package func missing(_ request: Request) async -> Response {
        var context = await frame("missing", "No such page", await feed.picture())
        context["path"] = String(request.uri.path.prefix(256))
        return render("missing", context, status: .notFound)
    }

    /// What all pages have.
    func frame(_ topic: String, _ title: String, _ picture: NodePicture) async -> [String: Any] {
        let texts = picture.texts(await feed.history.recent(AnswerHistory.rateSeconds))
        let pages = [
            ("overview", "/", "Overview"), ("services", "/services", "Services"), ("traffic", "/traffic", "Traffic"),
            ("operations", "/operations", "Operations"), ("events", "/events", "Events"),
            ("explain", "/explain", "Explain"),
        ]
        return [
            "title": title, "topic": topic, "assets": "/assets/\(assets.version)", "text": texts,
            "state": picture.condition.rawValue, "icon": picture.condition.icon, "pattern": Row.pattern.context,
            "number": "\(picture.number)", "time": "\(picture.time)",
            "pages": pages.map { page -> [String: Any] in
                ["href": page.1, "word": page.2, "icon": "#n-\(page.0)", "isCurrent": page.0 == topic]
            },
        ]
    }

    func rows(_ rows: [Row]) -> [[String: Any]] { rows.map(\.context) }

    func render(_ template: String, _ context: [String: Any], status: HTTPResponse.Status = .ok) -> Response {
        let text = assets.templates.render(context, withTemplate: template) ?? ""
        return Response(status: status, headers: PageHeaders.html(), body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
