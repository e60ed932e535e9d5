/** Whether as many connections can be open as the listeners would take. */
import { shareOut, within } from "./descriptors.ts";
import type { Facts } from "./facts.ts";
import type { Files } from "./fill.ts";
import type { Finding } from "./problem.ts";

/** A warning: where the gateway runs the limit may be another one. */
export const findDescriptorProblems = ({ listeners, upstreams, admin }: Facts, { descriptorLimit }: Files): readonly Finding[] => {
  const [first] = listeners.toSorted((a, b) => b.value.max_connections - a.value.max_connections);
  if (!first || !descriptorLimit) return [];
  const share = shareOut({ listeners: listeners.map(({ value }) => value), upstreams: upstreams.map(({ value }) => value), hasAdmin: admin !== undefined }, descriptorLimit());
  if (share.part === 1) return [];
  const { max_connections: max } = first.value;
  return [{
    code: "OCSGW-6318", severity: "warning", path: [...first.path, "max_connections"],
    message: `this process may open ${share.limit} files and connections; the listeners would take up to ${share.wanted}, and lanes and files need ${share.reserve}: this listener will take ${within(max, share)} connections, not ${max}`,
    help: `raise the limit to ${share.wanted + share.reserve} (LimitNOFILE, ulimit -n), or lower max_connections`,
  }];
};
