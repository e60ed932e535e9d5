import { describe, expect, it } from "vitest";
import { choose, type Signs } from "../../src/upstream/decision.ts";
import type { Seen } from "../../src/upstream/probe.ts";
import type { Habit } from "../../src/upstream/standby.ts";

const SIGNS: Signs = {
  cause: "failed",
  active: "accepts",
  peer: "accepts",
  habit: "closes",
  activeSpoke: false,
  peerSpoke: false,
  peerInsists: false,
  damped: false,
  waited: 0,
};
const NOT_KEPT: readonly Seen[] = ["accepts and closes", "refuses", "silent", "fails TLS"];
const CAUSES = ["start", "in order", "failed"] as const;
const HABITS: readonly (Habit | undefined)[] = ["closes", "refuses", "accepts", undefined];
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
    "waits while this host cannot try the active one, whatever the peer shows",
    all({
      cause: CAUSES,
      active: [undefined],
      peer: ["accepts", "refuses", undefined],
      habit: HABITS,
      peerSpoke: BOTH,
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
      habit: HABITS,
      peerSpoke: BOTH,
      waited: TIMES,
    }),
    undefined,
  ],
  [
    "goes to the active one when only that keeps",
    all({ cause: ["start", "failed"], peer: [...NOT_KEPT, undefined], habit: HABITS, peerSpoke: BOTH }),
    "active",
  ],
  [
    "goes back to one that closed all in order and keeps again, where a standby would not keep",
    all({ cause: ["in order"], peer: [...NOT_KEPT, undefined], habit: ["closes", "refuses", undefined] }),
    "active",
  ],
  [
    "waits for the peer of one that closed all in order and keeps again, where a standby keeps too",
    all({ cause: ["in order"], peer: [...NOT_KEPT, undefined], habit: ["accepts"], waited: [0, 999] }),
    undefined,
  ],
  [
    "goes back to that one when the peer has not come",
    all({ cause: ["in order"], peer: [...NOT_KEPT, undefined], habit: ["accepts"], waited: [1000, 15_000] }),
    "active",
  ],
  [
    "goes to the peer when only that keeps, where a standby would not",
    all({ cause: CAUSES, active: NOT_KEPT, habit: ["closes", "refuses", undefined] }),
    "peer",
  ],
  [
    "waits before it goes to a peer whose standby keeps too",
    all({ cause: CAUSES, active: NOT_KEPT, habit: ["accepts"], waited: [0, 1000, 14_999] }),
    undefined,
  ],
  [
    "goes to that peer after a long silence of the active one",
    all({ cause: CAUSES, active: NOT_KEPT, habit: ["accepts"], waited: [15_000] }),
    "peer",
  ],
  [
    "goes to that peer at once when it announced a record",
    all({ cause: CAUSES, active: NOT_KEPT, habit: ["accepts"], peerSpoke: [true] }),
    "peer",
  ],
  [
    "starts at the configured primary when both keep",
    all({ cause: ["start"], habit: HABITS, peerSpoke: BOTH }),
    "active",
  ],
  [
    "does not follow roles that flap, when both keep",
    all({ cause: CAUSES, habit: HABITS, peerSpoke: BOTH, damped: [true] }),
    "active",
  ],
  [
    "goes to the peer that announced a record, when both keep",
    all({ cause: ["in order", "failed"], habit: HABITS, peerSpoke: [true] }),
    "peer",
  ],
  [
    "goes to the peer of one that closed all in order, when both keep and a standby would not",
    all({ cause: ["in order"], habit: ["closes", "refuses", undefined] }),
    "peer",
  ],
  [
    "waits for an announcement where a standby keeps too",
    all({ cause: ["in order"], habit: ["accepts"], waited: [0, 999] }),
    undefined,
  ],
  [
    "goes to the peer there when none has come",
    all({ cause: ["in order"], habit: ["accepts"], waited: [1000, 15_000] }),
    "peer",
  ],
  [
    "stays with the one that goes on announcing records, when both keep",
    all({ cause: ["in order", "failed"], habit: HABITS, activeSpoke: [true], waited: TIMES }),
    "active",
  ],
  [
    "stays with the one whose connections were reset or timed out, when both keep",
    all({ cause: ["failed"], habit: HABITS }),
    "active",
  ],
  [
    "leaves an active one that no longer keeps for a peer whose standby would not keep",
    all({ cause: ["doubt"], active: NOT_KEPT, habit: ["closes", "refuses"], damped: BOTH }),
    "peer",
  ],
  [
    "leaves an active one that no longer keeps for a peer that announced a record",
    all({ cause: ["doubt"], active: NOT_KEPT, habit: HABITS, peerSpoke: [true] }),
    "peer",
  ],
  [
    "keeps an active one whose watch connection is open, where a standby keeps too or may",
    all({ cause: ["doubt"], active: NOT_KEPT, habit: ["accepts", undefined], damped: BOTH }),
    "active",
  ],
  [
    "keeps an active one that keeps connections, though the peer announced a record",
    all({ cause: ["doubt"], habit: HABITS, peerSpoke: BOTH }),
    "active",
  ],
  [
    "leaves it for a peer that is the only one to announce for a while",
    all({ cause: ["doubt"], habit: HABITS, peerSpoke: [true], peerInsists: [true], damped: BOTH }),
    "peer",
  ],
  [
    "never goes to a peer that does not keep",
    all({
      cause: ["doubt"],
      peer: [...NOT_KEPT, undefined],
      active: ["accepts", ...NOT_KEPT],
      habit: HABITS,
      peerSpoke: BOTH,
      peerInsists: BOTH,
    }),
    "active",
  ],
];

describe("the decision which OCS takes requests", () => {
  it.each(rows)("%s", (_says, signs, choice) => {
    expect(signs.length).toBeGreaterThan(0);
    expect(signs.map((each) => choose(each)).filter((each) => each !== choice)).toEqual([]);
  });
});
