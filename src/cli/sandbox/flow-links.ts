/**
 * Tells the embedded OCS which request of the gateway it reads. OCS reads four headers, and none of them has an id, so
 * both sides compare the ends of the TCP connection: on a connection of the gateway there is one request at a time.
 */
import type { StartOptions } from "../../app/gateway.ts";
import type { SandboxOptions } from "../../sandbox/start.ts";

export type FlowLinks = {
  readonly onSent: NonNullable<StartOptions["onSent"]>;
  readonly flowOf: NonNullable<SandboxOptions["flowOf"]>;
  /** To be called when the gateway has replied: OCS may not have read the request, and the port may be used again. */
  readonly ended: (id: string) => void;
  /** How many requests OCS has not read yet. */
  readonly size: () => number;
};

export const createFlowLinks = (): FlowLinks => {
  const ids = new Map<string, string>();
  const places = new Map<string, string>();
  const take = (place: string): string | undefined => {
    const id = ids.get(place);
    ids.delete(place);
    if (id !== undefined) places.delete(id);
    return id;
  };
  return {
    onSent: ({ id }, ends) => {
      if (id === undefined || !ends) return;
      const place = placeOf(ends.from, ends.to);
      take(place);
      ids.set(place, id);
      places.set(id, place);
    },
    flowOf: (from, to) => take(placeOf(from, to)),
    ended: (id) => {
      const place = places.get(id);
      if (place !== undefined) take(place);
    },
    size: () => ids.size,
  };
};

const placeOf = (from: string, to: string): string => `${from} ${to}`;
