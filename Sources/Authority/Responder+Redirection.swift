import DNSWire
import FlatTables

extension Responder {
    /// CNAMEs and DNAMEs followed within one answer; resolvers go on from there.
    static let chainLimit = 8
    /// The most bytes that the records of a chain of DNAMEs take in front of what is at its end: for each a DNAME and a
    /// CNAME, each with a pointer as its owner, ten bytes, and a name.
    static let redirectionSize = chainLimit * 2 * (2 + 10 + 255)
    static let nameError: UInt8 = 3
    /// YXDOMAIN.
    static let nameTooLong: UInt8 = 6

    /// Answers for a name below a DNAME: the DNAME, the CNAME that follows from it, and what is at that one's target,
    /// which may lie below a DNAME again (RFC 6672 section 3.2).
    ///
    /// The names are made here, so nothing but the DNAMEs themselves can be prepared. What is at the end of the chain is:
    /// it was written for a question about that name, and moves to a place behind the chain.
    mutating func redirect(
        from first: Int, _ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        guard begin(message, data, answers: 0, size: 0, scope: 0, &writer) else { return }
        var position = first
        var chain = RedirectionChain(nameLength: query.nameLength)
        // Nobody asks what an alias leads to who asks for the alias.
        let isAliasWanted = query.type == .cname || query.type == .any
        while chain.append(at: position, data, &writer), !isAliasWanted, chain.hops < Self.chainLimit,
            !writer.isFull
        {
            writer.fold(into: &name, nameAt: chain.name, length: chain.length)
            guard case .belowRedirection(let next) = data.match(name) else {
                appendEnd(of: &chain, data, &writer)
                break
            }
            // A record stands in an answer once (RFC 2181 section 5). A loop ends here, and a resolver can go on.
            if chain.has(next) { break }
            position = next
        }
        let outcome: Outcome = chain.responseCode == Self.nameTooLong ? .failure : chain.outcome
        guard !writer.isFull, writer.count &+ optionsSize(data) <= sizeLimit else {
            writer.clear()
            self.outcome = outcome
            _ = begin(message, data, answers: 0, size: writer.limit, scope: 0, &writer)
            return
        }
        self.outcome = outcome
        writer.replace16(writer.number16(at: 2) | UInt16(chain.responseCode), at: 2)
        writer.replace16(chain.answers, at: 6)
        writer.replace16(chain.authorities, at: 8)
        writer.replace16(chain.additionals &+ writer.number16(at: 10), at: 10)
        writeOptions(message, data, scope: 0, &writer)
    }

    /// What is at the end of the chain: data, an error, or where the rest is delegated to. A steered name is left to the
    /// resolver, as at the end of CNAMEs.
    private func appendEnd(of chain: inout RedirectionChain, _ data: AuthorityData, _ writer: inout ResponseWriter) {
        switch data.match(name) {
        case .outside, .belowRedirection: return
        case .belowDelegation(let position):
            _ = append(Int(data.nodes[position].otherAnswer), to: &chain, data, &writer)
        case .empty(let zone):
            _ = append(Int(data.zones[zone].noData), to: &chain, data, &writer)
        case .nameError(let zone):
            _ = append(Int(data.zones[zone].nameError), to: &chain, data, &writer)
        case .node(let position):
            let node = data.nodes[position]
            // A DNAME that was asked for and led here is in the answer.
            if node.isSteered || query.type == .dname && chain.has(position) { return }
            let found = data.nodes.answer(for: query.type, at: position, node) ?? Int(node.otherAnswer)
            if append(found, to: &chain, data, &writer) { return }
            // An alias without what it leads to, or a DNAME that was asked for.
            let alone =
                data.nodes.answer(for: .cname, at: position, node) ?? data.nodes.answer(for: .dname, at: position, node)
            if let alone { _ = append(alone, to: &chain, mayRedirect: true, data, &writer) }
        }
    }

    /// `false`, and nothing appended, when the answer has DNAMEs: they may be those of the chain, and a record stands in
    /// a response once.
    private func append(
        _ position: Int, to chain: inout RedirectionChain, mayRedirect: Bool = false, _ data: AuthorityData,
        _ writer: inout ResponseWriter
    ) -> Bool {
        let prepared = data.prepared[position]
        let room = sizeLimit &- writer.count &- optionsSize(data)
        let part = prepared.part(fitting: room, data.pointers)
        // A referral is extra behind a chain.
        if !prepared.isAuthoritative, Int(part.length) > room { return true }
        let start = writer.count
        writer.append(data.bytes, from: Int(prepared.offset), count: Int(part.length))
        guard !writer.isFull else { return true }
        // First as if the chain's name had been asked for, then to where that name really is.
        writer.resolvePointers(
            data.pointers, from: Int(prepared.firstPointer), count: Int(part.pointerCount), start: start,
            nameEnd: 12 &+ chain.length)
        let redirects = writer.movePointers(from: start, nameLength: chain.length, nameAt: chain.name)
        guard !redirects || mayRedirect else {
            writer.shorten(to: start)
            return false
        }
        chain.answers &+= prepared.answers
        chain.authorities = part.authorities
        chain.additionals = part.additionals
        chain.responseCode = prepared.responseCode
        if prepared.isAuthoritative { chain.outcome = prepared.outcome }
        return true
    }
}

