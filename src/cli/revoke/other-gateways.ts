/** How far a decision has come on the other gateways that share a database, in words. */
import type { Decided } from "../../app/wiring/revocations/revocations.ts";
import type { NodeReach } from "../../app/wiring/revocations/sharing.ts";

type OnOthers = { readonly says: string; /** Every gateway that runs has it. */ readonly isComplete: boolean };

export const inWordsOnOthers = ({ shared, lifted, kept }: Pick<Decided, "shared" | "lifted" | "kept">): OnOthers => {
  if (!shared) return { says: "", isComplete: true };
  const { trouble, nodes } = shared;
  if (trouble !== null) {
    const next = lifted
      ? "only its order of changes says what is in force on all gateways; try again once it answers"
      : kept
        ? "the other gateways do not have it, and get it once the database answers; until then revoke it there too"
        : "the other gateways do not have it";
    return { says: `; the shared database does not answer (${trouble}): ${next}`, isComplete: false };
  }
  const named = (...states: readonly NodeReach["state"][]): string =>
    nodes
      .filter(({ state }) => states.includes(state))
      .map(({ node }) => node)
      .join(", ");
  const [applied, waiting, down] = [named("applied"), named("waiting"), named("dead", "stopped")];
  const parts = [
    applied && `also applied by ${applied}`,
    waiting && `NOT YET applied by ${waiting}, which runs: see its status`,
    down && `applied by ${down} when it starts again`,
  ].filter(Boolean);
  return { says: parts.map((part) => `; ${part}`).join(""), isComplete: waiting === "" };
};
