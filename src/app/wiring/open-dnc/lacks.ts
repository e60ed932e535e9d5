/** What the list of a gateway's open Do-Not-Calls does not know of the other gateways, in sentences. */
import type { NodePosition } from "../../../cluster/dnc/dnc-rows.ts";

type Known = {
  /** Why the last exchange with the database failed. */
  readonly trouble: string | undefined;
  /** When the others were read, in milliseconds since 1970; undefined: never. */
  readonly others: { readonly read: number; readonly nodes: readonly NodePosition[] } | undefined;
  /** The own check value of the index key. */
  readonly key: string;
  readonly now: number;
};

/** A gateway that tells nothing for longer is named, in milliseconds; each tells something every five seconds. */
export const SILENT_MS = 15_000;

const CONFIRMED_THERE = "what OCS confirmed there since is still listed here";

export const lacksOf = ({ trouble, others, key, now }: Known): readonly string[] => {
  if (!others)
    return [
      `the shared database has not been read yet${trouble === undefined ? "" : ` (${trouble})`}: what OCS confirmed ` +
        "at other gateways is still listed here",
    ];
  const sinceRead = Math.max(0, now - others.read);
  const isOld = trouble !== undefined || sinceRead > SILENT_MS;
  return [
    ...(isOld
      ? [
          `as of ${inSeconds(others.read)}: the shared database does not answer` +
            `${trouble === undefined ? "" : ` (${trouble})`}, so what OCS confirmed at other gateways since is still ` +
            "listed here",
        ]
      : []),
    ...others.nodes.flatMap((each) => silence(each)),
    ...keysDiffer(others.nodes, key),
  ];
};

/** Phone tokens are comparable with the same key only. */
export const keysDiffer = (nodes: readonly NodePosition[], key: string): readonly string[] =>
  nodes
    .filter((each) => !each.isStopped && each.key !== null && each.key !== key)
    .map(
      ({ node }) =>
        `audit.index_key of node ${node} is not the one of this gateway, so neither closes a Do-Not-Call that is ` +
        "open at the other",
    );

const silence = ({ node, isStopped, told, age }: NodePosition): readonly string[] => {
  if (isStopped) return [];
  if (told === null || age === null) return [`node ${node} has not reported yet: ${CONFIRMED_THERE}`];
  return age <= SILENT_MS ? [] : [`node ${node} has not reported since ${told}: ${CONFIRMED_THERE}`];
};

const inSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