/// The DNAMEs and CNAMEs of an answer, as they are written.
private struct RedirectionChain {
    /// Where the latest name stands in the response, uncompressed: at first the question's.
    private(set) var name = 12
    private(set) var length: Int
    private(set) var hops = 0
    /// The nodes whose DNAMEs are written: as many as hops.
    private var positions = [8 of Int](repeating: -1)
    var answers: UInt16 = 0
    var authorities: UInt16 = 0
    var additionals: UInt16 = 0
    var responseCode: UInt8 = 0
    var outcome = Outcome.answered

    init(nameLength: Int) { length = nameLength }

    /// Whether the DNAME at the node is written already.
    func has(_ position: Int) -> Bool {
        for index in 0..<hops where positions[index] == position { return true }
        return false
    }

    /// Writes the DNAME at a node above the latest name, and the CNAME that follows; `false` when there is none, because
    /// its target would be longer than names may be.
    mutating func append(at position: Int, _ data: AuthorityData, _ writer: inout ResponseWriter) -> Bool {
        let node = data.nodes[position]
        positions[hops] = position
        hops &+= 1
        let record = Int(node.below)
        // Type and class, TTL and length come before the target, whose length is one byte's worth.
        let targetLength = Int(data.bytes[record &+ 9])
        let prefix = length &- Int(node.nameLength)
        writer.append16(0xc000 | UInt16(truncatingIfNeeded: name &+ prefix))
        writer.append(data.bytes, from: record, count: 10 &+ targetLength)
        answers &+= 1
        let size = prefix &+ targetLength
        guard size <= 255 else {
            responseCode = Responder.nameTooLong
            return false
        }
        writer.append16(0xc000 | UInt16(truncatingIfNeeded: name))
        writer.append32(0x0005_0001)
        writer.append(data.bytes, from: record &+ 4, count: 4)
        writer.append16(UInt16(truncatingIfNeeded: size))
        let start = writer.count
        writer.append(ownBytesAt: name, count: prefix)
        writer.append(data.bytes, from: record &+ 10, count: targetLength)
        guard !writer.isFull else { return false }
        answers &+= 1
        name = start
        length = size
        return true
    }
}

extension ResponseWriter {
    /// Moves the records from `start` on, which were written behind a question about the name that stands at `nameAt`:
    /// their pointers go to where things are now.
    ///
    /// - Returns: whether there is a DNAME among them.
    func movePointers(from start: Int, nameLength: Int, nameAt: Int) -> Bool {
        let written = 12 &+ nameLength &+ 4
        var offset = start
        var hasRedirection = false
        while offset < count {
            offset = moveName(at: offset, start: start, written: written, nameAt: nameAt)
            let type = RecordType(rawValue: number16(at: offset))
            let end = offset &+ 10 &+ Int(number16(at: offset &+ 8))
            var rest = offset &+ 10
            switch type {
            case .ns, .cname, .ptr: _ = moveName(at: rest, start: start, written: written, nameAt: nameAt)
            case .mx: _ = moveName(at: rest &+ 2, start: start, written: written, nameAt: nameAt)
            case .soa:
                rest = moveName(at: rest, start: start, written: written, nameAt: nameAt)
                _ = moveName(at: rest, start: start, written: written, nameAt: nameAt)
            case .dname: hasRedirection = true
            default: break
            }
            offset = end
        }
        return hasRedirection
    }

    /// Moves the pointer that the name at `offset` ends with, if it has one; where the name ends.
    private func moveName(at offset: Int, start: Int, written: Int, nameAt: Int) -> Int {
        var offset = offset
        while true {
            let length = byte(at: offset)
            if length == 0 { return offset &+ 1 }
            if length >= 0xc0 { break }
            offset &+= 1 &+ Int(length)
        }
        let pointer = Int(number16(at: offset) & 0x3fff)
        let moved = pointer &+ 4 < written ? pointer &- 12 &+ nameAt : pointer &- written &+ start
        replace16(0xc000 | UInt16(truncatingIfNeeded: moved), at: offset)
        return offset &+ 2
    }
}
