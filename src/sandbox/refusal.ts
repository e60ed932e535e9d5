import type { NegativeAnswer } from "./negative-answers.ts";

/** Thrown when OCS rejects a request, with a row of negative-answers.ts. The request has changed nothing. */
export class Refusal extends Error {
  readonly condition: NegativeAnswer;
  /** What OCS expected, for the text of a 400; contains no value of the request. */
  readonly detail: string | undefined;
  constructor(condition: NegativeAnswer, detail?: string) {
    super(detail === undefined ? condition : `${condition}: ${detail}`);
    this.name = "Refusal";
    this.condition = condition;
    this.detail = detail;
  }
}

export const refuse = (condition: NegativeAnswer, detail?: string): never => {
  throw new Refusal(condition, detail);
};
