/**
 * One callback listener for each upstream. It receives OCS's announcements and call reports and registrations of
 * owners, and asks the operator's validator.
 */
import type { BlockList } from "node:net";
import type { Counts } from "../../admin/counters.ts";
import type { Limits } from "../../edge/connection-limits.ts";
import { listen, type Listener, type ListenerOptions } from "../../edge/listener.ts";
import { events } from "../../common/log/events.ts";
import { createRegistrar, OWNERSHIP_PATH, type Registrar, type RegistrarDeps } from "../../callbacks/registrar.ts";
import { isWithin } from "../../common/net-address.ts";
import { bytesOf, type Handler, type Reply } from "../../common/message.ts";
import { MAX_CALLBACKS_CONNECTIONS } from "../../settings/file-descriptors.ts";
import { dbidsOf } from "../../settings/to-tenants.ts";
import type { CallbacksSettings, Settings } from "../../settings/schema/schema.ts";
import { createOcsCallbacks } from "../../callbacks/ocs-callbacks.ts";
import { createValidatorClient, type ValidatorClient } from "../../callbacks/validator-client.ts";
import type { Generation } from "../generation.ts";
import { drainListeners } from "../drain.ts";
import { blockList, logListening, limitsOf, tlsOf } from "./listeners.ts";
import { callbackDeps, type CallbackContext } from "./ocs-callback-deps.ts";
import type { Records } from "./ownership.ts";
import type { PassedSockets } from "./systemd-sockets.ts";
import type { ShutdownSteps } from "../shutdown.ts";
import { VERSION } from "../version.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";

/** Callback settings are fixed until the process ends; tenants and keys come from the generation in force. */
type CallbackServices = {
  readonly records: Records;
  readonly counts: Counts;
  readonly current: () => Generation;
  readonly sockets: PassedSockets;
  /** Milliseconds without an announcement after which idle connections are closed; QUIET_MS when left out. */
  readonly quiet?: () => number;
  /** For tests: replaces what uses the network. */
  readonly network?: Network;
};
type Network = {
  readonly listen: typeof listen;
  readonly validatorOf: (callbacks: CallbacksSettings) => Promise<ValidatorClient | undefined>;
};
type ListenerDeps = CallbackContext & {
  /** For each registrar, in the order of the settings: the DBIDs of the tenants that it may name. */
  readonly registrarsOf: readonly ReadonlySet<number>[];
};

/** Limits in milliseconds for announcements in progress when the gateway stops. */
const END = { maxWait: 0, answer: 4000 };
const MAX_BODY = 64 * 1024;

export type Callbacks = {
  /** Listener addresses by upstream. */
  readonly urls: Readonly<Record<string, string>>;
  readonly listeners: readonly Pick<Listener, "name" | "connectionCount">[];
  /** Reads certificates again. An unusable one is logged, and the previous one stays in force. */
  readonly refresh: () => Promise<void>;
};

/** Rejects when an address is in use or a certificate is unusable. */
export const startCallbacks = async (
  settings: Settings,
  services: CallbackServices,
  stops: ShutdownSteps,
): Promise<Callbacks> => {
  const { listen, validatorOf: relayOf } = services.network ?? REAL_NETWORK;
  const urls: Record<string, string> = {};
  const refreshes: (() => Promise<void>)[] = [];
  const context = { limits: limitsOf(settings, MAX_CALLBACKS_CONNECTIONS), counts: services.counts };
  const [listeners, validators]: [Listener[], ValidatorClient[]] = [[], []];
  stops.push(async () => {
    await drainListeners(listeners, END, services.quiet?.());
    for (const validator of validators) validator.close();
  });
  for (const [upstream, { callbacks }] of Object.entries(settings.upstreams)) {
    if (callbacks === null) continue;
    const validator = await relayOf(callbacks);
    if (validator) validators.push(validator);
    const registrarsOf = callbacks.registrars.map(({ tenants }) => dbidsOf(settings, upstream, tenants));
    const fd = services.sockets.take(`callbacks:${upstream}`, callbacks.bind);
    const options = { ...(await optionsOf(upstream, callbacks, context)), fd };
    const listener = await listen(options, handlerOf({ ...services, upstream, callbacks, validator, registrarsOf }));
    logListening(listener.name, listener);
    urls[upstream] = listener.url;
    listeners.push(listener);
    refreshes.push(async () => {
      try {
        listener.update(await optionsOf(upstream, callbacks, context));
      } catch (error) {
        events.callbackCertRejected({ upstream, error });
      }
    });
  }
  return { urls, listeners, refresh: async () => void (await Promise.all(refreshes.map((refresh) => refresh()))) };
};

