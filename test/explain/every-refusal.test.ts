/** Each row of the table of refusals is provoked, journaled and explained, with the stage that refused. */
import { describe, expect, it } from "vitest";
import { createRegistrar } from "../../src/callbacks/registrar.ts";
import { whatToDo } from "../../src/explain/advice.ts";
import { whatHappened } from "../../src/explain/sentences.ts";
import { STAGES, verdictsOf } from "../../src/explain/stages.ts";
import type { PipelineDeps } from "../../src/gateway/pipeline.ts";
import { REFUSALS, type Refusal } from "../../src/gateway/refusals.ts";
import type { Entry, Recorded, Stage } from "../../src/journal/entry.ts";
import { createRedactor } from "../../src/journal/redact.ts";
import { fieldsOf, type Transaction } from "../../src/journal/search/transaction.ts";
import type { KeyClaim } from "../../src/idempotency/keys.ts";
import { RunningRequests } from "../../src/gateway/requests/running-requests.ts";
import { KeysUnavailable } from "../../src/idempotency/types.ts";
import type { OwnershipResult } from "../../src/ownership/ownership.ts";
import type { Fault } from "../../src/common/message.ts";
import { UpstreamError, type FailureReason } from "../../src/upstream/types.ts";
import { aLine, anArrival, aTenant, beta, outboxWith, type TestLine } from "../kit/line.ts";

type Ask = Parameters<TestLine["ask"]>[0];
type Setting = Parameters<typeof aLine>[0];
type Case = {
  readonly stage: Stage;
  readonly verdict: "deny" | "no" | "?";
  readonly entries: () => Promise<readonly Entry[]>;
};

const DNC = { target: "/phones/4155550100?req=DoNotCall" };
const RECORD = { target: "/records/15?req=RecordReject" };
const both = {
  clients: new Map([["cluster", { actions: new Set(["DoNotCall" as const]), campaignGroups: undefined }]]),
};

/** A case in which the last request is refused at this stage. */
const at = (stage: Stage, ask: Ask, setting: Setting = {}, times = 1, verdict: Case["verdict"] = "deny"): Case => ({
  stage,
  verdict,
  entries: async () => {
    const line = aLine(setting);
    for (let time = 0; time < times; time++) {
      line.journal.length = 0;
      await line.ask(ask);
    }
    return line.journal;
  },
});
const fault = (kind: Fault["kind"]): Case => at("message", { ...DNC, fault: { kind, detail: "in other words" } });
const failing = (
  stage: Stage,
  reason: FailureReason,
  { sent = false, verdict = "deny" }: { sent?: boolean; verdict?: Case["verdict"] } = {},
): Case =>
  at(stage, DNC, { send: () => Promise.reject(new UpstreamError(reason, sent, "in other words")) }, 1, verdict);
const ADD = {
  target: "/lists/Alpha%20List?req=AddRecord",
  body: '{"GSW_PHONE":"4155550100","GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_TZ_NAME":"PST"}',
};
const keyed = (claim: KeyClaim | Error, header = "a-key"): Case =>
  at(
    "key",
    { ...ADD, headers: [["Idempotency-Key", header]] },
    { claimKey: () => (claim instanceof Error ? Promise.reject(claim) : Promise.resolve(claim)) },
  );
const asked = (unclear: string | undefined): Case =>
  at(
    "operation",
    { method: "GET", target: "/ocsgw/requests/01KAPQ7Z8M3VABCDEFGHJKMNPR" },
    { requests: { running: new RunningRequests(), ended: () => Promise.resolve({ known: undefined, unclear }) } },
  );
