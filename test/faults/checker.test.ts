import { describe, expect, it } from "vitest";
import type { Entry, Recorded } from "../../src/journal/entry.ts";
import { idsOf, statusOf, warningOf, type Received } from "../kit/recording-ocs.ts";
import type { Asked, Seen } from "./client.ts";
import { check, type History } from "./history.ts";
import { upstreamOf } from "./world.ts";

type Draft = { asked: Asked[]; received: Received[]; journal: Recorded[]; upstreamOf: History["upstreamOf"] };
type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

const ENDPOINT = "http://shared";
const tenantOf = (marker: string): number => Number(marker.slice(0, 3));
const idOf = (at: number): string => `01KAPQ7Z8M${String(at).padStart(16, "0")}`;

/** What a client saw of the OCS that answered this marker. */
const answered = (marker: string, at: number): Seen => ({
  at: at + 0.5,
  status: statusOf(marker),
  id: idOf(at),
  origin: "ocs",
  delivery: "answered",
  warning: warningOf(marker),
  code: undefined,
  body: statusOf(marker) === 200 ? "" : "<HTML/>",
});
const refused = (at: number, status: number, delivery: string, code: string): Seen => ({
  at: at + 0.5,
  status,
  id: idOf(at),
  origin: "gateway",
  delivery,
  warning: undefined,
  code,
  body: "",
});

const asking = (marker: string, at: number, connection: number, seen: Seen | undefined, group?: number): Asked => ({
  marker,
  tenant: tenantOf(marker),
  group,
  connection,
  issued: at,
  hungUp: seen === undefined,
  seen,
});
const receiving = (marker: string, at: number, connection: number, over: Partial<Received> = {}): Received => ({
  at: at + 0.2,
  marker,
  upstream: "shared",
  endpoint: ENDPOINT,
  connection,
  tenant: tenantOf(marker),
  ahead: 0,
  warning: warningOf(marker),
  executed: true,
  ...over,
});

const waits = { queue_ms: 1, ocs_ms: 1, total_ms: 2 };
const intent = (marker: string, at: number, group?: number): Entry => ({
  kind: "intent",
  id: idOf(at),
  tenant: { dbid: tenantOf(marker), name: `Tenant ${tenantOf(marker)}` },
  client: "c",
  credential: { kind: "key", id: "k" },
  source: "127.0.0.1",
  listener: "clients",
  resource: group === undefined ? "lists" : "campaigngroups",
  identifier: group === undefined ? "List 101" : String(group),
  action: "AddRecord",
  body: group === undefined ? { MARK: marker } : {},
  config_hash: "c",
});
const outcome = ({ id, delivery, origin, status, code, warning }: Seen): Entry => ({
  kind: "outcome",
  id,
  delivery: delivery as "answered",
  origin: origin as "ocs",
  status,
  code: code ?? null,
  warning: warning ?? null,
  waits,
  lane: "shared/1",
  endpoint: ENDPOINT,
});

const GROUP = 10100;
const [A, B, C, D, E, F] = ["101-0-0", "101-0-1", "102-0-0", "102-0-1", "101-0-2", "102-1-0"] as const;

/** A right history: two answers on one client connection, a cut, a refusal, a status, and a client that hung up. */
const aHistory = (): Draft => {
  const { campaign, group } = idsOf(GROUP);
  const status: Seen = {
    ...answered(E, 5),
    status: 200,
    warning: "77",
    body: `{"GSW_CM_AttrCampaignID":${campaign},"GSW_CM_AttrGroupID":${group},"X":1}`,
  };
  const cut = refused(3, 502, "sent-no-answer", "OCSGW-4102");
  const full = refused(4, 503, "not-sent", "OCSGW-3002");
  const entries: Entry[] = [
    intent(A, 1),
    outcome(answered(A, 1)),
    intent(B, 2),
    outcome(answered(B, 2)),
    intent(C, 3),
    outcome(cut),
    intent(D, 4),
    outcome(full),
    intent(E, 5, GROUP),
    outcome(status),
    intent(F, 6),
    { kind: "abandoned", id: idOf(6), delivery: "not-sent", waits },
  ];
  return {
    asked: [
      asking(A, 1, 1, answered(A, 1)),
      asking(B, 2, 1, answered(B, 2)),
      asking(C, 3, 2, cut),
      asking(D, 4, 2, full),
      asking(E, 5, 1, status, GROUP),
      asking(F, 6, 3, undefined),
    ],
    received: [
      receiving(A, 1, 1),
      receiving(B, 2, 1),
      receiving(C, 3, 2),
      receiving(`GET ${GROUP}`, 5, 1, { tenant: 101, warning: "77" }),
    ],
    journal: entries.map((entry, index) => ({ index, time: "2026-01-01T00:00:00.000000Z", ...entry })),
    upstreamOf,
  };
};

