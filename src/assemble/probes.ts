/** The listener of `admin.probes`: open before the gateway leads, and afterwards the same one with other answers. */
import { createProbes, type ProbeParts } from "../console/probes.ts";
import { listen, type Listener } from "../edge/listener.ts";
import { events } from "../events.ts";
import { PROBES_ROOM } from "../settings/descriptors.ts";
import type { Settings } from "../settings/schema.ts";
import { blockList, roomOf } from "./listeners.ts";
import type { PassedSockets } from "./passed-sockets.ts";

export type Probes = {
  readonly url: string;
  readonly listener: Pick<Listener, "name" | "taken">;
  /** From now on these are the answers. */
  readonly answer: (parts: ProbeParts) => void;
  readonly stop: () => Promise<void>;
};

const GRACE_MS = 1000;

/** Undefined where the settings name none. Rejects when the address is taken. */
export const startProbes = async (settings: Settings, first: ProbeParts, sockets: PassedSockets): Promise<Probes | undefined> => {
  const probes = settings.admin?.probes;
  if (!probes) return undefined;
  let parts = first;
  const room = roomOf(settings, PROBES_ROOM);
  const allowFrom = probes.allow_from === null ? undefined : blockList(probes.allow_from);
  const listener = await listen({ name: "probes", ...probes.bind, fd: sockets.take("probes", probes.bind), tls: undefined, names: [], allowFrom, maxBody: 0, room }, createProbes(() => parts));
  events.listening("probes", listener.url, listener.passed);
  return { url: listener.url, listener, answer: (next) => void (parts = next), stop: () => listener.stop(GRACE_MS) };
};
