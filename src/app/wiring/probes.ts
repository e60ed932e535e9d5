/** The listener of `admin.probes`. It is open before the gateway leads; afterwards it stays open with other answers. */
import { createProbes, isProbe, type ProbeDeps } from "../../admin/probes.ts";
import { listen, type Listener, type ListenerOptions } from "../../edge/listener.ts";
import { MAX_PROBES_CONNECTIONS } from "../../settings/file-descriptors.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { blockList, logListening, limitsOf } from "./listeners.ts";
import type { PassedSockets } from "./systemd-sockets.ts";

export type Probes = {
  readonly url: string;
  readonly listener: Pick<Listener, "name" | "connectionCount">;
  /** Replaces the answers. */
  readonly answer: (parts: ProbeDeps) => void;
  /** Applies the names of these settings; the address cannot change. */
  readonly update: (settings: Settings) => void;
  readonly stop: () => Promise<void>;
};

const GRACE_MS = 1000;

/** Undefined where the settings have no `admin.probes`. Rejects when the address is in use. */
export const startProbes = async (
  settings: Settings,
  first: ProbeDeps,
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
  logListening("probes", listener);
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
  const room = limitsOf(settings, MAX_PROBES_CONNECTIONS);
  return { name: "probes", ...bind, tls: undefined, names, allowFrom, maxBody: 0, limits: room, allowsHttp10: isProbe };
};