const edit = <Value extends object>(value: Value | undefined, changes: Partial<Mutable<Value>>): void =>
  void Object.assign(value!, changes);
const without = (draft: Draft, at: number): void => void draft.journal.splice(at, 1);

type Wrong = readonly [name: string, spoil: (draft: Draft) => void, ...sentences: RegExp[]];
const wrongs: readonly Wrong[] = [
  [
    "a lost acknowledgement",
    ({ received }) => received.splice(1, 1),
    /^H2: 101-0-1 saw OCS's status \d+, and no OCS carried it out/,
  ],
  [
    "an acknowledgement of what was received and not done",
    ({ received }) => edit(received[0], { executed: false }),
    /^H2: 101-0-0 saw OCS's status \d+, and no OCS/,
  ],
  [
    "a double run",
    ({ received }) => received.push(receiving(C, 3, 7)),
    /^H2: 102-0-0 was carried out 2 times, at http:\/\/shared on connection 2 and http:\/\/shared on connection 7/,
    /^H2: 102-0-0 was sent 2 times/,
  ],
  [
    "a second sending of what was not done the first time",
    ({ received }) => received.push(receiving(C, 3, 7, { executed: false })),
    /^H2: 102-0-0 was sent 2 times/,
  ],
  [
    "a double run of a status",
    ({ received }) => received.push(receiving(`GET ${GROUP}`, 5, 7, { tenant: 101, warning: "77" })),
    /^H2: 101-0-2 was carried out 2 times/,
    /^H2: 101-0-2 was sent 2 times/,
  ],
  [
    "a request that nobody asked",
    ({ received }) => received.push(receiving("101-9-9", 9, 1)),
    /^H2: http:\/\/shared received 101-9-9, which no client asked/,
  ],
  [
    "a false not-sent",
    ({ received }) => received.push(receiving(D, 4, 2)),
    /^H2: 102-0-1 was told not-sent \(OCSGW-3002\), and OCS carried it out/,
  ],
  [
    "a not-sent of what had begun to leave",
    ({ received }) => received.push(receiving(D, 4, 2, { executed: false })),
    /^H2: 102-0-1 was told not-sent \(OCSGW-3002\), and OCS received it/,
  ],
  [
    "a false delivery beside OCS's status",
    ({ asked }) => edit(asked[0]!.seen, { delivery: "not-sent" }),
    /^H2: 101-0-0 saw OCS's status \d+ with delivery not-sent/,
    /^H5: 101-0-0 saw \d+ not-sent .*journal says \d+ answered/,
  ],
  [
    "the gateway's own word with delivery answered",
    ({ asked, journal }) => {
      edit(asked[2]!.seen, { delivery: "answered" });
      edit(journal[5] as Mutable<Recorded & { delivery: string }>, { delivery: "answered" });
    },
    /^H2: 102-0-0 got the gateway's 502 with delivery "answered"/,
  ],
  [
    "a wrong status",
    ({ asked, journal }) => {
      edit(asked[0]!.seen, { status: 599 });
      edit(journal[1] as Mutable<Recorded & { status: number }>, { status: 599 });
    },
    /^H1: 101-0-0 saw status 599; OCS answers it with \d+/,
  ],
  [
    "swapped answers on one connection",
    ({ asked }) => {
      const [a, b] = [asked[0]!.seen!, asked[1]!.seen!];
      asked[0]!.seen = { ...a, warning: b.warning, status: b.status };
      asked[1]!.seen = { ...b, warning: a.warning, status: a.status };
    },
    /^H1: 101-0-0 saw Warning \d+/,
    /^H1: 101-0-1 saw Warning \d+/,
    /^H4: client connection 1 got the answer to 101-0-1 in the place of the one to 101-0-0/,
    /^H5: 101-0-0 saw/,
  ],
  [
    "a stranger's answer, journalled as such",
    ({ asked, journal }) => {
      edit(asked[0]!.seen, { warning: "666" });
      edit(journal[1] as Mutable<Recorded & { warning: string }>, { warning: "666" });
    },
    /^H1: 101-0-0 saw Warning 666; OCS answers it with \d+/,
  ],
  [
    "an answer without its Warning",
    ({ asked, journal }) => {
      edit(asked[0]!.seen, { warning: undefined });
      edit(journal[1] as Mutable<Recorded & { warning: null }>, { warning: null });
    },
    /^H1: 101-0-0 saw Warning undefined/,
  ],
  [
    "a Warning of the gateway's own",
    ({ asked }) => edit(asked[3]!.seen, { warning: "5" }),
    /^H1: 102-0-1 got a Warning from the gateway: 5/,
    /^H5/,
  ],
  [
    "another group's status",
    ({ asked }) => edit(asked[4]!.seen, { body: asked[4]!.seen!.body.replaceAll("10100", "10101") }),
    /^H1: 101-0-2 asked for group 10100 and saw .*1010101/,
  ],
  [
    "an older status of the group",
    ({ received }) => edit(received[3], { warning: "78" }),
    /^H1: 101-0-2 saw Warning 77; OCS answers it with 78/,
  ],
  [
    "a body behind a positive answer",
    ({ asked }) =>
      edit(
        asked.find(({ marker, seen }) => statusOf(marker) === 200 && seen?.origin === "ocs" && seen.body === "")!.seen,
        { body: "x" },
      ),
    /^H1: 101-0-\d saw a body behind a positive answer: x/,
  ],
  [
    "two in flight on one connection",
    ({ received }) => edit(received[1], { ahead: 1 }),
    /^H3: 101-0-1 came on shared's connection 1 while 1 before it was unanswered/,
  ],
  [
    "two tenants on one connection",
    ({ received }) => edit(received[2], { connection: 1 }),
    /^H3: shared's connection 1 served the tenants 101 and 102/,
  ],
  [
    "a hole in the answers of a connection",
    ({ asked }) => (asked[0]!.seen = undefined),
    /^H4: client connection 1 got an answer to 101-0-1, and none to 101-0-0 before it/,
  ],
  [
    "answers out of order",
    ({ asked }) => edit(asked[1]!.seen, { at: 0 }),
    /^H4: client connection 1 got the answer to 101-0-1 before the one to 101-0-0/,
  ],
  [
    "a missing intent",
    (draft) => without(draft, 0),
    /^H5: .* has an outcome and no intent/,
    /^H5: 101-0-0 reached OCS and the journal has no intent of it/,
  ],
  ["a missing outcome", (draft) => without(draft, 1), /^H5: .*\(101-0-0\) has an intent and no outcome/],
  [
    "a request id that is not in the journal",
    (draft) => (without(draft, 0), without(draft, 0)),
    /^H5: 101-0-0 saw \d+ with request id \S+, which is not in the journal/,
    /^H5: 101-0-0 reached OCS/,
  ],
  ["two outcomes", ({ journal }) => journal.push({ ...journal[1]!, index: 12 }), /^H5: .*\(101-0-0\) has 2 outcomes/],
  [
    "two intents of one request",
    ({ journal }) => journal.push({ ...journal[0]!, index: 12 }),
    /^H5: .*\(101-0-0\) has 2 intents/,
  ],
  [
    "two intents for one marker",
    ({ journal }) => {
      journal.push(
        { ...journal[0]!, id: idOf(9), index: 12 } as Recorded,
        { ...journal[1]!, id: idOf(9), index: 13 } as Recorded,
      );
    },
    /^H5: 101-0-0 has 2 intents, 01KAPQ7Z8M0+1 and 01KAPQ7Z8M0+9/,
  ],
  [
    "an outcome before its intent",
    ({ journal }) => edit(journal[1], { index: -1 }),
    /^H5: .*\(101-0-0\) has its outcome before its intent/,
  ],
  [
    "a refusal beside an outcome",
    ({ journal }) =>
      journal.push({
        kind: "refusal",
        id: idOf(1),
        code: "OCSGW-1001",
        status: 404,
        delivery: "not-sent",
        index: 12,
        time: "",
      }),
    /^H5: .*\(101-0-0\) has a refusal beside another end/,
  ],
  [
    "another status in the journal",
    ({ journal }) => edit(journal[1] as Mutable<Recorded & { status: number }>, { status: 418 }),
    /^H5: 101-0-0 saw \d+ answered with Warning \d+; the journal says 418/,
  ],
  [
    "another delivery in the journal",
    ({ journal }) => edit(journal[5] as Mutable<Recorded & { delivery: string }>, { delivery: "not-sent" }),
    /^H5: 102-0-0 saw 502 sent-no-answer OCSGW-4102; the journal says 502 not-sent OCSGW-4102/,
  ],
  [
    "another code in the journal",
    ({ journal }) => edit(journal[7] as Mutable<Recorded & { code: string }>, { code: "OCSGW-3003" }),
    /^H5: 102-0-1 saw 503 not-sent OCSGW-3002; the journal says 503 not-sent OCSGW-3003/,
  ],
  [
    "another endpoint in the journal",
    ({ journal }) => edit(journal[1] as Mutable<Recorded & { endpoint: string }>, { endpoint: "http://backup" }),
    /^H5: 101-0-0 was carried out at http:\/\/shared; the journal says http:\/\/backup/,
  ],
  [
    "an intent in another tenant's name",
    ({ journal }) =>
      edit(journal[0] as Mutable<Recorded & { tenant: object }>, { tenant: { dbid: 102, name: "Tenant 102" } }),
    /^H5: 101-0-0 of tenant 101 is journalled as tenant 102's/,
  ],
  [
    "the request id of another request",
    ({ asked }) => edit(asked[0]!.seen, { id: idOf(2) }),
    /^H5: 101-0-0 was answered with request id \S+, whose intent is another's/,
  ],
  [
    "abandoned, and seen",
    ({ asked }) => (asked[5]!.seen = refused(6, 503, "not-sent", "OCSGW-3003")),
    /^H5: 102-1-0 saw 503 not-sent OCSGW-3003; the journal has it as abandoned/,
  ],
  [
    "abandoned, and carried out",
    ({ received }) => received.push(receiving(F, 6, 2)),
    /^H5: 102-1-0 is journalled as abandoned, not-sent, and OCS received it/,
  ],
  [
    "answered for the journal, and not carried out",
    ({ journal }) =>
      (journal[11] = { ...(journal[1] as Extract<Recorded, { kind: "outcome" }>), id: idOf(6), index: 11 }),
    /^H5: 102-1-0 is journalled as answered, and no OCS carried it out/,
  ],
  [
    "a refusal that the journal words otherwise",
    ({ asked, journal }) => {
      journal.splice(6, 2, {
        kind: "refusal",
        id: idOf(4),
        code: "OCSGW-3001",
        status: 429,
        delivery: "not-sent",
        index: 6,
        time: "",
      });
      edit(asked[3]!.seen, { status: 503 });
    },
    /^H5: 102-0-1 saw 503 not-sent OCSGW-3002; the journal refused it with 429 not-sent OCSGW-3001/,
  ],
  [
    "a request at an OCS that does not serve its tenant",
    ({ received }) => edit(received[2], { upstream: "alone" }),
    /^H6: 102-0-0 of tenant 102 came to alone, which does not serve it/,
  ],
  [
    "a request in another tenant's name",
    ({ received }) => edit(received[2], { tenant: 105 }),
    /^H6: 102-0-0 of tenant 102 came in the name of tenant 105/,
  ],
];

describe("the history checker", () => {
  it("is content with a right history", () => {
    expect(check(aHistory())).toEqual([]);
  });

  it.each(wrongs.map(([name, spoil, ...sentences]) => ({ name, spoil, sentences })))(
    "names $name",
    ({ spoil, sentences }) => {
      const draft = aHistory();
      spoil(draft);
      const violations = check(draft);
      for (const sentence of sentences) expect(violations).toContainEqual(expect.stringMatching(sentence));
      const rules = new Set(sentences.map(({ source }) => source.slice(1, 3)));
      expect(violations.filter((each) => !rules.has(each.slice(0, 2)))).toEqual([]);
    },
  );
});
