/** What OCS and registrars tell, by upstream: a listener of its own each, OCS's announcements, the operator's validator, and registrations. */
import { isIPv6 } from "node:net";
import type { BlockList } from "node:net";
import type { Counts } from "../console/counts.ts";
import type { Room } from "../edge/crowd.ts";
import { listen, type Listener, type ListenerOptions } from "../edge/listener.ts";
import { events } from "../events.ts";
import { FOR_FAULT, REFUSALS, type Refusal } from "../gateway/refusals.ts";
import { createRegistrar, OWNERSHIP_PATH, type Registrar, type RegistrarParts } from "../gateway/registrar.ts";
import { maskNumbers } from "../mask.ts";
import { bytesOf, headerOf, type Arrival, type Handler, type Reply } from "../message.ts";
import { wellFormed, type PropertyName } from "../ocs/properties.ts";
import { CALLBACKS_ROOM } from "../settings/descriptors.ts";
import { dbidsOf } from "../settings/register.ts";
import type { CallbacksSettings, Settings } from "../settings/schema.ts";
import { mayDial, type Owning, type Particulars } from "../tenants/ownership.ts";
import { createAnnouncements, type Announced, type AnnouncementParts, type Why } from "../upstream/announcements.ts";
import { createRelay, withoutAnswer, type Relay } from "../upstream/relay.ts";
import type { Generation } from "./generation.ts";
import { drainListeners } from "./drain.ts";
import { blockList, roomOf, tlsOf } from "./listeners.ts";
import type { Records } from "./ownership.ts";
import type { PassedSockets } from "./passed-sockets.ts";
import type { Stops } from "./stops.ts";
import { VERSION } from "./version.ts";
import { readSmallFile } from "../small-file.ts";

/** The settings of callbacks last as long as the process; by whose register and keys they are judged, the generation in force says. */
type Surroundings = {
  readonly records: Records;
  readonly counts: Counts;
  readonly current: () => Generation;
  readonly sockets: PassedSockets;
  /** Milliseconds in which nobody may announce before idle connections are closed; QUIET_MS when left out. */
  readonly quiet?: () => number;
  /** What reaches the network; the real ones when left out. */
  readonly outside?: Outside;
};
type Outside = {
  readonly listen: typeof listen;
  readonly relayOf: (callbacks: CallbacksSettings) => Promise<Relay | undefined>;
};
type Desk = Surroundings & {
  readonly upstream: string;
  readonly callbacks: CallbacksSettings;
  readonly relay: Relay | undefined;
  /** In the order of the settings, the DBIDs of the tenants that each may name. */
  readonly registrarsOf: readonly ReadonlySet<number>[];
};

/** Milliseconds that OCS's announcements have when the gateway stops. */
const END = { maxWait: 0, answer: 4000 };
const MAX_BODY = 64 * 1024;

export type Callbacks = {
  /** The listeners' addresses by upstream. */
  readonly urls: Readonly<Record<string, string>>;
  readonly listeners: readonly Pick<Listener, "name" | "taken">[];
  /** Takes certificates that have changed on disk; a bad one is told, and what was in force stays. */
  readonly refresh: () => Promise<void>;
};

export const startCallbacks = async (
  settings: Settings,
  surroundings: Surroundings,
  stops: Stops,
): Promise<Callbacks> => {
  const { listen, relayOf } = surroundings.outside ?? REAL;
  const urls: Record<string, string> = {};
  const refreshes: (() => Promise<void>)[] = [];
  const around = { room: roomOf(settings, CALLBACKS_ROOM), counts: surroundings.counts };
  const [listeners, relays]: [Listener[], Relay[]] = [[], []];
  stops.push(async () => {
    await drainListeners(listeners, END, surroundings.quiet?.());
    for (const relay of relays) relay.close();
  });
  for (const [upstream, { callbacks }] of Object.entries(settings.upstreams)) {
    if (callbacks === null) continue;
    const relay = await relayOf(callbacks);
    if (relay) relays.push(relay);
    const registrarsOf = callbacks.registrars.map(({ tenants }) => dbidsOf(settings, upstream, tenants));
    const fd = surroundings.sockets.take(`callbacks:${upstream}`, callbacks.bind);
    const options = { ...(await optionsOf(upstream, callbacks, around)), fd };
    const listener = await listen(options, handlerOf({ ...surroundings, upstream, callbacks, relay, registrarsOf }));
    events.listening(listener.name, listener.url, listener.passed);
    urls[upstream] = listener.url;
    listeners.push(listener);
    refreshes.push(async () => {
      try {
        listener.update(await optionsOf(upstream, callbacks, around));
      } catch (error) {
        events.callbacksKept(upstream, error);
      }
    });
  }
  return { urls, listeners, refresh: async () => void (await Promise.all(refreshes.map((refresh) => refresh()))) };
};

