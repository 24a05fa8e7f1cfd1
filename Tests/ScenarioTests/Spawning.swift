import Foundation
import Synchronization

/// Programs are started one at a time, and no pipe is made meanwhile.
///
/// Foundation closes in a new program what was open when it looked. A pipe that another test makes between that and the
/// start stays open in the program, and who reads the pipe to its end then waits for a program that is not his.
private let spawning = Mutex(())

extension Process {
    func start() throws { try spawning.withLock { _ in try run() } }
}

func makePipe() -> Pipe { spawning.withLock { _ in Pipe() } }
