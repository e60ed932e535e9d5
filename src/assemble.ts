/** The composition root: settings → parts → listening. Stops them in reverse. Every part is made here and nowhere else. */
import { readFile } from "node:fs/promises";
import { BlockList } from "node:net";
import { createOversight } from "./assemble/oversight.ts";
import { Counts } from "./console/counts.ts";
import { leaveToken, newToken } from "./console/token.ts";
import { listen, type Listener } from "./edge/listener.ts";
import type { TlsSettings } from "./edge/tls.ts";
import { events } from "./events.ts";
import { createLine } from "./gateway/line.ts";
import type { Order, Parts } from "./gateway/words.ts";
import { openJournal, type Journal } from "./journal/append.ts";
import { createCheckpoints, loadOrCreateKey, type Checkpoints } from "./journal/checkpoint.ts";
import { createRedactor } from "./journal/redact.ts";
import type { Handler } from "./message.ts";
import { readKeys, type KeyRecord } from "./settings/keys-file.ts";
import type { ListenerSettings, Settings, UpstreamSettings } from "./settings/schema.ts";
import { createCredentials, type Credentials, type KeyRecord as CredentialKey } from "./tenants/credential.ts";
import { createHandleWatch } from "./tenants/ownership.ts";
import { createQuota } from "./tenants/quota.ts";
import { createRegister, type Tenant } from "./tenants/register.ts";
import { toTenants } from "./settings/register.ts";
import manifest from "../package.json" with { type: "json" };
import type { Endpoint } from "./upstream/endpoint.ts";
import { Switchboard, type UpstreamNews } from "./upstream/switchboard.ts";

export type Gateway = {
  readonly listeners: readonly { readonly name: string; readonly url: string }[];
  readonly admin: string | undefined;
  /** The checkpoints' verifier key (C2SP vkey). */
  readonly verifierKey: string;
  /** Lets what is under way end, then stops everything. */
  readonly stop: (reason: string) => Promise<void>;
};

export type AssembleOptions = {
  readonly settings: Settings;
  /** SHA-256 of the config file, hexadecimal. */
  readonly configHash: string;
  /** For the admin API; a new one when left out. Where there is an admin listener it is left in the journal's directory. */
  readonly adminToken?: string;
};

const VERSION = manifest.version;
const DRAIN_MS = 15_000;

export const assemble = async (options: AssembleOptions): Promise<Gateway> => {
  const stops: (() => Promise<void> | void)[] = [];
  const stopAll = async (): Promise<void> => {
    const faults: unknown[] = [];
    // One part that cannot stop in order does not keep the others from it.
    for (const stop of stops.splice(0).reverse()) await Promise.resolve().then(stop).catch((fault: unknown) => faults.push(fault));
    if (faults.length > 0) throw faults[0];
  };
  try {
    return await start(options, stops, stopAll);
  } catch (error) {
    await stopAll();
    throw error;
  }
};

type Stops = (() => Promise<void> | void)[];

const start = async ({ settings, configHash, adminToken }: AssembleOptions, stops: Stops, stopAll: () => Promise<void>): Promise<Gateway> => {
  const { journal, checkpoints } = await startJournal(settings, configHash, stops);
  const tenants = toTenants(settings);
  const credentials = await startCredentials(settings);
  stops.push(() => credentials.close());
  const counts = new Counts();
  const boards = await startUpstreams(settings, tellOf(journal, counts));
  stops.push(async () => void (await Promise.all([...boards.values()].map((board) => board.close()))));
  const token = adminToken ?? newToken();
  const oversight = await createOversight({
    settings, configHash, version: VERSION, token, journal, checkpoints, counts, upstreams: () => [...boards.values()].map((board) => board.status()),
  });
  // Before the listeners, so that in the reverse order of the stops it outlives them: while requests end, probes hear why it is not ready.
  const admin = await startAdmin(settings, { handler: oversight.handler, token }, stops);
  const handler = createLine(partsOf(settings, configHash, { journal, tenants, credentials, boards, counts }));
  const listeners = await startListeners(settings, handler, stops);
  await Promise.all([...boards.values()].map((board) => board.begin()));
  oversight.stage = "serving";
  return {
    listeners: listeners.map(({ name, url }) => ({ name, url })),
    admin: admin?.url,
    verifierKey: checkpoints.verifierKey,
    stop: async (reason) => {
      oversight.stage = "draining";
      events.stopping(reason);
      await stopAll();
      events.stopped();
    },
  };
};