const denied = (denied: "throttled" | "issuer-unavailable"): Setting => ({
  identify: () => ({ denied, reason: "in words", retryAfter: 1 }),
});
const leaseAnswer = (answer: ReturnType<PipelineDeps["ownership"]["requestLease"]>): Setting => ({
  ownership: { requestLease: () => answer, ownersAmong: (among) => among },
});
const registering = (stage: Stage, target: string, result: OwnershipResult): Case => ({
  stage,
  verdict: "deny",
  entries: async () => {
    const journal: Entry[] = [];
    const registrar = createRegistrar({
      identify: () => ({ client: "minter", credential: { kind: "key", id: "k" } }),
      challenge: "Basic",
      note: (entry) => void journal.push(entry),
      observe: () => undefined,
      errorFormat: () => "auto",
      redact: createRedactor({ phone: "last4", customer_id: "token", fields: {}, others: "drop" }, "k".repeat(32)),
      upstream: "ocs",
      registrars: new Map([["minter", { tenants: [aTenant()], isAllowedFrom: () => true }]]),
      ownership: {
        register: () => Promise.resolve(result),
        ownerOf: () => undefined,
        claimantOf: () => undefined,
        refresh: () => Promise.resolve(true),
        isUnownedOnDisk: () => Promise.resolve(true),
        end: () => Promise.resolve(true),
        epochOf: () => 1,
      },
      isActiveKnown: () => true,
    });
    const put = anArrival({ method: "PUT", target, body: '{"tenant":101}' });
    await registrar({ ...put, listener: "callbacks:ocs" });
    return journal;
  },
});
const registered = (result: OwnershipResult): Case => registering("scope", "/ownership/ocs/15", result);

const LATER = { ...DNC, headers: [["Prefer", "respond-async"]] as const };

const CASES: Readonly<Record<Refusal, Case>> = {
  "no-resource": at("operation", { target: "/nothing" }),
  "no-registration": registering("operation", "/ownership/other/15", "owned"),
  "bad-action": at("operation", { target: "/records/15" }),
  "bad-json": at("body", { ...DNC, body: "{" }),
  "duplicate-scope-key": at("body", { ...DNC, body: '{"GSW_TENANT_DBID":101,"gsw_tenant_dbid":102}' }),
  "conflicting-names": at("scope", { ...DNC, body: '{"GSW_PHONE":"4155550101"}' }),
  "wrong-length": at("body", { ...DNC, body: '{"GSW_TENANT_NAME":"Alp', surplus: true }),
  "body-too-large": fault("body-too-large"),
  "head-too-large": fault("head-too-large"),
  "bad-attribute": at("body", { ...DNC, body: '{"GSW_SOMETHING":1}' }),
  "wrong-method": at("operation", { ...RECORD, method: "GET" }),
  "bad-content-type": at("body", { ...DNC, body: "{}", headers: [["Content-Type", "text/plain"]] }),
  "foreign-authority": fault("foreign-authority"),
  ambiguous: fault("ambiguous"),
  "no-credential": at("identity", { ...DNC, as: "" }),
  revoked: failing("queue", "revoked"),
  throttled: at("identity", DNC, denied("throttled")),
  "issuer-keys-unavailable": at("identity", DNC, denied("issuer-unavailable")),
  "not-granted": at("policy", DNC, {
    tenants: [aTenant({ clients: new Map([["alpha", { actions: new Set(), campaignGroups: undefined }]]) })],
  }),
  "other-tenant": at("scope", { ...DNC, body: '{"GSW_TENANT_DBID":102}' }),
  "foreign-object": at("scope", { target: "/campaigngroups/208?req=Load" }),
  "ambiguous-tenant": at("scope", { ...DNC, as: "cluster" }, { tenants: [aTenant(both), beta(both)] }),
  "no-such-record": at("scope", RECORD, { tenants: [aTenant({ records: "pre-dial" })] }),
  "handle-expired": failing("queue", "handle-expired"),
  "handle-taken": registered("taken"),
  probing: at("scope", RECORD, leaseAnswer({ denied: { why: "foreign" }, isThrottled: true })),
  "dnc-pending": at("scope", ADD, { outbox: outboxWith({ pendingFor: () => "phone" }) }),
  "over-limit": at(
    "policy",
    DNC,
    { tenants: [aTenant({ limits: { requests: { points: 1, seconds: 60 }, actions: new Map() } })] },
    2,
  ),
  "queue-full": failing("queue", "queue-full"),
  "queue-timeout": failing("queue", "queue-timeout"),
  "outbox-full": at("journal", LATER, { outbox: outboxWith({ hasRoom: () => false }) }),
  abandoned: failing("queue", "abandoned", { verdict: "no" }),
  unreachable: failing("ocs", "unreachable"),
  "no-answer": failing("ocs", "no-answer", { sent: true, verdict: "?" }),
  "connection-lost": failing("ocs", "connection-lost", { sent: true, verdict: "?" }),
  "malformed-response": failing("ocs", "malformed-response", { sent: true, verdict: "?" }),
  "no-such-request": asked(undefined),
  "request-unclear": asked("the index is being built"),
  "key-running": keyed({ kind: "running", token: "t1:00", first: "01KAPQ7Z8M3VABCDEFGHJKMNPR" }),
  "key-reused": keyed({ kind: "other-request", token: "t1:00", first: "01KAPQ7Z8M3VABCDEFGHJKMNPR" }),
  "bad-key": keyed({ kind: "full", seconds: 60 }, "not one"),
  "too-many-keys": keyed({ kind: "full", seconds: 60 }),
  "database-unavailable": keyed(new KeysUnavailable("no space left on the device")),
  "journal-unavailable": at("journal", DNC, { append: () => Promise.reject(new Error("ENOSPC")) }),
  "outbox-unavailable": at("journal", LATER, {
    outbox: outboxWith({ accept: () => Promise.reject(new Error("no space is left on the disk")) }),
  }),
  "ownership-unavailable": registered("unstored"),
  unclear: at("scope", RECORD, leaseAnswer({ unclear: "storing" })),
  "internal-error": at("identity", DNC, {
    identify: () => {
      throw new Error("a defect");
    },
  }),
};

