/** Opens the admin listener and writes its token file. */
import type { Counts } from "../../admin/counters.ts";
import { isProbe } from "../../admin/probes.ts";
import { leaveToken } from "../../admin/token.ts";
import type { Limits } from "../../edge/connection-limits.ts";
import { listen, type Listener, type ListenerOptions } from "../../edge/listener.ts";
import type { Handler } from "../../common/message.ts";
import { MAX_ADMIN_CONNECTIONS } from "../../settings/file-descriptors.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { logListening, limitsOf, tlsOf } from "./listeners.ts";
import type { PassedSockets } from "./systemd-sockets.ts";
import type { ShutdownSteps } from "../shutdown.ts";

export type Admin = {
  readonly url: string;
  readonly listener: Pick<Listener, "name" | "connectionCount">;
  /** Reads the certificates and names of these settings. The returned function applies them and cannot fail. */
  readonly prepare: (settings: Pick<Settings, "admin" | "shared">) => Promise<() => void>;
};

type AdminDeps = {
  readonly handler: Handler;
  readonly token: string;
  readonly counts: Counts;
  readonly sockets: PassedSockets;
};

/** Undefined where the settings have no admin listener. Rejects when its address is in use or a file is unusable. */
export const startAdmin = async (
  settings: Settings,
  { handler, token, counts, sockets }: AdminDeps,
  stops: ShutdownSteps,
): Promise<Admin | undefined> => {
  const { admin, audit } = settings;
  if (!admin) return undefined;
  const limits = limitsOf(settings, MAX_ADMIN_CONNECTIONS);
  const options = { ...(await optionsOf(admin, { limits, counts, settings })), fd: sockets.take("admin", admin.bind) };
  const listener: Listener = await listen(options, handler);
  stops.push(() => listener.stop(1000));
  stops.push(await leaveToken(audit.dir, token, listener.url));
  logListening("admin", listener);
  return {
    url: listener.url,
    listener,
    prepare: async (next) => {
      const options = next.admin && (await optionsOf(next.admin, { limits, counts, settings: next }));
      return () => options && listener.update(options);
    },
  };
};

type ListenerContext = {
  readonly limits: Limits;
  readonly counts: Counts;
  readonly settings: Pick<Settings, "shared">;
};

const optionsOf = async (
  { bind, names, tls }: NonNullable<Settings["admin"]>,
  { limits, counts, settings: { shared } }: ListenerContext,
): Promise<ListenerOptions> => {
  // Other nodes may show a certificate; browsers need none.
  const { ca = null, cert = null } = shared?.peers?.tls ?? {};
  const own =
    tls === "none"
      ? tls
      : {
          ...tls,
          client_ca: cert === null ? null : ca,
          client_crl: null,
          client_certificates: cert === null ? ("none" as const) : ("request" as const),
        };
  const onPlainHttp = tls === "none" ? {} : { onPlainHttp: counts.plainClientsOf("admin") };
  const at = { name: "admin", ...bind, tls: await tlsOf({ tls: own }), ...onPlainHttp };
  const reached = shared?.peers?.address ?? null;
  const all = reached === null ? names : [...names, new URL(reached).host.toLowerCase()];
  return { ...at, names: all, allowFrom: undefined, maxBody: 4096, limits, allowsHttp10: isProbe };
};
