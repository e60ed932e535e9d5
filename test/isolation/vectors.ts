/**
 * Every way in which one tenant could touch, read or infer what is another's, and the rules that block it, each with
 * the tests that try it. A test is named by its file and a piece of its title; a way that the table of cases tries is
 * in that table under its number.
 */

type Named = `test/${string}.ts: ${string}`;
/** `replaced`: this gateway's contract says otherwise, and why. */
export type Entry = { readonly says: string; readonly tests?: readonly Named[]; readonly replaced?: string };

export const VECTORS: Readonly<Record<string, Entry>> = {
  W1: {
    says: "another's record handle, tried one after the other",
    tests: ["test/isolation/sweep.test.ts: handles 1 to"],
  },
  W2: { says: "the own identifier in the URI, another's in the body, or the reverse" },
  W3: { says: "a new record through the own handle into another's list or campaign" },
  W4: { says: "another's list, or a spelling that OCS might take for it" },
  W5: { says: "the own list with another's campaign, under either of its names" },
  W6: { says: "another's tenant by DBID, by name, or by one against the other" },
  W7: { says: "a tenant DBID that is none: 0, negative, text, fraction, absent, doubled" },
  W8: { says: "wildcards and SQL in a phone number or customer id" },
  W9: { says: "a field whose name would become SQL" },
  W10: { says: "another's campaign group in the URI or by an id in the body" },
  W11: { says: "an action that the client's role does not hold", tests: ["test/isolation/shared.test.ts: W11"] },
  W12: { says: "req twice, escaped, in another case, or not alone" },
  W13: { says: "a path that is read otherwise further on" },
  W14: { says: "another tenant's OCS by Host or absolute form" },
  W15: { says: "a second request hidden in the first" },
  W16: { says: "CRLF or NUL in a name or value" },
  W17: { says: "another's Idempotency-Key" },
  W18: { says: "a token with another's tenant" },
  W19: { says: "two credentials of two clients" },
  W20: { says: "one connection for several tenants", tests: ["test/isolation/shared.test.ts: W20"] },
  W21: {
    says: "another's handle learnt by whatever way, for another action, after its end, after a switchover",
    tests: ["test/isolation/shared.test.ts: W21", "test/journeys/dialing.test.ts: a switchover in the middle"],
  },
  W22: { says: "a handle that OCS gives out again, to another tenant", tests: ["test/isolation/shared.test.ts: W22"] },
  W23: { says: "a handle used before its record is announced", tests: ["test/isolation/shared.test.ts: W23"] },
  W24: { says: "a request while the policy changes", tests: ["test/isolation/shared.test.ts: W24"] },
  W25: { says: "a store that is down, and a default that allows", tests: ["test/isolation/shared.test.ts: W25"] },
  W26: { says: "prototype pollution" },
  W27: { says: "a request that is sent twice", tests: ["test/isolation/shared.test.ts: W27"] },
  D1: { says: "the list of all campaign groups", tests: ["test/isolation/shared.test.ts: D1"] },
  D2: { says: "the status of another's campaign group" },
  D3: {
    says: "another's answer",
    tests: ["test/isolation/shared.test.ts: D3", "test/faults/history.test.ts: mixes nobody up in 20,000 requests"],
  },
  D4: {
    says: "another's names in OCS's error text",
    replaced:
      "OCS's answers pass as OCS sent them, and OCS speaks of what was asked: what names another's never reaches it",
  },
  D5: { says: "an answer shared before it is screened", tests: ["test/isolation/shared.test.ts: D5"] },
  D6: { says: "registries and journals over the clients' listener" },
  D7: { says: "metrics and administration over the clients' listener" },
  D8: { says: "old bytes of a reused buffer", tests: ["test/isolation/shared.test.ts: D8"] },
  I1: { says: "whether something exists, by the answer" },
  I2: {
    says: "what another does, by ETag, length or order of the list of groups",
    tests: ["test/isolation/shared.test.ts: I2"],
  },
  I3: {
    says: "the volume of all, by the gaps between the own handles",
    replaced:
      "handles are OCS's own numbers: clients expect /records/<handle>, and what a client is told with a call stays " +
      "OCS's word",
  },
  I4: { says: "another's load, by the own wait", tests: ["test/upstream/fair-queue.test.ts: lets no tenant starve"] },
  I5: { says: "another's doings, by counters in answers", tests: ["test/isolation/shared.test.ts: I5"] },
  I6: {
    says: "whether something exists, by the time the answer takes",
    tests: ["test/isolation/timing.test.ts: foreign and absent cannot be distinguished by time"],
  },
  I7: {
    says: "another's names, by a refusal of the configuration",
    replaced: "tenants do not write the configuration: whoever runs check is the operator, who is told both places",
  },
  I8: {
    says: "another's dialing, by an own Do-Not-Call",
    tests: ["test/sandbox/actions/numbers.test.ts: uses the list of the record's own tenant only"],
  },
  I9: { says: "that another is busy, by the own 429 or 503", tests: ["test/isolation/shared.test.ts: I9"] },
};