const transactionOf = (entries: readonly Entry[]): Transaction => ({
  at: 0,
  entries: entries.map((entry, index): Recorded => ({ ...entry, index, time: "2026-11-22T12:00:00.000000Z" })),
});

describe("explain shows stage and verdict of a request that was refused with", () => {
  it.each(Object.entries(CASES) as [Refusal, Case][])("%s", async (refusal, { stage, verdict, entries }) => {
    const transaction = transactionOf(await entries());
    const fields = fieldsOf(transaction);
    const row = REFUSALS[refusal];
    if (refusal !== "abandoned") expect([fields.code, fields.status]).toEqual([row.code, row.status]);
    const end = STAGES.indexOf(stage);
    expect(verdictsOf(transaction).map((each) => each.verdict)).toEqual([
      ...STAGES.slice(0, end).map(() => "ok"),
      verdict,
      ...STAGES.slice(end + 1).map(() => "–"),
    ]);
    if (refusal !== "abandoned") {
      expect(verdictsOf(transaction)[end]!.says).toMatch(new RegExp(`^${row.code}  .{10}`));
      expect(whatHappened(fields)).toContain(row.title);
    }
    expect(whatToDo(fields)).toMatch(/^.{10,}\.$/);
  });

  it("an internal error after the intent, without the stage, which is unknown", async () => {
    const line = aLine({ send: () => Promise.reject(new TypeError("a defect")) });
    await line.ask(DNC);
    const transaction = transactionOf(line.journal);
    expect(line.journal.map(({ kind }) => kind)).toEqual(["intent", "outcome"]);
    expect(verdictsOf(transaction).slice(-3)).toEqual([
      { stage: "journal", verdict: "ok", says: "intent on disk before OCS, under config c0ffee" },
      { stage: "queue", verdict: "?", says: "not known" },
      {
        stage: "ocs",
        verdict: "?",
        says: "OCSGW-5900  internal error of the gateway: how far the request got is not known",
      },
    ]);
    expect(whatHappened(fieldsOf(transaction))).toMatch(/internal error.*may have carried out/);
  });

  it("the rate limit of the tenant that the body named, after the body was read", async () => {
    const limits = { requests: { points: 1, seconds: 60 }, actions: new Map() };
    const { entries } = at(
      "scope",
      { ...DNC, as: "cluster", body: '{"GSW_TENANT_DBID":102}' },
      { tenants: [aTenant(both), beta({ ...both, limits })] },
      2,
    );
    const transaction = transactionOf(await entries());
    expect(fieldsOf(transaction)).toMatchObject({ code: REFUSALS["over-limit"].code, stage: "scope" });
    expect(whatHappened(fieldsOf(transaction))).toContain(REFUSALS["over-limit"].title);
  });
});
