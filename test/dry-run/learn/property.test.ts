import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { simulate } from "../../../src/dry-run/simulate.ts";
import { CASES } from "../../../src/ocs/examples.ts";
import type { Settings } from "../../../src/settings/schema/schema.ts";
import { edited, entries, learnFrom, send, settingsOf, type Sent } from "./kit.ts";

const TENANTS = ["Alpha", "Beta", "Gamma"] as const;
type TenantName = (typeof TENANTS)[number];
const CLIENTS = ["ors", "ivr", "crm", "ops"] as const;
const GROUPS = [1, 2, 3] as const;
const FIELDS = ["COLOUR", "SIZE", "first name", "1-TIPO"] as const;
const ACTIONS = [...new Set(CASES.map(({ operation }) => operation.action.name))];

const dbidOf = (tenant: TenantName): number => 101 + TENANTS.indexOf(tenant);
const groupOf = (tenant: TenantName, group: number): number => dbidOf(tenant) * 10 + group;

/** What one client sends in one tenant. */
type Profile = {
  readonly tenant: TenantName;
  readonly client: string;
  readonly cases: readonly number[];
  readonly groups: readonly number[];
  readonly fields: readonly string[];
  readonly names: boolean;
};

const granted = fc.record({
  actions: fc.subarray(ACTIONS, { maxLength: 5 }),
  groups: fc.option(fc.subarray([...GROUPS])),
});
const world = fc.record({
  grants: fc.array(fc.tuple(fc.constantFrom(...TENANTS), fc.constantFrom(...CLIENTS), granted), {
    minLength: 2,
    maxLength: 7,
  }),
  fields: fc.record(Object.fromEntries(TENANTS.map((name) => [name, fc.option(fc.subarray([...FIELDS]))]))),
  limits: fc.record(Object.fromEntries(TENANTS.map((name) => [name, fc.option(fc.integer({ min: 1, max: 20 }))]))),
});
type World = typeof world extends fc.Arbitrary<infer Of> ? Of : never;

/** A client of one tenant; its name has the tenant's, because a client of several must name one. */
const memberships = ({ grants }: World): ReadonlyMap<string, (typeof grants)[number]> =>
  new Map(grants.map((grant) => [`${grant[1]}-${grant[0].toLowerCase()}`, grant]));

const configOf = (made: World): string =>
  [
    "version: 1",
    "listeners: [{ name: clients, bind: 127.0.0.1:8443, tls: none }]",
    "identity: { keys: { file: keys.yaml, carriers: [basic] } }",
    "upstreams: { ocs: { primary: http://127.0.0.1:18080 } }",
    "audit:",
    "  dir: ./audit",
    "  index_key: an index key for tests only - 32+",
    "  checkpoint: { key: secrets/checkpoint.pem, origin: ocsgw.test/learn }",
    "admin: { bind: 127.0.0.1:9640 }",
    "tenants:",
    ...TENANTS.flatMap((name) => [
      `  - name: ${name}`,
      `    dbid: ${dbidOf(name)}`,
      "    upstream: ocs",
      "    mode: observe",
      "    records: unscoped",
      "    clients:",
      ...[...memberships(made)].flatMap(([client, [tenant, , { actions, groups }]]) =>
        tenant !== name
          ? []
          : [
              `      ${client}: { actions: [${actions.join(", ")}]` +
                (groups ? `, campaign_groups: [${groups.map((group) => groupOf(name, group)).join(", ")}]` : "") +
                " } # kept",
            ],
      ),
      `      idle-${name.toLowerCase()}: { actions: [DoNotCall] }`,
      `    campaigns: [${name} Campaign]`,
      `    lists: [${name} List]`,
      "    campaign_groups:",
      ...GROUPS.map((group) => `      - { dbid: ${groupOf(name, group)}, name: "${name}@${group}" }`),
      ...(made.fields[name] ? [`    fields: [${made.fields[name].join(", ")}]`] : []),
      ...(made.limits[name] ? [`    limits: { requests: { rate: ${made.limits[name]}/s } }`] : []),
    ]),
  ].join("\n");

/** Foreign names, tenants and handles are in the traffic too: no policy may allow these. */
const requestOf = (profile: Profile, pick: number, at: number, isForeign: boolean): Sent => {
  const { operation, target, body } = CASES[profile.cases[pick % profile.cases.length]!]!;
  const { resource, userFields, method } = operation.action;
  const other = TENANTS[(TENANTS.indexOf(profile.tenant) + 1) % TENANTS.length]!;
  const named = isForeign ? other : profile.tenant;
  const group = groupOf(named, profile.groups[pick % profile.groups.length]!);
  const parsed = body === "" || method === "GET" ? undefined : (JSON.parse(body) as Record<string, unknown>);
  const fields = userFields ? profile.fields.slice(0, pick % 3) : [];
  return {
    at,
    as: profile.client,
    method,
    target: target.replace("Alpha%20List", `${named}%20List`).replace(/(campaigngroups\/)\d+/, `$1${group}`),
    ...(parsed && {
      body: JSON.stringify({
        ...parsed,
        ...("GSW_TENANT_NAME" in parsed && { GSW_TENANT_NAME: isForeign ? other : profile.tenant }),
        ...("GSW_TENANT_DBID" in parsed && { GSW_TENANT_DBID: dbidOf(named) }),
        ...(("GSW_CAMPAIGN_NAME" in parsed || (profile.names && resource === "phones")) && {
          GSW_CAMPAIGN_NAME: `${named} Campaign`,
        }),
        ...Object.fromEntries(fields.map((name) => [name, "x"])),
      }),
    }),
  };
};

