/**
 * Three tenants: Alpha and Beta share an OCS, which announces its records; Gamma has one of its own. Every OCS is a
 * socket that records what it gets. A test asks as one of them, and sees what came back byte by byte and what each OCS
 * saw.
 */
import { connect } from "node:net";
import { announce } from "../kit/announcing.ts";
import { aGateway, basic, type TestGateway } from "../kit/gateway.ts";
import { OK, rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { ALL_ACTIONS } from "../ocs/manual.ts";
import { issuerFile } from "./tokens.ts";

export type TenantName = "alpha" | "beta" | "gamma";
export type TenantFacts = {
  readonly key: TenantName;
  readonly name: string;
  readonly dbid: number;
  readonly campaign: string;
  readonly list: string;
  readonly group: number;
  readonly ids: { readonly campaign: number; readonly group: number };
  /** A live record handle. */
  readonly handle: number;
  readonly ocs: "shared" | "gammas";
};

export const TENANTS: Readonly<Record<TenantName, TenantFacts>> = {
  alpha: {
    key: "alpha",
    name: "Alpha Tenant",
    dbid: 101,
    campaign: "Alpha Campaign",
    list: "Alpha List",
    group: 106,
    ids: { campaign: 139, group: 234 },
    handle: 15,
    ocs: "shared",
  },
  beta: {
    key: "beta",
    name: "Beta Tenant",
    dbid: 102,
    campaign: "Beta Campaign",
    list: "Beta List",
    group: 208,
    ids: { campaign: 146, group: 244 },
    handle: 41,
    ocs: "shared",
  },
  gamma: {
    key: "gamma",
    name: "Gamma Tenant",
    dbid: 103,
    campaign: "Gamma Campaign",
    list: "Gamma List",
    group: 310,
    ids: { campaign: 150, group: 250 },
    handle: 77,
    ocs: "gammas",
  },
};

/** What there is none of. */
export const NOBODY = {
  name: "Omega Tenant",
  dbid: 999,
  campaign: "Omega Campaign",
  list: "Omega List",
  group: 999,
  handle: 999,
} as const;

export const PAIRS: readonly (readonly [from: TenantFacts, to: TenantFacts])[] = Object.values(TENANTS).flatMap(
  (from) =>
    Object.values(TENANTS)
      .filter((to) => to !== from)
      .map((to) => [from, to] as const),
);

/** As a client sends it. `as`: whose key, or an Authorization of its own. */
export type Ask = {
  readonly as: TenantName | "nobody" | `Bearer ${string}`;
  readonly target: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: readonly string[];
};

/** What an OCS has had: requests, bytes, and the last request as text. */
export type Seen = { readonly requests: number; readonly bytes: number; readonly last: string };
export type OcsName = TenantFacts["ocs"];

export type World = {
  readonly gateway: TestGateway;
  readonly ocs: Readonly<Record<OcsName, RawOcs>>;
  readonly callbacks: string;
  /** The reply as it came. */
  readonly ask: (ask: Ask) => Promise<string>;
  readonly seen: () => Readonly<Record<OcsName, Seen>>;
  readonly announce: (tenant: TenantFacts, handle: number) => Promise<void>;
  readonly close: () => Promise<void>;
};

export const groupName = ({ name, campaign }: TenantFacts): string => `${campaign}@${name.replace("Tenant", "Agents")}`;

/** Of each tenant's group, what OCS shows of it. */
export type Shown = Partial<Record<TenantName, Readonly<Record<string, unknown>>>>;

/** Both GETs as OCS answers them, of every tenant at once; everything else 200. */
export const ocsAnswer = (head: string, shown: Shown = {}): string => {
  if (!head.startsWith("GET ")) return OK;
  const group = (tenant: TenantFacts): object => ({
    GSW_CM_AttrCampaignID: tenant.ids.campaign,
    GSW_CM_AttrGroupID: tenant.ids.group,
    GSW_CM_AttrGroupCampStatus: 4,
    GSW_SWITCH_DBID: 105,
    ...shown[tenant.key],
  });
  const all = Object.values(TENANTS);
  const one = all.find((tenant) => head.startsWith(`GET /campaigngroups/${tenant.group} `));
  const body = JSON.stringify(
    one
      ? { GSW_CM_MessageType: 24, ...group(one) }
      : {
          GSW_CM_MessageType: 46,
          CampaignGroups: Object.fromEntries(all.map((tenant) => [groupName(tenant), group(tenant)])),
          GSW_CM_AttrOriginAppID: 398,
        },
  );
  return (
    `HTTP/1.1 200 OK\r\nServer: OCS/8.1.524.04\r\nCache-control: private\r\nEtag: 1569882947\r\nContent-type: ` +
    `application/json\r\nContent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
};

/** `more`: what a tenant's settings have besides. */
export const aWorld = async (more: Readonly<Partial<Record<TenantName, object>>> = {}): Promise<World> => {
  const ocs = {
    shared: await rawOcs(({ head }) => ocsAnswer(head)),
    gammas: await rawOcs(({ head }) => ocsAnswer(head)),
  };
  const tenant = (facts: TenantFacts): object => ({
    name: facts.name,
    dbid: facts.dbid,
    upstream: facts.ocs,
    clients: { [facts.key]: { actions: ALL_ACTIONS } },
    campaigns: [facts.campaign],
    lists: [facts.list],
    campaign_groups: [
      { dbid: facts.group, name: groupName(facts), campaign_id: facts.ids.campaign, group_id: facts.ids.group },
    ],
    records: facts.ocs === "shared" ? "pre-dial" : "dedicated",
    ...more[facts.key],
  });
  const gateway = await aGateway(
    {
      listeners: [{ name: "clients", bind: "127.0.0.1:0", tls: "none" }],
      identity: {
        keys: { file: "keys.yaml" },
        jwt: [
          {
            name: "idp",
            issuer: "https://idp.test/",
            audience: "ocs-gateway",
            jwks_file: "jwks.json",
            algorithms: ["ES256"],
            claims: { client: "azp", tenant: "ocs_tenant" },
          },
        ],
      },
      upstreams: {
        shared: {
          primary: ocs.shared.url,
          aliases: ["ocs.us.int.genesyslab.com:8080"],
          callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] },
        },
        gammas: { primary: ocs.gammas.url },
      },
      tenants: Object.values(TENANTS).map(tenant),
      audit: {
        dir: "audit",
        index_key: "an index key for tests only, of 32 and more",
        checkpoint: { key: "checkpoint.pem", origin: "test.example/journal" },
      },
    },
    Object.keys(TENANTS),
    { "jwks.json": issuerFile() },
  );
  const callbacks = gateway.gateway.callbacks["shared"]!;
  const world: World = {
    gateway,
    ocs,
    callbacks,
    ask: (one) => exchange(gateway.port, one),
    seen: () => ({ shared: seenBy(ocs.shared), gammas: seenBy(ocs.gammas) }),
    announce: async (facts, handle) => {
      const { status } = await announce(callbacks, {
        GSW_RECORD_HANDLE: handle,
        GSW_CAMPAIGN_NAME: facts.campaign,
        GSW_CAMPAIGN_GROUP_NAME: groupName(facts),
        GSW_CAMPAIGN_GROUP_DBID: facts.group,
        GSW_CALLING_LIST: facts.list,
        GSW_PHONE: "4155550100",
      });
      if (status !== 200) throw new Error(`announced, and answered ${status}`);
    },
    close: async () => {
      await gateway.stop();
      await Promise.all([ocs.shared.close(), ocs.gammas.close()]);
    },
  };
  for (const facts of [TENANTS.alpha, TENANTS.beta]) await world.announce(facts, facts.handle);
  return world;
};

const seenBy = (ocs: RawOcs): Seen => {
  const bytes = ocs.bytes();
  return {
    requests: ocs.requests(),
    bytes: bytes.length,
    last:
      Buffer.from(bytes, "latin1")
        .toString("utf8")
        .split(/(?=(?:GET|POST) \/)/)
        .at(-1) ?? "",
  };
};

const authorization = ({ as }: Ask): string[] =>
  as === "nobody" ? [] : [`Authorization: ${as.startsWith("Bearer ") ? as : basic(as)}`];

export const textOf = (ask: Ask): string => {
  const { target, method = "POST", body = "", headers = [] } = ask;
  return [
    `${method} ${target} HTTP/1.1`,
    "Host: localhost",
    ...authorization(ask),
    ...(method === "GET" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...headers,
    "",
    body,
  ].join("\r\n");
};

/** One request on a connection of its own; resolves to the bytes of the reply, as text. */
const exchange = (port: number, ask: Ask): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let reply = "";
    socket
      .on("data", (chunk: Buffer) => {
        reply += chunk.toString("latin1");
        const end = reply.indexOf("\r\n\r\n");
        if (end < 0 || reply.length < end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(reply)?.[1] ?? 0)) return;
        socket.destroy();
        resolve(Buffer.from(reply, "latin1").toString("utf8"));
      })
      .on("error", reject)
      .on("close", () => reject(new Error(`the connection ended after ${JSON.stringify(reply)}`)));
    socket.write(textOf(ask));
  });

/** The reply without what differs from one to the next: date, request id, and the numbers of Server-Timing. */
export const masked = (reply: string): string =>
  reply
    .replaceAll(/[0-9A-HJKMNP-TV-Z]{26}/g, "<id>")
    .replace(/^Date: .*$/im, "Date: <date>")
    .replaceAll(/dur=[0-9.]+/g, "dur=<ms>");

export const codeOf = (reply: string): string | undefined => /^Ocsgw-Code: OCSGW-(\d+)\r$/im.exec(reply)?.[1];
export const statusOf = (reply: string): number => Number(reply.split(" ")[1]);
export const headerIn = (reply: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)\\r$`, "im").exec(reply)?.[1];
export const bodyOf = (reply: string): string => reply.slice(reply.indexOf("\r\n\r\n") + 4);
