import { describe, expect, it } from "vitest";
import type { Recorded } from "../../src/journal/entry.ts";
import { CASES } from "../../src/ocs/examples.ts";
import { simulate, type Simulated } from "../../src/dry-run/simulate.ts";
import { toTenants } from "../../src/settings/to-tenants.ts";
import type { Settings } from "../../src/settings/schema/schema.ts";
import { aLine } from "../kit/line.ts";
import { mutated, read, SAMPLE } from "../settings/kit.ts";
import { ANY_OWNER } from "./learn/kit.ts";

const settingsOf = (text: string): Settings => {
  const loaded = read(text);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings;
};

/**
 * Every row of the action table, asked by every client of this policy, in its own tenant's names; and what its journal
 * says of it.
 */
const history = async (text: string): Promise<Recorded[]> => {
  const { tenants } = settingsOf(text);
  const line = aLine({
    ownership: ANY_OWNER,
    tenants: toTenants({ ...settingsOf(text), tenants: tenants.map((tenant) => ({ ...tenant, limits: null })) }),
  });
  for (const tenant of tenants) {
    const own = (value: string): string =>
      value
        .replaceAll("Alpha Tenant", tenant.name)
        .replaceAll("Alpha Campaign", tenant.campaigns[0]!)
        .replaceAll("Alpha%20List", encodeURIComponent(tenant.lists[0]!));
    for (const as of Object.keys(tenant.clients))
      for (const { operation, target, body } of CASES)
        await line.ask({
          method: operation.action.method,
          target: own(target),
          body: operation.action.method === "GET" ? "" : own(body),
          as,
        });
  }
  return line.journal.map((entry, index) => ({ ...entry, index, time: "2026-11-20T00:00:00.000000Z" }));
};
const entries = async function* (list: readonly Recorded[]): AsyncGenerator<Recorded> {
  yield* list;
  await Promise.resolve();
};
const changesOn = async (text: string, from = SAMPLE): Promise<Simulated> =>
  simulate(entries(await history(from)), settingsOf(text));
const lines = ({ changes }: Simulated): string[] =>
  changes
    .map(({ count, client, action, resource, from, to }) => `${count} ${client} ${action} ${resource} ${from} -> ${to}`)
    .toSorted();

