/** A gateway with a busy tenant, the canary, and with Alpha, whose clients also ask for what is the canary's. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { parse, stringify } from "yaml";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { ALL_ACTIONS } from "../../ocs/manual.ts";
import { EVERYTHING } from "./people.ts";

export const CANARY = {
  name: "Canary-7f3a",
  dbid: 48_573,
  client: "ivr-7f3a",
  list: "Liste 7f3a",
  campaign: "Kampagne 7f3a",
  group: 735_731,
  handle: "735353",
  number: "4155557353",
};
/** Another gateway has such a tenant, this one does not. As long as the canary's names, character by character. */
export const NOBODY = {
  name: "Sparro-9b1c",
  dbid: 48_913,
  client: "ivr-9b1c",
  list: "Liste 9b1c",
  campaign: "Kampagne 9b1c",
  group: 935_931,
  handle: "935953",
};

export let gateway: TestGateway;
export let admin: string;
export let ocs: SandboxOcs;
export const stops: (() => Promise<unknown> | void)[] = [];
export const canaryIds: string[] = [];
export const alphaIds: string[] = [];
export let tokens: { readonly own: string; readonly canary: string };

export const call = async (
  path: string,
  client: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
) => {
  const reply = await fetch(`${gateway.url}${path}`, {
    method: "POST",
    headers: { Authorization: basic(client), ...(body && { "Content-Type": "application/json" }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  await reply.text();
  return reply.headers.get("ocsgw-request-id")!;
};

export const addRecord = (campaign: string) => ({
  GSW_PHONE: "4155550101",
  GSW_TZ_NAME: "PST",
  GSW_CAMPAIGN_NAME: campaign,
});

/** What the canary does, and what a client of both tenants does for it or without naming one. */
export const canaryTraffic = async (): Promise<void> => {
  const { client, list, campaign, group, handle, number, dbid } = CANARY;
  const asked = [
    call(`/phones/${number}?req=DoNotCall`, client),
    call(`/lists/${encodeURIComponent(list)}?req=AddRecord`, client, addRecord(campaign)),
    call(`/campaigngroups/${group}?req=StartDialing`, client),
    call(`/records/${handle}?req=RequestRecordCancel`, client),
    call("/campaigngroups/106?req=StartDialing", client),
    call(`/phones/${number}?req=DoNotCall`, "both", { GSW_TENANT_DBID: dbid }),
    call(`/phones/${number}?req=DoNotCall`, "both"),
    call("/nowhere", client),
    call("/phones/1?req=DoNotCall", "stranger"),
    call(`/phones/${number}?req=DoNotCall`, client, undefined, { Prefer: "respond-async" }),
  ];
  canaryIds.push(...(await Promise.all(asked)));
};

/** What Alpha does, also with what is the canary's. */
export const alphaTraffic = async (): Promise<void> => {
  const { list, campaign, group, handle, dbid, name } = CANARY;
  alphaIds.push(
    await call("/phones/4155550177?req=DoNotCall", "alpha"),
    await call("/lists/Alpha%20List?req=AddRecord", "alpha", addRecord("Alpha Campaign")),
    await call(`/lists/${encodeURIComponent(list)}?req=AddRecord`, "alpha", addRecord("Alpha Campaign")),
    await call("/lists/Alpha%20List?req=AddRecord", "alpha", addRecord(campaign)),
    await call(`/campaigngroups/${group}?req=StartDialing`, "alpha"),
    await call(`/records/${handle}?req=RequestRecordCancel`, "alpha"),
    await call("/phones/4155550177?req=DoNotCall", "alpha", { GSW_TENANT_DBID: dbid }),
    await call("/phones/4155550178?req=DoNotCall", "alpha", { GSW_TENANT_NAME: name }),
    await call("/phones/4155550177?req=DoNotCall", "alpha", undefined, { "Ocsgw-Tenant": name }),
    await call("/phones/4155550177?req=DoNotCall", "both", { GSW_TENANT_DBID: 101 }),
  );
};

export type Answered = { readonly status: number; readonly text: string };

export const ask = async (method: string, target: string, as: string, body?: object): Promise<Answered> => {
  const reply = await fetch(`${admin}${target}`, {
    method,
    headers: { Authorization: `Bearer ${as}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: reply.status, text: await reply.text() };
};

/** A look-up of the person with this number. */
export const lookUpAs = async (as: string, phone: string, more: object = {}): Promise<any> => {
  const { status, text } = await ask("POST", "/api/audit/look-up", as, { phone, purpose: "ticket 42", ...more });
  expect([status, text]).toEqual([200, expect.anything()]);
  return JSON.parse(text);
};

export const flowsAs = async (as: string, filter: string, more = ""): Promise<any> => {
  const { status, text } = await ask("GET", `/api/flows?limit=1000&filter=${encodeURIComponent(filter)}${more}`, as);
  expect([status, filter]).toEqual([200, filter]);
  return JSON.parse(text);
};

export const startWorld = async (): Promise<void> => {
  ocs = await startSandboxOcs();
  stops.push(() => ocs.close());
  const config = twoTenants(ocs.primary.http);
  const { name, dbid, client, list, campaign, group } = CANARY;
  const actions = { actions: ALL_ACTIONS };
  const [alpha, beta] = config.tenants as Record<string, object>[];
  gateway = await aGateway(
    {
      ...config,
      upstreams: {
        ocs: {
          ...config.upstreams["ocs"]!,
          connections: 1,
          callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] },
        },
      },
      tenants: [
        { ...alpha, records: "pre-dial", clients: { ...alpha!["clients"], both: actions } },
        beta,
        {
          name,
          dbid,
          upstream: "ocs",
          clients: { [client]: actions, both: actions },
          campaigns: [campaign],
          lists: [list],
          records: "pre-dial",
          campaign_groups: [{ dbid: group, name: `${campaign}@${name} Agents` }],
        },
      ],
      admin: { bind: "127.0.0.1:0", look_ups: "10000/h" },
    },
    ["alpha", "beta", "both", client],
  );
  stops.push(gateway.stop);
  admin = gateway.gateway.admin!;
  await alphaTraffic();
  await canaryTraffic();
  const tokenOf = async (id: string): Promise<string> => (await flowsAs(EVERYTHING, `id:${id}`)).requests[0].phone;
  tokens = { own: await tokenOf(alphaIds[0]!), canary: await tokenOf(canaryIds[0]!) };
};

/** By a reload of the config file. */
export const addTenant = async (): Promise<void> => {
  const file = join(gateway.dir, "ocsgw.yaml");
  const config = parse(await readFile(file, "utf8")) as { readonly tenants: readonly object[] };
  const added = { name: "Newcomer-5d2e", dbid: 52_713, upstream: "ocs", clients: {}, records: "pre-dial" };
  await writeFile(file, stringify({ ...config, tenants: [...config.tenants, added] }));
  const reloaded = await gateway.gateway.reload();
  expect(reloaded.outcome, JSON.stringify(reloaded)).toBe("reloaded");
};

export const stopWorld = async (): Promise<void> => {
  for (const stop of stops.splice(0).reverse()) await stop();
};

export const traces = (): string[] => [
  "7f3a",
  String(CANARY.dbid),
  String(CANARY.group),
  CANARY.handle,
  CANARY.number,
  `······${CANARY.number.slice(-4)}`,
  tokens.canary.slice(0, 20),
  ...canaryIds,
];

/** Members that tell how much the whole gateway does, or decided by the whole config. */
export const COUNTING = new Set(
  (
    "index at crc searched config config_hash epoch generation dnc_sequence intent setting reason detail presented " +
    "pointer passed behind first_id last_id from to"
  ).split(" "),
);

export const membersIn = (value: unknown): string[] =>
  typeof value !== "object" || value === null
    ? []
    : Array.isArray(value)
      ? value.flatMap(membersIn)
      : Object.entries(value).flatMap(([name, each]) => [name, ...membersIn(each)]);

export const expectNoTrace = (text: string, what: string): void => {
  for (const trace of traces())
    expect(text.toLowerCase().includes(trace.toLowerCase()), `${trace} in ${what}`).toBe(false);
};

/** Each names the canary, or asks for more than Alpha. `of`: its names, or those of a tenant that does not exist. */
export const hostileFilters = (of: Omit<typeof CANARY, "number">): string[] => [
  `tenant:${of.name}`,
  `tenant:${of.dbid}`,
  `tenant:Nobody OR tenant:${of.name}`,
  `tenant:101 OR tenant:${of.dbid}`,
  `-tenant:101`,
  `-(tenant:101) OR (tenant:${of.dbid})`,
  `-tenant:"Alpha Tenant" OR -is:ok`,
  `tenant:*`,
  `tenant:${of.name.slice(0, 6)}*`,
  `(((tenant:${of.dbid})) OR -tenant:101)`,
  `client:${of.client}`,
  `list:"${of.list}"`,
  `-list:"${of.list}"`,
  `campaign:"${of.campaign}"`,
  `-campaign:"${of.campaign}" OR kind:config`,
  `group:${of.group}`,
  `-group:${of.group}`,
  `record:${of.handle}`,
  `-record:${of.handle}`,
  `record:${of.handle} OR -record:${of.handle}`,
  `-(-list:"${of.list}")`,
  "kind:start,config,switchover,access,alarm,stop",
  "-kind:intent",
  "missing:tenant",
  "dnc:1..1000",
];
