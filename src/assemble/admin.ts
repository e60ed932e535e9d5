/** The admin listener: what operators read, and the token that opens it. */
import type { Counts } from "../console/counts.ts";
import { isProbe } from "../console/probes.ts";
import { leaveToken } from "../console/token.ts";
import type { Room } from "../edge/crowd.ts";
import { listen, type Listener, type ListenerOptions } from "../edge/listener.ts";
import { events } from "../events.ts";
import type { Handler } from "../message.ts";
import { ADMIN_ROOM } from "../settings/descriptors.ts";
import type { Settings } from "../settings/schema.ts";
import { roomOf, tlsOf } from "./listeners.ts";
import type { PassedSockets } from "./passed-sockets.ts";
import type { Stops } from "./stops.ts";

export type Admin = {
  readonly url: string;
  readonly listener: Pick<Listener, "name" | "taken">;
  /** Reads certificate and names of these settings; the function that is returned swaps them in and cannot fail. */
  readonly prepare: (admin: Settings["admin"]) => Promise<() => void>;
};

type Behind = {
  readonly handler: Handler;
  readonly token: string;
  readonly counts: Counts;
  readonly sockets: PassedSockets;
};

export const startAdmin = async (
  settings: Settings,
  { handler, token, counts, sockets }: Behind,
  stops: Stops,
): Promise<Admin | undefined> => {
  const { admin, audit } = settings;
  if (!admin) return undefined;
  const room = roomOf(settings, ADMIN_ROOM);
  const options = { ...(await optionsOf(admin, { room, counts })), fd: sockets.take("admin", admin.bind) };
  const listener: Listener = await listen(options, handler);
  stops.push(() => listener.stop(1000));
  stops.push(await leaveToken(audit.dir, token, listener.url));
  events.listening("admin", listener.url, listener.passed);
  return {
    url: listener.url,
    listener,
    prepare: async (next) => {
      const options = next && (await optionsOf(next, { room, counts }));
      return () => options && listener.update(options);
    },
  };
};

type Around = { readonly room: Room; readonly counts: Counts };

const optionsOf = async (
  { bind, names, tls }: NonNullable<Settings["admin"]>,
  { room, counts }: Around,
): Promise<ListenerOptions> => {
  const own =
    tls === "none" ? tls : { ...tls, client_ca: null, client_crl: null, client_certificates: "none" as const };
  const plainOnTls = tls === "none" ? {} : { plainOnTls: counts.plainClientsOf("admin") };
  const at = { name: "admin", ...bind, tls: await tlsOf({ tls: own }), ...plainOnTls };
  return { ...at, names, allowFrom: undefined, maxBody: 4096, room, answersOld: isProbe };
};
