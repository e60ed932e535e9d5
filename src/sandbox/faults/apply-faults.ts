/** One request meets the faults that stand: before it is done, while a record is inserted, before it is answered, when another comes too early. */
import type { Reply } from "../message.ts";
import { KIND_NAMES, kindOf, type Exchange, type FaultKind, type Verdict } from "./fault-kinds.ts";
import type { Faults, Place, Strike } from "./faults.ts";

export type Encounter = {
  /** Before OCS does anything. A reply stands for OCS's own. */
  readonly arrival: () => Promise<Verdict | Reply>;
  readonly databaseDown: () => boolean;
  /** Before the answer leaves. */
  readonly answer: (bytes: Uint8Array) => Promise<Verdict>;
  /** True when a second request is to be refused in good order. */
  readonly refusesSecond: () => boolean;
  /** Ids of the faults that struck, in order; grows. */
  readonly struck: readonly string[];
};

const AT_ARRIVAL = KIND_NAMES.filter((name) => kindOf(name).arrival);
const AT_ANSWER = KIND_NAMES.filter((name) => kindOf(name).answer);

export const meet = (faults: Faults, at: Exchange, place: Place): Encounter => {
  const struck: string[] = [];
  const strike = (kind: FaultKind): Strike | undefined => {
    const firing = faults.strike(kind, place);
    if (firing) struck.push(firing.id);
    return firing;
  };
  const arrival = async (): Promise<Verdict | Reply> => {
    for (const kind of AT_ARRIVAL) {
      const firing = strike(kind);
      const verdict = firing ? await kindOf(kind).arrival!(at, firing) : "go on";
      if (verdict !== "go on") return verdict;
    }
    return "go on";
  };
  const answer = async (bytes: Uint8Array): Promise<Verdict> => {
    for (const kind of AT_ANSWER) {
      const firing = strike(kind);
      if (firing && (await kindOf(kind).answer!(at, firing, bytes)) === "over") return "over";
    }
    return "go on";
  };
  return {
    arrival,
    answer,
    databaseDown: () => strike("db-down") !== undefined,
    refusesSecond: () => strike("reject-second") !== undefined,
    struck,
  };
};