const trafficOf = (made: World): fc.Arbitrary<readonly Sent[]> => {
  const profiles = [...memberships(made)].map(([client, [tenant]]) =>
    fc.record({
      tenant: fc.constant(tenant),
      client: fc.constant(client),
      cases: fc.uniqueArray(fc.nat({ max: CASES.length - 1 }), { minLength: 1, maxLength: 6 }),
      groups: fc.subarray([...GROUPS], { minLength: 1 }),
      fields: fc.subarray([...FIELDS]),
      names: fc.boolean(),
    }),
  );
  const step = fc.record({
    who: fc.nat(),
    pick: fc.nat({ max: 50 }),
    gap: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 90_000 })),
    foreign: fc.nat({ max: 9 }).map((dice) => dice === 0),
  });
  return fc.tuple(fc.tuple(...profiles), fc.array(step, { minLength: 20, maxLength: 120 })).map(([all, steps]) => {
    let at = 0;
    return steps.map(({ who, pick, gap, foreign }) => requestOf(all[who % all.length]!, pick, (at += gap), foreign));
  });
};

const tenantOf = ({ tenants }: Settings, client: string): Settings["tenants"][number] =>
  tenants.find(({ clients }) => Object.hasOwn(clients, client))!;

/** Requests with actions, groups and fields that no request had, of clients that had some request. */
const unseen = (settings: Settings, traffic: readonly Sent[], passed: (at: number) => boolean): readonly Sent[] => {
  const at = traffic.at(-1)!.at + 86_400_000;
  const seen = new Set(
    traffic.flatMap(({ as, target }, place) =>
      passed(place) ? [`${as} ${/req=(\w+)/.exec(target)?.[1] ?? "ReadStatus"}`] : [],
    ),
  );
  const active = new Set(traffic.flatMap(({ as }, place) => (passed(place) ? [tenantOf(settings, as).name] : [])));
  // Nothing is concluded about a tenant without a request.
  const clients = settings.tenants.flatMap(({ name, clients: own }) => (active.has(name) ? Object.keys(own) : []));
  return clients.flatMap((as) =>
    CASES.filter(({ operation }) => !seen.has(`${as} ${operation.action.name}`)).map(({ operation, target, body }) => {
      const { name } = tenantOf(settings, as);
      const own = (text: string): string =>
        text
          .replaceAll("Alpha Tenant", name)
          .replaceAll("Alpha", name)
          .replace(/(campaigngroups\/)\d+/, "$11011");
      return {
        at,
        as,
        method: operation.action.method,
        target: own(target),
        body: operation.action.method === "GET" ? "" : own(body),
      };
    }),
  );
};

describe("what is learned from the traffic of observing tenants", () => {
  it("allows exactly that traffic, and simulate shows no changed decision", { timeout: 90_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        world.chain((made) => trafficOf(made).map((traffic) => ({ made, traffic }))),
        async ({ made, traffic }) => {
          const text = configOf(made);
          const before = await send(text, traffic);
          const learned = await learnFrom(text, before.journal);
          const proposed = edited(text, learned);
          const settings = settingsOf(proposed);
          expect(proposed.match(/# kept/g)?.length, "comments stay").toBe(text.match(/# kept/g)?.length);

          const simulated = await simulate(entries(before.journal), settings);
          expect(simulated.changes).toEqual([]);
          expect(simulated.replayed).toBeGreaterThan(0);

          const enforced = edited(text, await learnFrom(text, before.journal, { enforce: true }));
          const after = await send(enforced, traffic);
          for (const [place, code] of before.codes.entries())
            expect([place, passes(after.codes[place])]).toEqual([place, passes(code)]);
          // A request that isolation refused may be refused by the policy now, with another code.
          const { changes } = await simulate(entries(before.journal), settingsOf(enforced));
          expect(changes.filter(({ from, to }) => [from, to].some((code) => !/^OCSGW-\d+$/.test(code)))).toEqual([]);

          const passed = (place: number): boolean => passes(before.codes[place]);
          const never = unseen(settingsOf(text), traffic, passed);
          const { codes } = await send(enforced, never);
          expect(codes.map(passes), "what was not seen is refused").toEqual(never.map(() => false));
        },
      ),
      { numRuns: 100, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
    );
  });
});

const passes = (code: string | undefined): boolean => code === undefined;
