/** The admin listener: what operators read, and the token that opens it. */
import { leaveToken } from "../console/token.ts";
import { listen, type Listener } from "../edge/listener.ts";
import { events } from "../events.ts";
import type { Handler } from "../message.ts";
import type { Settings } from "../settings/schema.ts";
import { tlsOf } from "./listeners.ts";
import type { Stops } from "./stops.ts";

export const startAdmin = async ({ admin, audit }: Settings, { handler, token }: { readonly handler: Handler; readonly token: string }, stops: Stops): Promise<Listener | undefined> => {
  if (!admin) return undefined;
  const tls = admin.tls === "none" ? undefined : await tlsOf({ tls: { ...admin.tls, client_ca: null, client_certificates: "none" } });
  const listener = await listen({ name: "admin", ...admin.bind, tls, names: [], allowFrom: undefined, maxBody: 4096 }, handler);
  stops.push(() => listener.stop(1000));
  stops.push(await leaveToken(audit.dir, token));
  events.listening("admin", listener.url);
  return listener;
};
