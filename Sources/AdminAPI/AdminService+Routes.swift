import ControlPlane
import Dashboard
import HTTPTypes
import Hummingbird
import TrafficModel

extension AdminService {
    /// All operations, in the order in which the document lists them.
    static func routes(
        _ node: Node, _ access: AdminAccess?, _ metrics: MetricsEndpoint, _ status: SharedAnswer, _ gates: WorkGates
    ) -> [AdminRoute] {
        statusRoutes(node, status, gates) + resourceRoutes(node) + explainRoutes(node) + overrideRoutes(node)
            + windowRoutes(node)
            + shiftRoutes(node) + configurationRoutes(node) + sessionRoutes(access) + metricsRoutes(metrics)
    }

    private static func metricsRoutes(_ metrics: MetricsEndpoint) -> [AdminRoute] {
        [
            AdminRoute(
                .get, "/metrics", view, "Metrics, for Prometheus.", contentType: "text/plain"
            ) { request, _ in try await metrics.respond(to: request) }
        ]
    }

    /// The dashboard's pages, and what those ask for.
    static func pageRoutes(_ dashboard: Dashboard) -> [AdminRoute] {
        dashboard.routes.map { page in
            let access: AdminRoute.Access =
                switch page.audience {
                case .everyone: .everyone
                case .reader: .page
                case .page: .role(.view)
                }
            var route = AdminRoute(
                .get, page.path, access, "", query: nil, work: page.isExplanation ? .explanation : .light
            ) {
                try await page.handler($0, $1.parameters)
            }
            route.isDocumented = false
            return route
        }
    }

    private static let view = AdminRoute.Access.role(.view)
    private static let operate = AdminRoute.Access.role(.operate)

    private static func statusRoutes(_ node: Node, _ status: SharedAnswer, _ gates: WorkGates) -> [AdminRoute] {
        [
            AdminRoute(
                .get, "/v1/status", view, "What the node serves and how it fares.", answer: NodeStatus.self
            ) { _, _ in
                Response(
                    status: .ok, headers: [.contentType: "application/json"],
                    body: .init(byteBuffer: try await status.value()))
            },
            AdminRoute(
                .get, "/v1/sla", view, "How wide IPs and pools keep to their objectives.",
                query: [.init("name", "One wide IP or pool.")], answer: ServiceLevelList.self, work: .view
            ) { request, _ in try await serviceLevels(request, node: node) },
            AdminRoute(
                .get, "/v1/events", view,
                "What happened: a stream of server-sent events, or a list with `Accept: application/json`.",
                query: [
                    .init("since", "The number of an event: those after it.", .number(0...Int.max)),
                    .init("limit", "How many a list has.", .number(eventCounts)),
                    .init(
                        "kind", "Kinds of events, separated by commas.",
                        .words(NodeEvent.Kind.allCases.map(\.rawValue))),
                    .init(
                        "subject", "Kinds of subjects, separated by commas.",
                        .words(EventSubject.allCases.map(\.rawValue))),
                    .init("name", "The subject's name; `*` and `?` stand for any text and any character."),
                ], answer: EventList.self, contentType: "text/event-stream"
            ) { request, context in try await events(request, context, node: node, gates) },
            AdminRoute(
                .get, "/v1/audit", view, "Who changed what, newest first.",
                query: [.init("last", "How many; 100 if absent.", .number(auditCounts))], answer: [AuditEntry].self,
                work: .view
            ) { request, _ in try await audit(request, node: node) },
        ]
    }

