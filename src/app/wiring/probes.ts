/** The listener of `admin.probes`: open before the gateway leads, and afterwards the same one with other answers. */
import { createProbes, isProbe, type ProbeParts } from "../console/probes.ts";
import { listen, type Listener, type ListenerOptions } from "../edge/listener.ts";
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
  /** From now on the names of these settings count; its address cannot change. */
  readonly update: (settings: Settings) => void;
  readonly stop: () => Promise<void>;
};

const GRACE_MS = 1000;

/** Undefined where the settings name none. Rejects when the address is taken. */
export const startProbes = async (
  settings: Settings,
  first: ProbeParts,
  sockets: PassedSockets,
): Promise<Probes | undefined> => {
  const options = optionsOf(settings);
  if (!options) return undefined;
  let parts = first;
  const { bind } = settings.admin!.probes!;
  const listener = await listen(
    { ...options, fd: sockets.take("probes", bind) },
    createProbes(() => parts),
  );
  events.listening("probes", listener.url, listener.passed);
  return {
    url: listener.url,
    listener,
    answer: (next) => void (parts = next),
    update: (next) => {
      const now = optionsOf(next);
      if (now) listener.update(now);
    },
    stop: () => listener.stop(GRACE_MS),
  };
};

const optionsOf = (settings: Settings): ListenerOptions | undefined => {
  if (!settings.admin?.probes) return undefined;
  const {
    names,
    probes: { bind, allow_from },
  } = settings.admin;
  const allowFrom = allow_from === null ? undefined : blockList(allow_from);
  const room = roomOf(settings, PROBES_ROOM);
  return { name: "probes", ...bind, tls: undefined, names, allowFrom, maxBody: 0, room, answersOld: isProbe };
};
