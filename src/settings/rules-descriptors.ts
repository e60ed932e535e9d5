/** Can as many connections be open as the listeners would take? */
import { shareOut, within } from "./descriptors.ts";
import type { Facts } from "./facts.ts";
import type { Files } from "./fill.ts";
import type { Finding } from "./problem.ts";

type Limited = Pick<Files, "descriptorLimit">;

/** A warning: the gateway may run under another limit than `check`. */
export const findDescriptorProblems = (facts: Facts, { descriptorLimit }: Limited): readonly Finding[] => {
  const { listeners, upstreams, admin } = facts;
  const [first] = listeners.toSorted((a, b) => b.value.max_connections - a.value.max_connections);
  if (!first || !descriptorLimit) return [];
  const opening = {
    listeners: listeners.map(({ value }) => value),
    upstreams: upstreams.map(({ value }) => value),
    hasAdmin: admin !== undefined,
    hasProbes: admin !== undefined && admin.value.probes !== null,
  };
  const share = shareOut(opening, descriptorLimit());
  if (share.part === 1) return [];
  const { limit, wanted, reserve } = share;
  const { max_connections: max } = first.value;
  return [
    {
      code: "OCSGW-6318",
      severity: "warning",
      path: [...first.path, "max_connections"],
      message:
        `this process may open ${limit} files and connections; the listeners would take up to ${wanted}, and lanes ` +
        `and files need ${reserve}: this listener will take ${within(max, share)} connections, not ${max}`,
      help: `raise the limit to ${wanted + reserve} (LimitNOFILE, ulimit -n), or lower max_connections`,
    },
  ];
};