    private static func explainRoutes(_ node: Node) -> [AdminRoute] {
        [
            AdminRoute(
                .get, "/v1/explain", view, "Why a client gets what it gets for a name.",
                query: [
                    .init("name", "The name that is asked for.", isRequired: true), .init("type", "`A` if absent."),
                    .init("client", "The client's address or network."), .init("resolver", "The resolver's address."),
                    .init("sequence", "Which query of the worker it is.", .number(0...Int.max)),
                ], answer: Explanation.self, work: .explanation
            ) { request, _ in try await explain(request, node: node) },
            AdminRoute(
                .get, "/v1/explain/http", view, "Where a request would go.",
                query: [
                    .init("url", "What is asked for.", isRequired: true), .init("method", "`GET` if absent."),
                    .init("client", "The client's address.", isRequired: true),
                    .init("listener", "Where it comes in; absent: where the URL says."),
                    .init("header", "A field, as `name: value`.", isRepeated: true),
                ], answer: HTTPExplanation.self, work: .explanation
            ) { request, _ in try await explainRequest(query: request, node: node) },
            AdminRoute(
                .post, "/v1/explain/http", view, "Where a request would go, with the question in the body.",
                body: HTTPQuestion.self, answer: HTTPExplanation.self, work: .explanation
            ) { request, _ in try await explainRequest(body: request, node: node) },
        ]
    }

    private static func overrideRoutes(_ node: Node) -> [AdminRoute] {
        [
            AdminRoute(
                .get, "/v1/overrides", view, "Overrides in force, those of windows too.",
                answer: [NodeStatus.Override].self
            ) { _, _ in try json(await node.view().overrideStatus) },
            AdminRoute(
                .put, "/v1/overrides/{kind}", operate, "Set an override.", query: [AdminRoute.dryRun],
                body: OverrideRequest.self,
                status: .noContent
            ) { try await setOverride($0, $1, node: node) },
            AdminRoute(
                .delete, "/v1/overrides/{kind}", operate,
                "Take back what was set for a name, and tell what holds for it all the same.",
                query: [AdminRoute.dryRun], body: OverrideClearing.self, answer: ClearedOverride.self
            ) { try await clearOverride($0, $1, node: node) },
            AdminRoute(
                .post, "/v1/virtual-servers/{name}/resume", operate,
                "Let a virtual server be used again that waits for an operator.", status: .noContent
            ) { _, context in try await resume(context, node: node) },
        ]
    }

    private static func windowRoutes(_ node: Node) -> [AdminRoute] {
        [
            AdminRoute(
                .get, "/v1/windows", view, "Maintenance windows.", answer: [NodeStatus.Window].self
            ) { _, _ in try json(await node.windowStatus) },
            AdminRoute(
                .put, "/v1/windows/{name}", operate, "Plan a window.", query: [AdminRoute.dryRun],
                body: WindowRequest.self,
                status: .noContent
            ) { try await addWindow($0, $1, node: node) },
            AdminRoute(
                .delete, "/v1/windows/{name}", operate, "Cancel a window, or the next run of a configured one.",
                query: [AdminRoute.dryRun], answer: CancelledRun.self
            ) { try await cancelWindow($1, node: node) },
        ]
    }

    private static func shiftRoutes(_ node: Node) -> [AdminRoute] {
        [
            AdminRoute(
                .get, "/v1/shifts", view, "Shifts that are under way or have arrived.",
                answer: [NodeStatus.Shift].self
            ) { _, _ in try json(await node.view().shiftStatus) },
            AdminRoute(
                .post, "/v1/shifts", operate, "Start to move a share of the clients.", query: [AdminRoute.dryRun],
                body: ShiftRequest.self, status: .created, answer: ShiftOutcome.self
            ) { try await startShift($0, $1, node: node) },
            AdminRoute(
                .delete, "/v1/shifts/{id}", operate, "Let a shift go back as it came.", query: [AdminRoute.dryRun],
                answer: ShiftOutcome.self
            ) { try await cancelShift($1, node: node) },
        ]
    }

    private static func configurationRoutes(_ node: Node) -> [AdminRoute] {
        var reload = AdminRoute(
            .post, "/v1/reload", .role(.admin), "Read the configuration again.", query: [AdminRoute.dryRun],
            answer: ReloadOutcome.self
        ) { _, context in
            let outcome = try await node.reload(by: await context.author())
            guard outcome.applied else { throw ReloadRefusal(outcome) }
            return try json(outcome)
        }
        reload.refusedAnswer = ReloadRefusal.self
        return [reload]
    }
}
