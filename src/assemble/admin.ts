/** The admin listener: what operators read, and the token that opens it. */
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

export const startAdmin = async (settings: Settings, { handler, token, sockets }: { readonly handler: Handler; readonly token: string; readonly sockets: PassedSockets }, stops: Stops): Promise<Admin | undefined> => {
  const { admin, audit } = settings;
  if (!admin) return undefined;
  const room = roomOf(settings, ADMIN_ROOM);
  const listener: Listener = await listen({ ...await optionsOf(admin, room), fd: sockets.take("admin", admin.bind) }, handler);
  stops.push(() => listener.stop(1000));
  stops.push(await leaveToken(audit.dir, token, listener.url));
  events.listening("admin", listener.url, listener.passed);
  return {
    url: listener.url,
    listener,
    prepare: async (next) => {
      const options = next && await optionsOf(next, room);
      return () => options && listener.update(options);
    },
  };
};

const optionsOf = async ({ bind, names, tls }: NonNullable<Settings["admin"]>, room: Room): Promise<ListenerOptions> => {
  const own = tls === "none"
    ? tls
    : { ...tls, client_ca: null, client_crl: null, client_certificates: "none" as const };
  const at = { name: "admin", ...bind, tls: await tlsOf({ tls: own }) };
  return { ...at, names, allowFrom: undefined, maxBody: 4096, room, answersOld: isProbe };
};
