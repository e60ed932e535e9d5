/** A rule about file descriptors: does the process's limit allow the configured number of connections? */
import { shareDescriptors, connectionsWithin, type Share } from "../file-descriptors.ts";
import type { ParsedParts } from "./parsed-parts.ts";
import type { Files } from "../interpolate.ts";
import type { Finding } from "../problems/problem.ts";

const PROBLEMS = {
  tooFew: ({ limit, wanted, reserve }: Share, allowed: number, max: number) => ({
    code: "OCSGW-6318",
    severity: "warning" as const,
    message:
      `a gateway started here may open ${limit} files and connections, but its listeners could need ${wanted}, and ` +
      `lanes and files need ${reserve}: this listener would accept ${allowed} connections instead of ${max}`,
    help: `raise the gateway's limit to ${wanted + reserve} (LimitNOFILE, ulimit -n), or lower max_connections`,
  }),
} as const;

type Limited = Pick<Files, "descriptorLimit">;

/** Only a warning, because the gateway may run with another limit than `check`. */
export const findDescriptorProblems = (parts: ParsedParts, { descriptorLimit }: Limited): readonly Finding[] => {
  const { listeners, upstreams, admin } = parts;
  const [first] = listeners.toSorted((a, b) => b.value.max_connections - a.value.max_connections);
  if (!first || !descriptorLimit) return [];
  const opening = {
    listeners: listeners.map(({ value }) => value),
    upstreams: upstreams.map(({ value }) => value),
    hasAdmin: admin !== undefined,
    hasProbes: admin !== undefined && admin.value.probes !== null,
  };
  const share = shareDescriptors(opening, descriptorLimit());
  if (share.part === 1) return [];
  const { max_connections: max } = first.value;
  return [{ ...PROBLEMS.tooFew(share, connectionsWithin(max, share), max), path: [...first.path, "max_connections"] }];
};
