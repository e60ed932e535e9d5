/**
 * May the same request be sent again? Every refusal × every action × how far it got, and the same words in every form
 * of a reply.
 */
import { describe, expect, it } from "vitest";
import { repeatInWords, repeatOf, type Repeat } from "../../src/gateway/repeat.ts";
import { OUTCOME_DELAYED, REFUSALS } from "../../src/gateway/refusals.ts";
import type { PipelineDeps } from "../../src/gateway/pipeline.ts";
import { headerOf, type Reply } from "../../src/common/message.ts";
import { ACTIONS, type Action } from "../../src/ocs/catalog.ts";
import { caseOf } from "../../src/ocs/examples.ts";
import { UpstreamError, type FailureReason } from "../../src/upstream/types.ts";
import { createRedactor } from "../../src/journal/redact.ts";
import { createRegistrar, type RegistrarDeps } from "../../src/callbacks/registrar.ts";
import { Ownership } from "../../src/ownership/ownership.ts";
import { MANUAL } from "../ocs/manual.ts";
import { aLine, anAnswer, anArrival, aTenant, text } from "../kit/line.ts";

/** After it was sent: as decided, and not as the catalog has it. */
const AFTER_SENDING = new Map(MANUAL.map(({ resource, action, repeat }) => [`${resource} ${action}`, repeat]));

const nameOf = ({ resource, name }: Action): string => `${resource} ${name}`;
const expected = (action: Action, isOwned: boolean): Repeat =>
  action.resource === "records" && !isOwned ? "no" : AFTER_SENDING.get(nameOf(action))!;
const DELIVERIES = ["not-sent", "sent-no-answer", "answered"] as const;

describe("the table of Ocsgw-Repeat", () => {
  it("lists every action", () => expect(ACTIONS.map(nameOf)).toEqual([...AFTER_SENDING.keys()]));

  it.each(Object.entries(REFUSALS).map(([name, row]) => ({ name, ...row })))(
    "gives $code $status ($name) for every action and every delivery",
    ({ code, status }) => {
      const isSaid = status === 429 || status >= 500 || code === REFUSALS["key-running"].code;
      for (const action of ACTIONS) {
        for (const delivery of DELIVERIES) {
          for (const isOwned of [true, false]) {
            const isSafe = delivery === "not-sent" || code === REFUSALS["key-running"].code;
            const wanted = !isSaid ? undefined : isSafe ? "safe" : expected(action, isOwned);
            expect([nameOf(action), delivery, isOwned, repeatOf({ status, code, delivery, action, isOwned })]).toEqual([
              nameOf(action),
              delivery,
              isOwned,
              wanted,
            ]);
          }
        }
      }
      expect(repeatOf({ status, code, delivery: "not-sent", action: undefined, isOwned: false })).toBe(
        isSaid ? "safe" : undefined,
      );
    },
  );

  it.each([200, 409, 410, 500])("says no for 5102 with OCS's %i", (status) => {
    for (const action of ACTIONS)
      expect(repeatOf({ status, code: OUTCOME_DELAYED, delivery: "answered", action, isOwned: true })).toBe("no");
  });

  it("has a sentence for each value, and none without a value", () => {
    const words = DELIVERIES.flatMap((delivery) =>
      (["safe", "check-first", "no"] as const).map((repeat) => repeatInWords(repeat, delivery)),
    );
    for (const each of words) expect(each).toMatch(/^[A-Z].*(?:again|before sending it again).*\.$/);
    expect(repeatInWords("safe", "not-sent")).not.toBe(repeatInWords("safe", "sent-no-answer"));
    expect(repeatInWords(undefined, "not-sent")).toBe("");
  });
});

const FAILING: readonly (readonly [FailureReason, boolean])[] = [
  ["queue-full", false],
  ["queue-timeout", false],
  ["unclear", false],
  ["unreachable", false],
  ["no-answer", true],
  ["connection-lost", true],
  ["malformed-response", true],
];
/** A lease whose handle is, or is not any more, the request's. */
const owning = (isOwned: boolean): PipelineDeps["ownership"] => ({
  requestLease: () => ({
    lease: {
      withdrawn: () => undefined,
      after: () => undefined,
      release: () => undefined,
      isOwned: () => isOwned,
      reason: () => "unknown: none",
      record: undefined,
    },
  }),
  ownersAmong: (among) => among,
});

const askOf = (action: Action) => ({
  ...caseOf(action),
  method: action.method,
  ...(action.method === "GET" && { body: "" }),
});

const expectSaid = async (
  reply: Promise<Reply>,
  again: Promise<Reply>,
  wanted: Repeat,
  what: string,
): Promise<void> => {
  const [html, problem] = await Promise.all([reply, again]);
  const delivery = headerOf(html.headers, "Ocsgw-Delivery") as (typeof DELIVERIES)[number];
  expect([what, headerOf(html.headers, "Ocsgw-Repeat"), headerOf(problem.headers, "Ocsgw-Repeat")]).toEqual([
    what,
    wanted,
    wanted,
  ]);
  expect(JSON.parse(text(problem))).toMatchObject({ repeat: wanted, delivery });
  expect(text(html)).toMatch(
    new RegExp(`OCS.*\\. ${repeatInWords(wanted, delivery).replaceAll(".", "\\.")}</body></HTML>$`),
  );
};
const asProblem = { headers: [["Accept", "application/problem+json"]] as const };