/** `by`: the ways in whose tests the rule is at work. */
export type Rule = { readonly says: string; readonly by?: readonly string[]; readonly replaced?: string };

export const RULES: Readonly<Record<string, Rule>> = {
  R1: {
    says: "one request, one tenant: several credentials must agree, and the tenant comes from the caller",
    by: ["W6", "W18", "W19"],
  },
  R2: { says: "an issuer speaks for its own tenants alone", by: ["W18"] },
  R3: { says: "identity is of each request, not of the connection", by: ["W20"] },
  R4: { says: "the OCS follows from the tenant's configuration", by: ["W14", "W1"] },
  R5: { says: "the raw target matches one grammar, is decoded once and written anew", by: ["W12", "W13", "W16"] },
  R6: { says: "one req, spelled as in the table, and granted to the client", by: ["W11", "W12"] },
  R7: {
    says: "a closed body for each action; what carries scope is refused and not dropped",
    by: ["W2", "W3", "W10", "W26"],
  },
  R8: { says: "upstream goes the tenant's DBID and nothing else that names a tenant", by: ["W6", "W7"] },
  R9: { says: "the two campaign keys are one, and its value is the tenant's", by: ["W5", "W3"] },
  R10: { says: "lists by exact name; names that OCS might fold cannot belong to two tenants", by: ["W4"] },
  R11: { says: "campaign groups by membership", by: ["W10", "D2"] },
  R12: { says: "foreign and absent are one answer, made without OCS", by: ["I1", "I6"] },
  R13: { says: "on a shared OCS a handle without an owner is nobody's", by: ["W1", "W23"] },
  R14: { says: "ownership is of (upstream, epoch, handle) and must be the caller's", by: ["W1", "W21"] },
  R15: { says: "a new epoch voids what was owned", by: ["W21", "W22"] },
  R16: { says: "first use grants nothing", by: ["W23"] },
  R17: { says: "identifiers have a grammar without wildcards and quotes", by: ["W8"] },
  R18: { says: "fields by name and type, GSW_ names from the table only", by: ["W9"] },
  R19: { says: "nothing of the client's bytes goes on", by: ["W15", "W16", "W17"] },
  R20: { says: "one request at a time on a connection that serves one tenant", by: ["D3", "W15"] },
  R21: { says: "whatever is odd ends the connection, and nothing is sent again", by: ["W27", "D3"] },
  R22: { says: "an answer has the shape of its request", by: ["D3"] },
  R23: { says: "lists of groups are made anew of the tenant's own", by: ["D1", "I2", "D5"] },
  R24: {
    says: "OCS's error texts stop at the gateway",
    replaced:
      "the contract passes OCS's answers as OCS sent them (see D4); a refusal of the gateway's own never repeats a " +
      "foreign name",
  },
  R25: { says: "caches, counters, queues and views by tenant", by: ["D5", "W17", "I5"] },
  R26: { says: "queues by tenant, in fair turns", by: ["I4", "I9"] },
  R27: { says: "no global counters in answers", by: ["I5"] },
  R28: { says: "administration and registration on listeners of their own", by: ["D6", "D7"] },
  R29: { says: "a request is judged by one generation of the configuration", by: ["W24"] },
  R30: { says: "what is down refuses", by: ["W25"] },
};
