/** Asks the running gateway, which asks all nodes of the shared database, each for what its journal has. */
import { askAny } from "../../admin-client.ts";
import { CANNOT_TELL, FAILED, WRONG_USAGE } from "../../exit-codes.ts";
import { userInWords, whoAsks } from "../access/who-asks.ts";
import { fail } from "../fail.ts";

/** Longer than the gateway waits for the slowest node, after its own search. */
const ANSWER_MS = 120_000;

export type NodesQuestion = {
  /** Below `/api/nodes`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Makes it a POST. */
  readonly body?: Readonly<Record<string, unknown>>;
};

/** Resolves to the answer, or prints why the gateway gave no answer and resolves to the exit code. */
export const askNodes = async <Value>(
  config: string,
  { path, query = {}, body }: NodesQuestion,
): Promise<Value | number> => {
  const user = userInWords(await whoAsks());
  const parameters = new URLSearchParams(
    Object.entries({ ...query, ...(!body && { user }) }).filter(
      (each): each is [string, string] => each[1] !== undefined,
    ),
  ).toString();
  const answer = await askAny(
    { config },
    {
      path: `/api/nodes${path}${parameters === "" ? "" : `?${parameters}`}`,
      answerMs: ANSWER_MS,
      ...(body && { method: "POST", body: { ...body, user } }),
    },
  );
  if (typeof answer === "number") return answer;
  if (answer.status === 200 || answer.status === 202) return answer.value as Value;
  const error = errorIn(answer.value);
  return fail(error ?? `the gateway answers ${answer.status}`, CODES[answer.status] ?? FAILED);
};

/** 404: without a shared database there are no nodes. */
const CODES: Readonly<Record<number, number>> = {
  400: WRONG_USAGE,
  404: WRONG_USAGE,
  409: CANNOT_TELL,
  503: CANNOT_TELL,
};

const errorIn = (value: unknown): string | undefined =>
  typeof value === "object" && value !== null && "error" in value && typeof value.error === "string"
    ? value.error
    : undefined;

type Whole = { readonly complete: boolean; readonly not_covered: readonly string[] };

/** Prints why the answer is not complete, and returns the exit code. */
export const printWhole = ({ complete, not_covered: notCovered }: Whole): number => {
  for (const says of notCovered) console.error(`INCOMPLETE: ${says}`);
  if (complete) return 0;
  if (notCovered.length === 0) console.error("INCOMPLETE");
  return CANNOT_TELL;
};