type Around = { readonly room: Room; readonly counts: Counts };

const optionsOf = async (
  upstream: string,
  { bind, tls, allow_from, registrars }: CallbacksSettings,
  { room, counts }: Around,
): Promise<ListenerOptions> => ({
  name: `callbacks:${upstream}`,
  ...bind,
  tls: await tlsOf({ tls: tls === "none" ? "none" : { ...tls, client_certificates: "require" } }),
  names: [],
  allowFrom: blockList([...allow_from, ...registrars.flatMap((registrar) => registrar.allow_from ?? [])]),
  maxBody: MAX_BODY,
  room,
  ...(tls !== "none" && { plainOnTls: counts.plainClientsOf(`callbacks:${upstream}`) }),
});

const relayOf = async ({ validator, validator_timeout, validator_ca }: CallbacksSettings): Promise<Relay | undefined> =>
  validator === null
    ? undefined
    : createRelay({
        url: validator,
        timeout: validator_timeout,
        userAgent: `ocs-gateway/${VERSION}`,
        ...(validator_ca !== null && { ca: await readSmallFile(validator_ca) }),
      });

const REAL: Outside = { listen, relayOf };

const handlerOf = (desk: Desk): Handler => {
  const mayAnnounce = allows(blockList(desk.callbacks.allow_from));
  const announcements = createAnnouncements(announcementParts(desk));
  return async (arrival) => {
    if (arrival.target.startsWith(OWNERSHIP_PATH)) return createRegistrar(registrarParts(desk, mayAnnounce))(arrival);
    // A registrar's host is no OCS: what it may say, it says with its credential.
    if (!mayAnnounce(arrival.source)) return { status: 403, headers: [], body: bytesOf(""), close: true };
    const reply = await announcements(arrival).catch((error: unknown): Reply => {
      events.defect(arrival.id, error);
      return { status: 500, headers: [], body: bytesOf(""), close: true };
    });
    desk.counts.answeredCallback(desk.upstream, performance.now() - arrival.at);
    return reply;
  };
};

const allows =
  (from: BlockList) =>
  (address: string): boolean => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
    return from.check(plain, isIPv6(plain) ? "ipv6" : "ipv4");
  };

const registrarParts = (
  { records, counts, current, upstream, callbacks, registrarsOf }: Desk,
  mayAnnounce: (address: string) => boolean,
): RegistrarParts => {
  const { parts } = current();
  return {
    ...parts,
    // Not a request of the pipeline, so it is counted here: a rejected credential counts for registrars too.
    observe: (_seen, { authFailure }) => authFailure !== undefined && counts.authFailed(authFailure),
    upstream,
    ownership: records.ownership,
    isSettled: () => records.announcers.get(upstream)?.isSettled ?? false,
    registrars: new Map(
      callbacks.registrars.map(({ client, allow_from }, at): [string, Registrar] => [
        client,
        {
          tenants: parts.register.tenants.filter(
            (tenant) => tenant.upstream === upstream && registrarsOf[at]!.has(tenant.dbid),
          ),
          mayComeFrom: allow_from === null ? mayAnnounce : allows(blockList(allow_from)),
        },
      ]),
    ),
  };
};

