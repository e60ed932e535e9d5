/**
 * Applies the active faults to one request: before OCS carries it out, while it inserts a record, before it answers,
 * and when the client sends a second request before the answer.
 */
import type { Reply } from "../../common/message.ts";
import { KIND_NAMES, kindOf, type FaultContext, type FaultKind, type Verdict } from "./kinds.ts";
import type { Faults, Place, Strike } from "./faults.ts";

export type FaultOutcome = {
  /** Called before OCS carries the request out. A reply replaces OCS's. */
  readonly arrival: () => Promise<Verdict | Reply>;
  readonly databaseDown: () => boolean;
  /** Called before the answer is sent. */
  readonly answer: (bytes: Uint8Array) => Promise<Verdict>;
  /** True when a second request is rejected after the first answer instead of by a reset. */
  readonly refusesSecond: () => boolean;
  /** Ids of the faults that struck so far, oldest first. */
  readonly struck: readonly string[];
};

const AT_ARRIVAL = KIND_NAMES.filter((name) => kindOf(name).arrival);
const AT_ANSWER = KIND_NAMES.filter((name) => kindOf(name).answer);

export const applyFaults = (faults: Faults, at: FaultContext, place: Place): FaultOutcome => {
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
