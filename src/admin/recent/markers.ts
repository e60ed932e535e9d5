/**
 * Events that explain a change in the charts: starts, config changes, switchovers, and the sandbox's faults. The last
 * `MOST` of each upstream and of the whole gateway, so that none pushes out another's; and of each upstream its last
 * `MOST_SWITCHOVERS` switchovers. All since the gateway started.
 */
import type { Entry } from "../../journal/entry.ts";

export type Marker =
  | { readonly kind: "start"; readonly version: string; readonly config_hash: string | null }
  | { readonly kind: "config"; readonly config_hash: string; readonly outcome: "reloaded" | "refused" }
  | ({ readonly kind: "switchover" } & Switchover)
  /** The same OCS is connected again after all connections were lost. */
  | { readonly kind: "reconnected"; readonly upstream: string; readonly endpoint: string; readonly reason: string }
  /** No OCS of the upstream accepts a connection. */
  | { readonly kind: "down"; readonly upstream: string }
  /** `fault`: its id and kind in the sandbox. */
  | { readonly kind: "fault"; readonly fault: string };

/** `from` and `to`: addresses, null if unknown; equal when the same OCS was restarted. */
export type Switchover = {
  readonly upstream: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly epoch: number;
  readonly reason: string | null;
};

/** `time`: milliseconds since 1970. */
export type Timed<Of> = Of & { readonly time: number };

const MOST = 200;
export const MOST_SWITCHOVERS = 20;

export class Markers {
  readonly #now: () => number;
  /** By upstream; undefined: of the whole gateway. */
  readonly #markers = new Map<string | undefined, Timed<Marker>[]>();
  readonly #switchovers = new Map<string, Timed<Switchover>[]>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Call it with every entry on disk. `micros`: its time, in microseconds since 1970. */
  readonly take = (entry: Entry, micros: number): void => {
    const marker = markerOf(entry);
    if (marker) this.note(marker, micros / 1000);
  };

  note(marker: Marker, time = this.#now()): void {
    const of = "upstream" in marker ? marker.upstream : undefined;
    this.#markers.set(of, [...(this.#markers.get(of) ?? []), { ...marker, time }].slice(-MOST));
    if (marker.kind !== "switchover") return;
    const { kind: _, ...switchover } = marker;
    const earlier = this.#switchovers.get(marker.upstream) ?? [];
    this.#switchovers.set(marker.upstream, [...earlier, { ...switchover, time }].slice(-MOST_SWITCHOVERS));
  }

  /** Those from `since` on, in milliseconds since 1970; the oldest first. */
  from(since: number): readonly Timed<Marker>[] {
    return [...this.#markers.values()]
      .flatMap((markers) => markers.filter(({ time }) => time >= since))
      .toSorted((one, other) => one.time - other.time);
  }

  /** The newest first. */
  switchovers(upstream: string): readonly Timed<Switchover>[] {
    return (this.#switchovers.get(upstream) ?? []).toReversed();
  }
}

const markerOf = (entry: Entry): Marker | undefined => {
  switch (entry.kind) {
    case "start":
      return { kind: "start", version: entry.version, config_hash: entry.config_hash ?? null };
    case "config": {
      const { change, config_hash } = entry;
      return change === "reloaded" || change === "refused"
        ? { kind: "config", config_hash, outcome: change }
        : undefined;
    }
    case "switchover": {
      const { upstream, from, to, epoch, reason = null } = entry;
      return { kind: "switchover", upstream, from, to, epoch, reason };
    }
    default:
      return undefined;
  }
};