const startJournal = async ({ audit }: Settings, configHash: string, stops: Stops): Promise<{ journal: Journal; checkpoints: Checkpoints }> => {
  const key = await loadOrCreateKey(audit.checkpoint.key);
  const journal = await openJournal({ dir: audit.dir, durability: audit.durability });
  stops.push(() => journal.close());
  const { size, torn } = journal.status();
  events.journalOpened(audit.dir, size);
  if (torn) events.journalTailCut(torn.segment, torn.bytes);
  const checkpoints = await createCheckpoints(journal, { key, origin: audit.checkpoint.origin, everyMs: audit.checkpoint.every });
  stops.push(() => checkpoints.stop());
  await journal.append({ kind: "start", version: VERSION, pid: process.pid, config_hash: configHash, torn });
  stops.push(() => journal.append({ kind: "stop", reason: "asked to stop" }).catch(() => undefined));
  return { journal, checkpoints };
};

const startCredentials = async ({ identity }: Settings): Promise<Credentials> => {
  const { keys } = identity;
  const read = keys ? readKeys(await readFile(keys.file, "utf8"), keys.file) : undefined;
  if (read && !read.ok) throw new Error(`${keys!.file}: ${read.problems.map(({ message }) => message).join("; ")}`);
  return createCredentials({
    jwt: identity.jwt.map(({ jwks_uri, jwks_file, claims, ...issuer }) => ({
      ...issuer,
      ...(jwks_uri !== null && { jwks_uri }),
      ...(jwks_file !== null && { jwks_file }),
      claims: { client: claims.client, ...(claims.tenant !== null && { tenant: claims.tenant }) },
    })),
    ...(read?.ok && { keys: { records: read.keys.map(toRecord), carriers: keys!.carriers } }),
  });
};

const toRecord = ({ id, client, hash, expires, revoked }: KeyRecord): CredentialKey => ({
  id, client, hash,
  ...(expires !== null && { expires: new Date(expires).toISOString() }),
  ...(revoked !== null && { revoked: new Date(revoked).toISOString() }),
});

const startUpstreams = async (settings: Settings, tell: (news: UpstreamNews) => void): Promise<Map<string, Switchboard>> =>
  new Map(await Promise.all(Object.entries(settings.upstreams).map(async ([name, upstream]): Promise<[string, Switchboard]> =>
    [name, new Switchboard(await boardOptions(name, upstream, settings, tell))])));

const boardOptions = async (name: string, upstream: UpstreamSettings, settings: Settings, tell: (news: UpstreamNews) => void): Promise<ConstructorParameters<typeof Switchboard>[0]> => {
  const { ca, cert, key, server_name } = upstream.tls;
  const tls = {
    ...(ca !== null && { ca: await readFile(ca, "utf8") }),
    ...(cert !== null && { cert: await readFile(cert, "utf8") }),
    ...(key !== null && { key: await readFile(key, "utf8") }),
    ...(server_name !== null && { serverName: server_name }),
  };
  const endpoint = (origin: string): Endpoint => ({ origin, tls, connectTimeout: upstream.timeouts.connect });
  const shares = new Map(settings.tenants.filter((tenant) => tenant.upstream === name).map((tenant) => [tenant.name, tenant.share]));
  return {
    name,
    primary: endpoint(upstream.primary),
    backup: upstream.backup === null ? undefined : endpoint(upstream.backup),
    connections: upstream.connections,
    onePerTenant: upstream.lane_isolation === "tenant",
    answerTimeout: upstream.timeouts.answer,
    queue: { max: upstream.queue.max, maxBytes: upstream.queue.max_bytes, maxWait: upstream.queue.max_wait },
    shareOf: (tenant) => shares.get(tenant) ?? 1,
    userAgent: `ocs-gateway/${VERSION}`,
    tell,
  };
};