type ListenerContext = { readonly limits: Limits; readonly counts: Counts };

const optionsOf = async (
  upstream: string,
  { bind, tls, allow_from, registrars, trusted_proxies }: CallbacksSettings,
  { limits, counts }: ListenerContext,
): Promise<ListenerOptions> => ({
  name: `callbacks:${upstream}`,
  ...bind,
  tls: await tlsOf({ tls: tls === "none" ? "none" : { ...tls, client_certificates: "require" } }),
  names: [],
  // The handler compares the address of the OCS host; this is about the other end of the connection.
  allowFrom: blockList([
    ...allow_from,
    ...registrars.flatMap((registrar) => registrar.allow_from ?? []),
    ...trusted_proxies.flatMap(({ from }) => from),
  ]),
  trustedProxies: trusted_proxies.map(({ from, sends }) => ({ from: blockList(from), sends })),
  maxBody: MAX_BODY,
  limits,
  ...(tls !== "none" && { onPlainHttp: counts.plainClientsOf(`callbacks:${upstream}`) }),
});

const validatorOf = async ({
  validator,
  validator_timeout,
  validator_ca,
}: CallbacksSettings): Promise<ValidatorClient | undefined> =>
  validator === null
    ? undefined
    : createValidatorClient({
        url: validator,
        timeout: validator_timeout,
        userAgent: `ocs-gateway/${VERSION}`,
        ...(validator_ca !== null && { ca: await readSmallFile(validator_ca) }),
      });

const REAL_NETWORK: Network = { listen, validatorOf };

const handlerOf = (context: ListenerDeps): Handler => {
  const mayAnnounce = allows(blockList(context.callbacks.allow_from));
  const announcements = createOcsCallbacks(callbackDeps(context));
  return async (arrival) => {
    if (arrival.target.startsWith(OWNERSHIP_PATH)) return createRegistrar(registrarDeps(context, mayAnnounce))(arrival);
    // This is a registrar's host, not an OCS: it may only register owners, with its credential.
    if (!mayAnnounce(arrival.source)) return { status: 403, headers: [], body: bytesOf(""), close: true };
    const reply = await announcements(arrival).catch((error: unknown): Reply => {
      events.internalError({ id: arrival.id, error });
      return { status: 500, headers: [], body: bytesOf(""), close: true };
    });
    context.counts.answeredCallback(context.upstream, performance.now() - arrival.at);
    return reply;
  };
};

const allows =
  (from: BlockList) =>
  (address: string): boolean =>
    isWithin(from, address);

const registrarDeps = (
  { records, counts, current, upstream, callbacks, registrarsOf }: ListenerDeps,
  mayAnnounce: (address: string) => boolean,
): RegistrarDeps => {
  const { deps } = current();
  return {
    ...deps,
    // The pipeline does not see this request, so a registrar's rejected credential is counted here.
    observe: (_seen, { authFailure }) => authFailure !== undefined && counts.authFailed(authFailure),
    upstream,
    ownership: records.ownership,
    isActiveKnown: () => records.activeSources.get(upstream)?.isActiveKnown ?? false,
    registrars: new Map(
      callbacks.registrars.map(({ client, allow_from }, at): [string, Registrar] => [
        client,
        {
          tenants: deps.registry.tenants.filter(
            (tenant) => tenant.upstream === upstream && registrarsOf[at]!.has(tenant.dbid),
          ),
          isAllowedFrom: allow_from === null ? mayAnnounce : allows(blockList(allow_from)),
        },
      ]),
    ),
  };
};
