/** How far a change of the revocations has come on the other gateways, from what they tell with their beats. */
import type { ClusterNode, Membership } from "../../../cluster/membership.ts";
import type { NodeReach, SharingParts } from "./sharing.ts";

/** The part of a gateway's details. */
const PART = "revocations";
/** Milliseconds. */
const WAIT_MS = 1000;
const EVERY_MS = 40;

type Details = { readonly applied: number };

export const createAcknowledgements = (
  membership: Pick<Membership, "beat" | "nodes" | "node" | "tell">,
  waitMs = WAIT_MS,
): Pick<SharingParts, "tell" | "reached"> => {
  let told = -1;
  return {
    tell: (applied) => {
      if (applied === told) return;
      told = applied;
      membership.tell(PART, { applied } satisfies Details);
      void membership.beat();
    },
    reached: async (seq) => {
      const end = performance.now() + waitMs;
      for (;;) {
        await membership.beat();
        const reach = membership.nodes.filter(({ name }) => name !== membership.node).map((node) => reachOf(node, seq));
        if (performance.now() >= end || reach.every(({ state }) => state !== "waiting")) return reach;
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      }
    },
  };
};

export const reachOf = (
  { name, state, details }: Pick<ClusterNode, "name" | "state" | "details">,
  seq: number,
): NodeReach => {
  const { applied } = (details[PART] ?? {}) as Partial<Details>;
  const isApplied = typeof applied === "number" && applied >= seq;
  return { node: name, state: state !== "live" ? state : isApplied ? "applied" : "waiting" };
};