describe("the journal's requests, asked of another policy", () => {
  it("are decided as they were by the policy that decided them", async () => {
    const simulated = await changesOn(SAMPLE);
    expect(simulated).toMatchObject({ changes: [], untold: [], unchanged: simulated.replayed });
    expect(simulated.replayed).toBe(4 * CASES.length);
  });

  it("show what a client loses and gains", async () => {
    const text = mutated(["beta-crm: { actions: [AddRecord, DoNotCall,", "beta-crm: { actions: [Load, DoNotCall,"]);
    expect(lines(await changesOn(text))).toEqual([
      "1 beta-crm AddRecord lists allow -> OCSGW-2101",
      "1 beta-crm AddRecord records allow -> OCSGW-2101",
      "1 beta-crm Load campaigngroups OCSGW-2101 -> OCSGW-2104",
    ]);
  });

  it("show what is no longer the tenant's, with why and whose", async () => {
    const simulated = await changesOn(
      mutated(
        ["lists: [Beta List]", "lists: [Another List]"],
        ["campaigns: [Alpha Campaign, Alpha Winback]", "campaigns: [Alpha Winback]"],
      ),
    );
    expect(lines(simulated)).toEqual([
      "1 alpha-ors AddRecord lists allow -> OCSGW-2104",
      "1 beta-crm AddRecord lists allow -> OCSGW-2104",
    ]);
    expect(simulated.changes).toContainEqual(
      expect.objectContaining({
        client: "beta-crm",
        tenant: "Beta Tenant",
        because: "this list does not belong to this tenant",
        examples: [expect.stringMatching(/^[0-9A-Z]{26}$/) as string],
      }),
    );
  });

  it("show what would begin to be refused when a tenant no longer only observes", async () => {
    const observed = mutated(["records: unscoped\n    limits", "records: unscoped\n    mode: observe\n    limits"]);
    const refused = (await history(observed)).filter(
      (entry) => entry.kind === "intent" && entry.would_refuse !== undefined,
    ).length;
    expect(refused).toBeGreaterThan(5);
    const begins = await changesOn(SAMPLE, observed);
    expect(begins.changes.reduce((sum, { count }) => sum + count, 0)).toBe(refused);
    expect(lines(begins)).toContain("1 beta-crm RecordReject records OCSGW-2101 (observed) -> OCSGW-2101");
    expect(lines(await changesOn(observed))).toContain(
      "1 beta-crm RecordReject records OCSGW-2101 -> OCSGW-2101 (observed)",
    );
    expect((await changesOn(observed, observed)).changes, "the same policy, observed as before").toEqual([]);
    const granted = SAMPLE.replace(
      "beta-crm: { actions: [AddRecord, ",
      "beta-crm: { actions: [AddRecord, RecordReject, ",
    );
    const now = await changesOn(granted, observed);
    expect(lines(now).join("\n"), "it passes as before").not.toContain("beta-crm RecordReject");
    expect(now.recorded).toMatchObject([
      { client: "beta-crm", action: "RecordReject", from: "OCSGW-2101 (observed)", to: "allow" },
    ]);
  });

  it("of a client with two tenants of one DBID are asked of the one whose they were", async () => {
    const two = SAMPLE.replace(
      "tenants:\n",
      '  ocs-two: { primary: "http://127.0.0.1:18081" }\n\ntenants:\n  ' +
        "- { name: " +
        "Gamma Tenant, " +
        "dbid: 102, " +
        "upstream: ocs-two, records: unscoped, campaigns: [Gamma " +
        "Campaign], lists: " +
        "[Gamma List], " +
        "clients: { " +
        "beta-crm: { actions: [DoNotCall] } } }\n",
    );
    const own = (await history(SAMPLE)).filter((entry) => entry.kind === "intent" && entry.client === "beta-crm");
    expect(own.length).toBeGreaterThan(3);
    expect(await simulate(entries(own), settingsOf(two))).toMatchObject({ replayed: own.length, changes: [] });
  });

  it("show what a list of fields would refuse, and say what cannot be known", async () => {
    const time = { index: 0, time: "2026-11-20T00:00:00.000000Z" };
    const refusal = {
      kind: "refusal",
      client: "beta-crm",
      resource: "lists",
      identifier: "Beta List",
      action: "AddRecord",
      status: 400,
      delivery: "not-sent",
    } as const;
    const intent = {
      ...time,
      kind: "intent",
      id: "1",
      tenant: { dbid: 102, name: "Beta Tenant" },
      client: "beta-crm",
      credential: { kind: "key", id: "k" },
      source: "s",
      listener: "l",
      resource: "lists",
      identifier: "Beta List",
      action: "AddRecord",
      body: { GSW_CAMPAIGN_NAME: "Beta Campaign", GSW_TZ_NAME: "PST", COLOUR: "t1:00" },
      config_hash: "",
    } as const;
    const simulated = await simulate(
      entries([
        intent,
        { ...intent, id: "10", would_refuse: "OCSGW-3001" },
        {
          ...intent,
          id: "11",
          body: { GSW_CAMPAIGN_NAME: "Beta Campaign", GSW_TZ_NAME: "PST" },
          would_refuse: "OCSGW-1007",
        },
        { ...time, ...refusal, id: "2", code: "OCSGW-1007", pointer: "/SIZE" },
        { ...time, ...refusal, id: "3", code: "OCSGW-2103", pointer: "/GSW_TENANT_DBID" },
        { ...time, ...refusal, id: "4", code: "OCSGW-2104", pointer: "/GSW_CAMPAIGN_NAME" },
        { ...time, ...refusal, id: "5", code: "OCSGW-3001" },
        { ...time, ...refusal, id: "6", code: "OCSGW-2106" },
        { ...time, ...refusal, id: "7", code: "OCSGW-1003" },
        { ...time, kind: "refusal", id: "8", code: "OCSGW-2001", status: 401, delivery: "not-sent" },
      ]),
      settingsOf(mutated(["lists: [Beta List]\n", "lists: [Beta List]\n    fields: [SIZE]\n"])),
    );
    expect(lines(simulated)).toEqual([
      "1 beta-crm AddRecord lists OCSGW-1007 -> allow",
      "1 beta-crm AddRecord lists allow -> OCSGW-1007",
    ]);
    expect(simulated.untold.map(({ why, count }) => `${count} ${/OCSGW-\d+/.exec(why)![0]}`)).toEqual([
      "2 OCSGW-3001",
      "1 OCSGW-1007",
      "1 OCSGW-2103",
      "1 OCSGW-2104",
      "1 OCSGW-2106",
      "1 OCSGW-2001",
    ]);
  });
});
