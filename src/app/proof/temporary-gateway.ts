/**
 * The configuration in force between embedded OCSs and the proof: a gateway on loopback, with a journal in a temporary
 * folder, generated credentials and no file, address or secret of the running gateway.
 */
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startSandboxOcs, type SandboxOcs } from "../../sandbox/start.ts";
import { hashArgon2id } from "../../common/argon2id.ts";
import type { AdminRecord } from "../../settings/files/admins-file.ts";
import { loadSettings } from "../../settings/load.ts";
import type { Settings, TenantSettings, UpstreamSettings } from "../../settings/schema/schema.ts";
import type { Gateway } from "../gateway.ts";
import { startGateway } from "../start.ts";
import { withCanary, type Canary } from "./canaries.ts";
import { createExchange, type Answer, type Exchange, type Sent } from "./exchange.ts";
import { ocsDataFor } from "./ocs-data.ts";
import type { PlannedUpstream, ProofPlan } from "./plan.ts";

export type ProofGateway = {
  /** As a client. */
  readonly ask: (client: string, sent: Sent) => Promise<Answer>;
  /** As the auditor of one tenant, over the admin API. */
  readonly askAs: (auditor: string, sent: Sent) => Promise<Answer>;
  /** Requests that the OCS of this site has received. */
  readonly received: (site: string) => number;
  /** The number of the connection on which it received the last one. */
  readonly lastConnection: (site: string) => number | undefined;
  readonly close: () => Promise<void>;
};

/** What the gateway runs with; tests give other tenants than those that the proof expects. */
export type InForce = Pick<ProofPlan, "upstreams" | "redact"> & { readonly tenants: readonly TenantSettings[] };

const NAME = "proof";
const REGISTRAR = "proof-registrar";
const MOST_LANES = 4;
const HOST = "127.0.0.1";

