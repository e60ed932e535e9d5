import type { Condition } from "./conditions.ts";

/** OCS says no, by a row of conditions.ts. Thrown where it is found out; ocs.ts makes the answer of it, and nothing of the request is kept. */
export class Refusal extends Error {
  readonly condition: Condition;
  /** What was expected, for the text of a 400; never a value of the request. */
  readonly detail: string | undefined;
  constructor(condition: Condition, detail?: string) {
    super(detail === undefined ? condition : `${condition}: ${detail}`);
    this.name = "Refusal";
    this.condition = condition;
    this.detail = detail;
  }
}

export const refuse = (condition: Condition, detail?: string): never => {
  throw new Refusal(condition, detail);
};