/** A change of roles is told to operators and to the journal. */
const tellOf = (journal: Journal, counts: Counts) => (news: UpstreamNews): void => {
  if (news.kind === "down") return events.upstreamDown(news.upstream);
  const { upstream, from, to, epoch, reason } = news;
  counts.switchovers++;
  events.switchover(upstream, from, to, epoch);
  journal.note({ kind: "switchover", upstream, from, to, epoch, reason });
};

type Made = { readonly journal: Journal; readonly tenants: readonly Tenant[]; readonly credentials: Credentials; readonly boards: ReadonlyMap<string, Switchboard>; readonly counts: Counts };

const partsOf = (settings: Settings, configHash: string, { journal, tenants, credentials, boards, counts }: Made): Parts => {
  const dialects = new Map(settings.listeners.map(({ name, errors }) => [name, errors]));
  const handles = createHandleWatch();
  const watch = ({ owner, operation }: Order): void => {
    if (operation.action.resource !== "records" || owner.records !== "unscoped") return;
    const other = handles.use(owner.upstream, operation.identifier!, owner.name);
    if (other === undefined) return;
    counts.alarm(owner.upstream);
    events.handleShared(owner.upstream, [other, owner.name]);
    journal.note({ kind: "alarm", reason: "one record handle was used by two tenants", upstream: owner.upstream, tenant: { dbid: owner.dbid, name: owner.name }, resource: "records", identifier: operation.identifier });
  };
  return {
    identify: credentials.identify,
    challenge: credentials.challenge,
    register: createRegister(tenants),
    charge: createQuota(tenants).charge,
    append: counts.timed(journal.append),
    note: journal.note,
    redact: createRedactor(settings.audit.redact, settings.audit.index_key),
    send: counts.waiting((order: Order, gone: () => AbortSignal) => {
      watch(order);
      return boards.get(order.owner.upstream)!.send(order, gone);
    }),
    observe: counts.observe,
    dialect: (listener) => dialects.get(listener) ?? "auto",
    configHash,
  };
};

const startListeners = async (settings: Settings, handler: Handler, stops: Stops): Promise<Listener[]> => {
  const aliases = Object.values(settings.upstreams).flatMap((upstream) => upstream.aliases);
  const listeners: Listener[] = [];
  for (const listener of settings.listeners) {
    const { name, bind, names, allow_from, max_body } = listener;
    const started = await listen({
      name, ...bind, tls: await tlsOf(listener), names: [...names, ...aliases], allowFrom: allow_from === null ? undefined : blockList(allow_from), maxBody: max_body,
    }, handler);
    listeners.push(started);
    events.listening(name, started.url);
  }
  // In reverse order of the stops this comes first: no new work before what is under way has ended.
  stops.push(async () => void (await Promise.all(listeners.map((listener) => listener.stop(DRAIN_MS)))));
  return listeners;
};

const tlsOf = async ({ tls }: Pick<ListenerSettings, "tls">): Promise<TlsSettings | undefined> =>
  tls === "none" ? undefined : {
    cert: await readFile(tls.cert, "utf8"),
    key: await readFile(tls.key, "utf8"),
    minVersion: tls.min_version,
    clientCa: tls.client_ca === null ? undefined : await readFile(tls.client_ca, "utf8"),
    clientCertificates: tls.client_ca === null ? "none" : tls.client_certificates,
  };

const blockList = (networks: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = address.includes(":") ? "ipv6" : "ipv4";
    list.addSubnet(address, Number(prefix ?? (family === "ipv6" ? 128 : 32)), family);
  }
  return list;
};

const startAdmin = async ({ admin, audit }: Settings, { handler, token }: { readonly handler: Handler; readonly token: string }, stops: Stops): Promise<Listener | undefined> => {
  if (!admin) return undefined;
  const tls = admin.tls === "none" ? undefined : await tlsOf({ tls: { ...admin.tls, client_ca: null, client_certificates: "none" } });
  const listener = await listen({ name: "admin", ...admin.bind, tls, names: [], allowFrom: undefined, maxBody: 4096 }, handler);
  stops.push(() => listener.stop(1000));
  stops.push(await leaveToken(audit.dir, token));
  events.listening("admin", listener.url);
  return listener;
};