const announcementParts = (desk: Desk): AnnouncementParts => {
  const { records, counts, current, upstream, relay } = desk;
  const count = (result: string): void => counts.callback(upstream, result);
  return {
    speaksForActive: async (address, at) => {
      const announcers = records.announcers.get(upstream);
      if (!announcers) return false;
      // Whoever announces is up, whatever the last probe has shown.
      current().boards.get(upstream)?.switchboard.heardFrom(announcers.speakerAt(address));
      return announcers.speaksForActive(address, at);
    },
    announced: async (record) => {
      const owning = await own(desk, record);
      count(owning);
      return !mayDial(owning) ? "blocked" : owning === "again" ? "known" : "new";
    },
    astray: () => {
      count("astray");
      records.alarms.raiseOngoing({
        reason: "records were announced by an OCS that is not the active one; it was told not to dial them",
        upstream,
        resource: "records",
      });
    },
    withheld: ({ handle, attempt }) => {
      count("withheld");
      return records.ownership.end(upstream, handle, "rejected", attempt);
    },
    ended: async ({ handle, attempt }) => {
      count("call-ended");
      if (handle !== undefined) return records.ownership.end(upstream, handle, "call-ended", attempt);
      return attempt === undefined || records.ownership.endAttempt(upstream, attempt);
    },
    unclearEnd: (detail) => {
      count("malformed");
      records.alarms.raiseOngoing({
        reason: "a call report is malformed: it ends nothing",
        upstream,
        resource: "records",
        detail,
      });
    },
    validate: relay && ((body, arrival, handle) => validate(desk, relay, { body, arrival, handle })),
    malformed: (arrival, why, detail) => {
      count("malformed");
      const { code, status } = REFUSALS[wordFor(why)];
      current().parts.note({
        kind: "refusal",
        id: arrival.id,
        source: arrival.source,
        listener: arrival.listener,
        code,
        status,
        delivery: "not-sent",
        detail: maskNumbers(detail),
      });
      return status;
    },
  };
};

/** What became of it. */
const own = async ({ records, current, upstream }: Desk, record: Announced): Promise<Owning> => {
  const { parts, find } = current();
  const whose = find(upstream, record);
  if ("nobody" in whose) {
    if (whose.nobody === "unregistered") return records.ownership.disown(upstream, record.handle);
    return records.ownership.disown(
      upstream,
      record.handle,
      whose.among.map(({ dbid }) => dbid),
      whose.malformed.map((key) => PROPERTIES[key]),
    );
  }
  const { handle, campaign, groupDbid, groupName, list, attempt } = record;
  const tokens = parts.redact.tokens("records", undefined, personIn(record));
  return records.ownership.announce({
    upstream,
    handle,
    tenant: whose.tenant.dbid,
    campaign: wellFormed(campaign) ?? null,
    group: wellFormed(groupName) ?? wellFormed(groupDbid)?.toString() ?? null,
    list: wellFormed(list) ?? null,
    phone: tokens?.phone ?? null,
    customer: tokens?.customer_id ?? null,
    attempt: attempt ?? null,
  });
};

const personIn = ({ phone, customer }: Announced): ReadonlyMap<string, unknown> =>
  new Map([
    ["GSW_PHONE", phone],
    ["GSW_CUSTOMER_ID", customer],
  ]);

/** As OCS names it. */
const PROPERTIES: Readonly<Record<keyof Particulars, PropertyName>> = {
  tenantDbid: "GSW_TENANT_DBID",
  tenantName: "GSW_TENANT_NAME",
  groupDbid: "GSW_CAMPAIGN_GROUP_DBID",
  groupName: "GSW_CAMPAIGN_GROUP_NAME",
  campaign: "GSW_CAMPAIGN_NAME",
  list: "GSW_CALLING_LIST",
};

type Validated = { readonly body: Uint8Array; readonly arrival: Arrival; readonly handle: number };

const validate = async (
  { records, counts, upstream, callbacks }: Desk,
  relay: Relay,
  { body, arrival, handle }: Validated,
): Promise<Reply> => {
  const relayed = await relay.send(body, headerOf(arrival.headers, "Content-Type"));
  if ("reply" in relayed) return relayed.reply;
  counts.callback(upstream, `validator-${relayed.failed}`);
  records.alarms.raiseOngoing({
    reason: `the validator does not answer: records are ${callbacks.on_timeout === "allow" ? "dialed all the same" : "not validated"}`,
    upstream,
    resource: "records",
    detail: relayed.detail,
  });
  return withoutAnswer(callbacks.on_timeout, relayed.failed, handle);
};

const wordFor = (why: Why): Refusal =>
  why === "json"
    ? "bad-json"
    : why === "attribute"
      ? "bad-attribute"
      : why === "method"
        ? "wrong-method"
        : FOR_FAULT[why];
