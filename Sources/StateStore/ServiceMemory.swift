internal import FoundationEssentials
internal import GRDB

/// What a wide IP or pool did, as the node wrote it down.
package struct ServiceMemory: Sendable, Hashable {
    package let kind: String
    package let name: String
    package let data: [UInt8]

    package init(kind: String, name: String, data: [UInt8]) {
        self.kind = kind
        self.name = name
        self.data = data
    }
}

extension StateStore {
    package func services() throws(StateStoreError) -> [ServiceMemory] {
        try reading { database in
            try Row.fetchAll(database, sql: "SELECT kind, name, data FROM service").map { row in
                let data: Data = row["data"]
                return ServiceMemory(kind: row["kind"], name: row["name"], data: Array(data))
            }
        }
    }

    /// Replaces all.
    package func remember(services: [ServiceMemory]) async throws(StateStoreError) {
        try await writing { database in
            try database.execute(sql: "DELETE FROM service")
            for service in services {
                try database.execute(
                    sql: "INSERT INTO service VALUES (?, ?, ?)",
                    arguments: [service.kind, service.name, Data(service.data)])
            }
        }
    }
}
