import { describe, expect, it } from "vitest";
import { decideRole, type Signs } from "../../../src/upstream/failover/role-decision.ts";
import type { ProbeResult } from "../../../src/upstream/failover/probe.ts";
import type { StandbyBehaviour } from "../../../src/upstream/failover/standby.ts";

const SIGNS: Signs = {
  cause: "failed",
  active: "accepts",
  peer: "accepts",
  standbyBehaviour: "closes",
  activeAnnounced: false,
  peerAnnounced: false,
  onlyPeerAnnounces: false,
  isDamped: false,
  waited: 0,
};
const NOT_KEPT: readonly ProbeResult[] = ["accepts and closes", "refuses", "silent", "fails TLS"];
const CAUSES = ["start", "in order", "failed"] as const;
const BEHAVIOURS: readonly (StandbyBehaviour | undefined)[] = ["closes", "refuses", "accepts", undefined];
const TIMES = [0, 999, 1000, 14_999, 15_000];
const BOTH = [false, true];

/** Every combination of the given values. */
const all = (values: { readonly [Key in keyof Signs]?: readonly Signs[Key][] }): Signs[] =>
  Object.entries(values).reduce<Signs[]>(
    (made, [key, options]) => made.flatMap((signs) => options.map((option) => ({ ...signs, [key]: option }))),
    [SIGNS],
  );

type Row = readonly [says: string, signs: Signs[], choice: "active" | "peer" | undefined];

const rows: readonly Row[] = [
  [
    "waits after a failure of this host, whatever the peer shows",
    all({
      cause: CAUSES,
      active: [undefined],
      peer: ["accepts", "refuses", undefined],
      standbyBehaviour: BEHAVIOURS,
      peerAnnounced: BOTH,
      waited: TIMES,
    }),
    undefined,
  ],
  [
    "waits while neither keeps a connection",
    all({
      cause: CAUSES,
      active: NOT_KEPT,
      peer: [...NOT_KEPT, undefined],
      standbyBehaviour: BEHAVIOURS,
      peerAnnounced: BOTH,
      waited: TIMES,
    }),
    undefined,
  ],
  [
    "chooses the active OCS when only that keeps the connection",
    all({
      cause: ["start", "failed"],
      peer: [...NOT_KEPT, undefined],
      standbyBehaviour: BEHAVIOURS,
      peerAnnounced: BOTH,
    }),
    "active",
  ],
  [
    "returns to an active OCS that closed all in order and keeps again, where a standby would not",
    all({ cause: ["in order"], peer: [...NOT_KEPT, undefined], standbyBehaviour: ["closes", "refuses", undefined] }),
    "active",
  ],
  [
    "waits for the peer when the active OCS closed all in order and keeps again, where a standby keeps too",
    all({ cause: ["in order"], peer: [...NOT_KEPT, undefined], standbyBehaviour: ["accepts"], waited: [0, 999] }),
    undefined,
  ],
  [
    "returns to the active OCS when the peer has not accepted after GRACE_MS",
    all({ cause: ["in order"], peer: [...NOT_KEPT, undefined], standbyBehaviour: ["accepts"], waited: [1000, 15_000] }),
    "active",
  ],
  [
    "chooses the peer when only that keeps, where a standby would not",
    all({ cause: CAUSES, active: NOT_KEPT, standbyBehaviour: ["closes", "refuses", undefined] }),
    "peer",
  ],
  [
    "waits before it chooses the peer where a standby keeps too",
    all({ cause: CAUSES, active: NOT_KEPT, standbyBehaviour: ["accepts"], waited: [0, 1000, 14_999] }),
    undefined,
  ],
  [
    "chooses the peer after a long silence of the active OCS",
    all({ cause: CAUSES, active: NOT_KEPT, standbyBehaviour: ["accepts"], waited: [15_000] }),
    "peer",
  ],
  [
    "chooses the peer at once when it announced a record",
    all({ cause: CAUSES, active: NOT_KEPT, standbyBehaviour: ["accepts"], peerAnnounced: [true] }),
    "peer",
  ],
  [
    "starts at the configured primary when both keep",
    all({ cause: ["start"], standbyBehaviour: BEHAVIOURS, peerAnnounced: BOTH }),
    "active",
  ],
  [
    "does not follow roles that flap, when both keep",
    all({ cause: CAUSES, standbyBehaviour: BEHAVIOURS, peerAnnounced: BOTH, isDamped: [true] }),
    "active",
  ],
  [
    "chooses the peer that announced a record, when both keep",
    all({ cause: ["in order", "failed"], standbyBehaviour: BEHAVIOURS, peerAnnounced: [true] }),
    "peer",
  ],
  [
    "chooses the peer when the active OCS closed all in order, both keep and a standby would not",
    all({ cause: ["in order"], standbyBehaviour: ["closes", "refuses", undefined] }),
    "peer",
  ],
  [
    "waits for an announcement when both keep and a standby keeps too",
    all({ cause: ["in order"], standbyBehaviour: ["accepts"], waited: [0, 999] }),
    undefined,
  ],
  [
    "chooses the peer when no announcement has come",
    all({ cause: ["in order"], standbyBehaviour: ["accepts"], waited: [1000, 15_000] }),
    "peer",
  ],
  [
    "stays with an active OCS that still announces records, if both keep the connection",
    all({ cause: ["in order", "failed"], standbyBehaviour: BEHAVIOURS, activeAnnounced: [true], waited: TIMES }),
    "active",
  ],
  [
    "stays with an active OCS whose connections were reset or timed out, when both keep",
    all({ cause: ["failed"], standbyBehaviour: BEHAVIOURS }),
    "active",
  ],
  [
    "leaves an active OCS in doubt that no longer keeps, where a standby would not keep",
    all({ cause: ["doubt"], active: NOT_KEPT, standbyBehaviour: ["closes", "refuses"], isDamped: BOTH }),
    "peer",
  ],
  [
    "leaves an active OCS in doubt that no longer keeps, when the peer announced a record",
    all({ cause: ["doubt"], active: NOT_KEPT, standbyBehaviour: BEHAVIOURS, peerAnnounced: [true] }),
    "peer",
  ],
  [
    "stays with an active OCS in doubt where a standby keeps too or may",
    all({ cause: ["doubt"], active: NOT_KEPT, standbyBehaviour: ["accepts", undefined], isDamped: BOTH }),
    "active",
  ],
  [
    "stays with an active OCS in doubt that keeps, although the peer announced a record",
    all({ cause: ["doubt"], standbyBehaviour: BEHAVIOURS, peerAnnounced: BOTH }),
    "active",
  ],
  [
    "leaves an active OCS in doubt when only the peer has announced records for a while",
    all({
      cause: ["doubt"],
      standbyBehaviour: BEHAVIOURS,
      peerAnnounced: [true],
      onlyPeerAnnounces: [true],
      isDamped: BOTH,
    }),
    "peer",
  ],
  [
    "never chooses a peer that does not keep while the active OCS is in doubt",
    all({
      cause: ["doubt"],
      peer: [...NOT_KEPT, undefined],
      active: ["accepts", ...NOT_KEPT],
      standbyBehaviour: BEHAVIOURS,
      peerAnnounced: BOTH,
      onlyPeerAnnounces: BOTH,
    }),
    "active",
  ],
];

describe("the role decision", () => {
  it.each(rows)("%s", (_says, signs, choice) => {
    expect(signs.length).toBeGreaterThan(0);
    expect(signs.map((each) => decideRole(each)).filter((each) => each !== choice)).toEqual([]);
  });
});