/** `folder`: empty; the caller deletes it. */
export const startProofGateway = async (
  folder: string,
  canaries: readonly Canary[],
  inForce: InForce,
): Promise<ProofGateway> => {
  const sites = new Map<string, SandboxOcs>();
  const { exchange, close } = createExchange();
  let gateway: Gateway | undefined;
  const stop = async (): Promise<void> => {
    close();
    await gateway?.stop("the proof has ended", { quiet: 0 });
    await Promise.all([...sites.values()].map((ocs) => ocs.close()));
  };
  try {
    for (const [site, of] of Map.groupBy(canaries, (canary) => canary.site))
      sites.set(site, await startSandboxOcs({ data: ocsDataFor(of) }));
    const secrets = await writeSecrets(folder, canaries, inForce.tenants);
    const { settings, file, hash } = await settingsFor(folder, sites, inForce);
    gateway = await startGateway({
      settings,
      configHash: hash,
      read: { admins: secrets.admins },
      file,
      command: "proof of isolation",
    });
    await nameOwners(gateway, { canaries, sites, inForce, exchange, registrar: secrets.keys.get(REGISTRAR)! });
    const admin = gateway.admin!;
    const cookies = await logIn(exchange, admin, secrets.passwords);
    const { url } = gateway.listeners[0]!;
    const basic = (client: string): string =>
      `Basic ${Buffer.from(`${client}:${secrets.keys.get(client) ?? ""}`).toString("base64")}`;
    return {
      ask: (client, sent) => exchange(url, { ...sent, headers: { ...sent.headers, Authorization: basic(client) } }),
      askAs: (auditor, sent) => {
        const { cookie, csrf } = cookies.get(auditor)!;
        return exchange(admin, { ...sent, headers: { ...sent.headers, Cookie: cookie, "Ocsgw-Csrf": csrf } });
      },
      received: (site) => sites.get(site)!.counters().primary.requests,
      lastConnection: (site) => sites.get(site)!.requests().at(-1)?.connection,
      close: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

type Secrets = {
  /** By client. */
  readonly keys: ReadonlyMap<string, string>;
  /** By auditor. */
  readonly passwords: ReadonlyMap<string, string>;
  readonly admins: readonly AdminRecord[];
};

/** The passwords are random, and last as long as the proof. */
const QUICK = { memory: 1024, passes: 1, lanes: 1 };
const newSecret = (): string => randomBytes(24).toString("base64url");

const writeSecrets = async (
  folder: string,
  canaries: readonly Canary[],
  tenants: readonly TenantSettings[],
): Promise<Secrets> => {
  const clients = [...tenants.flatMap((each) => Object.keys(each.clients)), ...canaries.map(({ client }) => client)];
  const keys = new Map([REGISTRAR, "template", ...clients].map((client) => [client, newSecret()]));
  const passwords = new Map(canaries.map(({ auditor }) => [auditor, newSecret()]));
  const created = new Date().toISOString();
  await writeFile(
    join(folder, "keys.yaml"),
    JSON.stringify({
      version: 1,
      keys: [...keys].map(([client, key], at) => ({
        id: `key-${at}`,
        client,
        hash: `sha256:${createHash("sha256").update(key).digest("hex")}`,
        created,
      })),
    }),
    { mode: 0o600 },
  );
  const admins = await Promise.all(
    canaries.map(async ({ auditor, tenant }): Promise<AdminRecord> => ({
      name: auditor,
      roles: ["viewer", "auditor"],
      tenants: [String(tenant.dbid)],
      hash: await hashArgon2id(passwords.get(auditor)!, QUICK),
      disabled: null,
      created: Date.now(),
    })),
  );
  return { keys, passwords, admins };
};

/** JSON is YAML. Everything but tenants and upstreams comes from a config of the proof's own. */
const settingsFor = async (folder: string, sites: ReadonlyMap<string, SandboxOcs>, inForce: InForce) => {
  const file = join(folder, "ocsgw.yaml");
  await writeFile(file, JSON.stringify(template(folder)), { mode: 0o600 });
  const loaded = await loadSettings(file);
  if (!loaded.ok) throw new Error(loaded.problems.map(({ path, message }) => `${path}: ${message}`).join("; "));
  const settings: Settings = {
    ...loaded.settings,
    upstreams: Object.fromEntries(
      Object.entries(inForce.upstreams).map(([name, planned]) => [
        name,
        upstreamOf(loaded.settings.upstreams[NAME]!, planned, sites.get(planned.site)!, registeredIn(inForce, name)),
      ]),
    ),
    tenants: inForce.tenants,
    audit: { ...loaded.settings.audit, redact: inForce.redact },
    // Its users are given at the start.
    admin: { ...loaded.settings.admin!, users: { file: join(folder, "admins.yaml") } },
  };
  return { settings, file, hash: loaded.hash };
};

const template = (folder: string): object => ({
  version: 1,
  listeners: [{ name: "clients", bind: `${HOST}:0`, tls: "none" }],
  identity: { keys: { file: join(folder, "keys.yaml") } },
  upstreams: {
    [NAME]: { primary: `http://${HOST}:9`, callbacks: { bind: `${HOST}:0`, allow_from: ["127.0.0.0/8"] } },
  },
  tenants: [{ name: "Template", dbid: 1, upstream: NAME, clients: { template: { actions: ["DoNotCall"] } } }],
  audit: {
    dir: join(folder, "audit"),
    index_key: randomBytes(32).toString("hex"),
    checkpoint: { key: join(folder, "checkpoint.pem"), origin: "proof.ocs-gateway/isolation" },
  },
  admin: { bind: `${HOST}:0` },
});

/** The tenants whose record handles a registrar names. */
const registeredIn = ({ tenants }: InForce, upstream: string): string[] =>
  tenants.filter((each) => each.upstream === upstream && each.records === "registered").map(({ name }) => name);

const upstreamOf = (
  base: UpstreamSettings,
  { connections, lane_isolation, queue, handle_window, isAnnounced }: PlannedUpstream,
  { primary }: SandboxOcs,
  registered: readonly string[],
): UpstreamSettings => ({
  ...base,
  primary: primary.http,
  connections: Math.min(connections, MOST_LANES),
  lane_isolation,
  queue,
  handle_window,
  callbacks:
    isAnnounced && base.callbacks
      ? {
          ...base.callbacks,
          registrars:
            registered.length === 0 ? [] : [{ client: REGISTRAR, tenants: [...registered], allow_from: null }],
        }
      : null,
});

type Owners = {
  readonly canaries: readonly Canary[];
  readonly sites: ReadonlyMap<string, SandboxOcs>;
  readonly inForce: InForce;
  readonly exchange: Exchange;
  readonly registrar: string;
};

/** OCS announces its records, and a registrar names the others, as in operation. */
const nameOwners = async (
  gateway: Gateway,
  { canaries, sites, inForce, exchange, registrar }: Owners,
): Promise<void> => {
  for (const [upstream, url] of Object.entries(gateway.callbacks)) {
    const { dialer } = sites.get(inForce.upstreams[upstream]!.site)!;
    dialer.configure({ validationUri: url });
    if (!(await dialer.announce())) throw new Error(`the gateway did not answer the announcements for ${upstream}`);
  }
  for (const { tenant, handle } of canaries) {
    const url = gateway.callbacks[tenant.upstream];
    if (handle === undefined || url === undefined || tenant.records !== "registered") continue;
    const { status, text } = await exchange(url, {
      method: "PUT",
      target: `/ownership/${tenant.upstream}/${handle}`,
      headers: { Authorization: `Basic ${Buffer.from(`${REGISTRAR}:${registrar}`).toString("base64")}` },
      body: { tenant: tenant.dbid },
    });
    if (status >= 300) throw new Error(`the handle of ${tenant.name} was not registered: ${text.split("\r\n")[0]}`);
  }
};

type LoggedIn = { readonly cookie: string; readonly csrf: string };

const logIn = async (
  exchange: Exchange,
  admin: string,
  passwords: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, LoggedIn>> => {
  const cookies = new Map<string, LoggedIn>();
  for (const [name, password] of passwords) {
    const { status, headers, body } = await exchange(admin, {
      method: "POST",
      target: "/api/session",
      body: { name, password },
    });
    if (status !== 200) throw new Error(`the temporary gateway's console refused its own user with ${status}`);
    const cookie = [headers["set-cookie"] ?? []].flat().map((each) => each.split(";")[0]!);
    cookies.set(name, { cookie: cookie.join("; "), csrf: (JSON.parse(body) as { readonly csrf: string }).csrf });
  }
  return cookies;
};

/** The configuration in force, with the clients of the canaries. */
export const inForceOf = (plan: ProofPlan, canaries: readonly Canary[]): InForce => ({
  upstreams: plan.upstreams,
  redact: plan.redact,
  tenants: canaries.map(withCanary),
});
