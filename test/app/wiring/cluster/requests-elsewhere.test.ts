/** What is believed of another node's answer about a client's request. */
import { expect, it } from "vitest";
import { requestsElsewhere } from "../../../../src/app/wiring/cluster/requests-elsewhere.ts";
import type { NodeAnswer } from "../../../../src/admin/peers/nodes.ts";

const ID = "01KAPQ7Z8M3VABCDEFGHJKMNPQ";
const state = { id: ID, state: "answered", status: 200, delivery: "answered", repeat: null };
const known = { client: "alpha", tenant: { dbid: 101, upstream: "ocs" }, state };
const answer = (value: unknown, status = 200): NodeAnswer => ({ node: "gw-b", status, value });
const nothing = answer({ known: null, unclear: null });

it.each<[string, readonly NodeAnswer[], { found?: object; unclear?: RegExp }, string?]>([
  ["nobody has it, and all answered", [nothing, nothing], {}],
  ["one has it", [nothing, answer({ known, unclear: null })], { found: known }],
  [
    "one has it, and another does not answer",
    [answer({ known, unclear: null }), { node: "c", reason: "x" }],
    { found: known },
  ],
  [
    "one does not answer",
    [nothing, { node: "gw-c", reason: "connection refused" }],
    { unclear: /^no answer from gw-c \(connection refused\)$/ },
  ],
  [
    "one cannot tell",
    [answer({ known: null, unclear: "entries are missing" })],
    { unclear: /^gw-b: entries are missing$/ },
  ],
  ["one is of an older version", [answer({ error: "unknown path" }, 404)], { unclear: /HTTP 404: unknown path/ }],
  [
    "one answers about another request",
    [answer({ known: { ...known, state: { ...state, id: "x" } }, unclear: null })],
    { unclear: /not as expected/ },
  ],
  [
    "one answers an unknown state",
    [answer({ known: { ...known, state: { ...state, state: "lost" } }, unclear: null })],
    { unclear: /not as expected/ },
  ],
  ["nodes may be missing from the list", [nothing], { unclear: /^no database$/ }, "no database"],
])("%s", async (_, answers, expected, trouble) => {
  const nodes = { list: () => ({ nodes: [], trouble }), askOthers: () => Promise.resolve(answers) };
  const found = await requestsElsewhere(nodes)(ID);
  expect(found.known).toEqual(expected.found);
  if (expected.unclear) expect(found.unclear).toMatch(expected.unclear);
  else expect(found.unclear).toBeUndefined();
});
