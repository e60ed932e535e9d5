import { ControlError } from "./control-error.ts";

/** The members of a JSON object that has no others than those. */
export const fields = <Name extends string>(body: unknown, names: readonly Name[]): Partial<Record<Name, unknown>> => {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new ControlError(400, "expected a JSON object");
  const other = Object.keys(body).some((key) => !(names as readonly string[]).includes(key));
  if (other) throw new ControlError(400, `expected no other members than ${names.join(", ")}`);
  return body as Partial<Record<Name, unknown>>;
};