describe("a reply to a registrar", () => {
  const registrar = (over: Partial<RegistrarDeps> = {}) =>
    createRegistrar({
      identify: () => ({ client: "minter", credential: { kind: "key", id: "k" } }),
      challenge: "Basic",
      note: () => undefined,
      observe: () => undefined,
      errorFormat: () => "auto",
      redact: createRedactor(
        { phone: "last4", customer_id: "token", fields: {}, others: "drop" },
        "an index key for tests only, 32+",
      ),
      upstream: "ocs",
      registrars: new Map([["minter", { tenants: [aTenant()], isAllowedFrom: () => true }]]),
      ownership: new Ownership({ staleAfter: () => 1000, onEvent: () => undefined }),
      isActiveKnown: () => false,
      ...over,
    });
  it.each<[string, Partial<RegistrarDeps>, string, string | undefined]>([
    ["while the active OCS is unknown", {}, "OCSGW-5103", "safe"],
    [
      "whose credential is throttled",
      { identify: () => ({ denied: "throttled", reason: "too many", retryAfter: 3 }) },
      "OCSGW-2002",
      "safe",
    ],
    [
      "whose issuer's keys cannot be fetched",
      { identify: () => ({ denied: "issuer-unavailable", reason: "away", retryAfter: 3 }) },
      "OCSGW-2003",
      "safe",
    ],
    [
      "that is not authenticated",
      { identify: () => ({ denied: "key-unknown", reason: "unknown" }) },
      "OCSGW-2001",
      undefined,
    ],
  ])("%s has the right Ocsgw-Code and Ocsgw-Repeat", async (_what, over, code, repeat) => {
    const reply = await registrar(over)(
      anArrival({ method: "PUT", target: "/ownership/ocs/7", body: '{"tenant":"Alpha Tenant"}' }),
    );
    expect([headerOf(reply.headers, "Ocsgw-Code"), headerOf(reply.headers, "Ocsgw-Repeat")]).toEqual([code, repeat]);
  });
});

describe("a reply of the pipeline", () => {
  it.each(ACTIONS.map((action) => [nameOf(action), action] as const))(
    "to %s says in header, problem and page whether to repeat, for every failure",
    async (_name, action) => {
      for (const [why, sent] of FAILING) {
        for (const isOwned of [true, false]) {
          const line = aLine({
            ownership: owning(isOwned),
            send: () => Promise.reject(new UpstreamError(why, sent, "in words")),
          });
          const ask = askOf(action);
          await expectSaid(
            line.ask(ask),
            line.ask({ ...ask, ...asProblem }),
            sent ? expected(action, isOwned) : "safe",
            `${why} ${isOwned}`,
          );
          expect(line.sent).toHaveLength(2);
        }
      }
    },
  );

  it.each(ACTIONS.map((action) => [nameOf(action), action] as const))(
    "to %s with an internal error after or before sending",
    async (_name, action) => {
      const after = aLine({ ownership: owning(true), send: () => Promise.reject(new Error("a defect")) });
      await expectSaid(
        after.ask(askOf(action)),
        after.ask({ ...askOf(action), ...asProblem }),
        expected(action, true),
        "after",
      );
      const before = aLine({
        identify: () => {
          throw new Error("a defect");
        },
      });
      await expectSaid(before.ask(askOf(action)), before.ask({ ...askOf(action), ...asProblem }), "safe", "before");
    },
  );

  it.each(ACTIONS.filter(({ method }) => method === "POST").map((action) => [nameOf(action), action] as const))(
    "to %s that OCS answered but the journal could not store",
    async (_name, action) => {
      let appended = 0;
      const line = aLine({
        ownership: owning(true),
        append: () => (appended++ === 0 ? Promise.resolve() : Promise.reject(new Error("EIO"))),
        send: () => Promise.resolve(anAnswer()),
      });
      const reply = await line.ask(askOf(action));
      expect([reply.status, headerOf(reply.headers, "Ocsgw-Code"), headerOf(reply.headers, "Ocsgw-Repeat")]).toEqual([
        200,
        OUTCOME_DELAYED,
        "no",
      ]);
    },
  );

  it("says safe if the journal is unavailable, and nothing for a permanent refusal", async () => {
    const line = aLine({ append: () => Promise.reject(new Error("ENOSPC")) });
    expect(headerOf((await line.ask({ target: "/phones/4155550100?req=DoNotCall" })).headers, "Ocsgw-Repeat")).toBe(
      "safe",
    );
    for (const ask of [
      { target: "/nothing" },
      { target: "/campaigngroups/208?req=Load" },
      { target: "/phones/4155550100?req=DoNotCall", as: "" },
    ]) {
      const reply = await aLine().ask({ ...ask, ...asProblem });
      expect([headerOf(reply.headers, "Ocsgw-Repeat"), "repeat" in (JSON.parse(text(reply)) as object)]).toEqual([
        undefined,
        false,
      ]);
    }
  });

  it("from OCS itself has no Ocsgw-Repeat, with any status", async () => {
    for (const status of [200, 410, 500, 503]) {
      const reply = await aLine({ send: () => Promise.resolve(anAnswer({ status })) }).ask({
        target: "/phones/4155550100?req=DoNotCall",
      });
      expect([reply.status, headerOf(reply.headers, "Ocsgw-Repeat")]).toEqual([status, undefined]);
    }
  });
});
