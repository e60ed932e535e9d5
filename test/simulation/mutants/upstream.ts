/** Faults of the way to OCS: which OCS, whose lane, and what leaves. */
import type { Order } from "../../../src/gateway/types.ts";
import { Switchboard } from "../../../src/upstream/switchboard.ts";
import { PRIMARY } from "../config.ts";
import { methodOf, often, replaced, type Mutant } from "./mutant.ts";

const sending = (change: (order: Order) => Parameters<Switchboard["send"]>[0]): (() => void) => {
  const send = methodOf(Switchboard.prototype, "send");
  return replaced(Switchboard.prototype, {
    send(this: Switchboard, request, gone) {
      return send.call(this, change(request as unknown as Order), gone);
    },
  });
};

export const UPSTREAM_MUTANTS: readonly Mutant[] = [
  {
    name: "g-the-first-probe-prefers-the-peer",
    shows: "g",
    breaks: ["I5", "I8"],
    plan: { standby: "keeps", faults: [] },
    // The peer answers first, and the one that is configured as primary only when it is no longer waited for.
    install: (world) => {
      const first = new Set<object>();
      world.network.delayOf = ({ owner, host }) => {
        if (owner === undefined || host.address !== PRIMARY || first.has(owner)) return 0;
        first.add(owner);
        return 1500;
      };
      return () => undefined;
    },
  },
  {
    name: "k-lanes-are-by-name",
    shows: "k",
    breaks: ["I7"],
    plan: { faults: often("swap") },
    install: () => sending((order) => ({ ...order, tenant: order.owner.name })),
  },
  {
    name: "l-a-queued-request-survives-the-revocation-of-its-client",
    shows: "l",
    breaks: ["I9"],
    plan: { faults: often("revoke", "slowOcs") },
    install: () => sending((order) => ({ ...order, withdrawn: order.lease?.withdrawn })),
  },
];
