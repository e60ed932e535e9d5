/**
 * The process is killed between each two steps of a keyed request; then a new one starts on the same disk, and the
 * client repeats its request. OCS must never get it twice, and a request that OCS got is never reported as not sent.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { resolveRunning } from "../../src/idempotency/resolve-running.ts";
import type { KeyEnd, KeyStore } from "../../src/idempotency/types.ts";
import type { Entry, Recorded } from "../../src/journal/entry.ts";
import { writeMicros } from "../../src/journal/time.ts";
import { headerOf, type Reply } from "../../src/common/message.ts";
import { UpstreamError } from "../../src/upstream/types.ts";
import { aLine, anAnswer } from "../kit/line.ts";
import { claimer, tableKeys } from "./kit.ts";

const dir = mkdtempSync(join(tmpdir(), "ocsgw-crash-"));
afterAll(() => rmSync(dir, { recursive: true }));

const STEPS = ["claim", "intent", "send", "settle", "end"] as const;
type Step = (typeof STEPS)[number];
/** The kill comes before the step has happened, or just after it. */
type Kill = { readonly step: Step; readonly when: "before" | "after" };

const NEVER = new Promise<never>(() => undefined);
const ADD = {
  target: "/lists/Alpha%20List?req=AddRecord",
  body: '{"GSW_PHONE":"4155550100","GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_TZ_NAME":"PST"}',
  headers: [["Idempotency-Key", '"k-1"']] as const,
};
const BEGUN = 1_900_000_000_000_000;

let sites = 0;
/** What outlives a process. */
class Site {
  readonly file = join(dir, `${++sites}.sqlite`);
  readonly journal: Recorded[] = [];
  ocs = 0;

  write(entry: Entry): void {
    const index = this.journal.length;
    this.journal.push({ ...entry, index, time: writeMicros(BEGUN + index) });
  }
}

type OcsDoes = "answers" | "never answers" | "cannot be reached";

const runOn = (site: Site, store: KeyStore, id: string, ocs: OcsDoes, kill?: Kill): Promise<Reply> => {
  const doing = async <Value>(step: Step, act: () => Promise<Value> | Value): Promise<Value> => {
    if (kill?.step === step && kill.when === "before") return NEVER;
    const value = await Promise.resolve(act()).catch((error: unknown) => error as Error);
    if (kill?.step === step) return NEVER;
    if (value instanceof Error) throw value;
    return value;
  };
  const entry = site.journal.length - 1;
  const line = aLine({
    claimKey: claimer(
      {
        claim: (key) => doing("claim", () => store.claim(key)),
        settle: (of, end) => doing("settle", () => store.settle(of, end)),
      },
      { entry, entryTime: BEGUN + entry },
    ),
    append: (each) => doing(each.kind === "intent" ? "intent" : "end", () => site.write(each)),
    send: () =>
      doing("send", () => {
        if (ocs === "cannot be reached") throw new UpstreamError("unreachable", false, "no OCS");
        site.ocs++;
        if (ocs === "never answers") throw new UpstreamError("no-answer", true, "no answer");
        return anAnswer();
      }),
  });
  return line.ask({ ...ADD, id });
};

const restart = async (site: Site): Promise<KeyStore> => {
  const store = tableKeys(site.file);
  site.write({ kind: "start", format: 2, version: "1.0.0", pid: 2 });
  const ends = await resolveRunning(store.running, {
    entriesFrom: async function* (from) {
      yield* site.journal.slice(from);
    },
    refusalOf: (code) => (code === "OCSGW-4101" ? "no-answer" : undefined),
    doubt: { refusal: "connection-lost", detail: "in doubt" },
  });
  for (const [id, end] of ends) await store.settle(id, end as KeyEnd);
  return store;
};

const kills: readonly (Kill | undefined)[] = [
  undefined,
  ...STEPS.flatMap((step) => (["before", "after"] as const).map((when) => ({ step, when }))),
];
const cases = (["answers", "never answers", "cannot be reached"] as const).flatMap((ocs) =>
  kills.map((kill) => ({ ocs, kill, when: kill ? `${kill.when} ${kill.step}` : "not at all" })),
);

describe("killed", () => {
  it.each(cases)("$when, while OCS $ocs", async ({ ocs, kill }) => {
    const site = new Site();
    site.write({ kind: "start", format: 2, version: "1.0.0", pid: 1 });
    const before = tableKeys(site.file);
    await Promise.race([runOn(site, before, "FIRST", ocs, kill), new Promise((resolve) => setImmediate(resolve))]);
    await before.close();
    const sentBefore = site.ocs;
    const after = await restart(site);
    const reply = await runOn(site, after, "SECOND", "answers");
    const third = await runOn(site, after, "THIRD", "answers");
    await after.close();
    expect(site.ocs).toBeLessThanOrEqual(1);
    const isReplayed = headerOf(reply.headers, "Ocsgw-Idempotency") === "replayed";
    // Sent now if and only if OCS surely has not got it: it got no intent, or the end says that nothing was sent.
    const knowsNotSent = !site.journal.some((entry) => "id" in entry && entry.id === "FIRST");
    if (sentBefore === 1) expect(isReplayed).toBe(true);
    else if (knowsNotSent) expect([isReplayed, reply.status]).toEqual([false, 200]);
    expect([200, 502, 504]).toContain(reply.status);
    if (isReplayed) expect(headerOf(reply.headers, "Ocsgw-First-Request")).toBe("FIRST");
    // Whatever it is, it stays so.
    expect([third.status, headerOf(third.headers, "Ocsgw-Idempotency")]).toEqual([reply.status, "replayed"]);
    const answeredBefore =
      kill === undefined || ["settle after", "end before", "end after"].includes(`${kill.step} ${kill.when}`);
    if (ocs === "answers" && answeredBefore) expect([reply.status, site.ocs]).toEqual([200, 1]);
    if (ocs === "cannot be reached" && answeredBefore) expect([isReplayed, site.ocs]).toEqual([false, 1]);
  });
});
